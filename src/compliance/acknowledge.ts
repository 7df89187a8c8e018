/** Which acknowledgement keeps a finding quiet, and whether it still does. */
import type { Acknowledgement, Finding } from './types.ts';

type Names = Pick<Finding, 'rule' | 'target' | 'subject'>;

/** The one that holds longest; undefined: nobody has acknowledged it, or the time is over. */
export function acknowledgementOf(
  finding: Names,
  all: readonly Acknowledgement[],
  now: number,
): Acknowledgement | undefined {
  return all
    .filter((each) => each.until > now && covers(each, finding))
    .toSorted((left, right) => right.until - left.until)
    .at(0);
}

export function covers(acknowledgement: Names, { rule, target, subject }: Names): boolean {
  const matches = (wanted: string, is: string): boolean => wanted === '*' || wanted === is;
  return (
    matches(acknowledgement.rule, rule) &&
    matches(acknowledgement.target, target) &&
    matches(acknowledgement.subject, subject)
  );
}
