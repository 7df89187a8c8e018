/** What looks come to, in three words. The third is never taken for the first. */
import { acknowledgementOf } from './acknowledge.ts';
import type { Acknowledgement, Judged, Look } from './types.ts';

export const verdicts = ['COMPLIANT', 'NON_COMPLIANT', 'UNDETERMINED'] as const;
export type Verdict = (typeof verdicts)[number];

/** A known violation outranks what is not known, and what is not known outranks compliance. Nothing judged is not known. */
export function verdictOf(judged: readonly Judged[]): Verdict {
  if (judged.some(({ kind }) => kind === 'broken')) return 'NON_COMPLIANT';
  if (judged.length === 0 || judged.some(({ kind }) => kind === 'unknown')) return 'UNDETERMINED';
  return 'COMPLIANT';
}

/**
 * What a whole check comes to for whoever asks by exit code. An acknowledged violation is accepted until its time is over;
 * an acknowledged unknown is still unknown.
 */
export function verdictOfCheck(
  looks: readonly Look[],
  acknowledgements: readonly Acknowledgement[],
  now: number,
): Verdict {
  const accepted = ({ rule, target }: Look, { subject }: Judged): boolean =>
    acknowledgementOf({ rule, target, subject }, acknowledgements, now) !== undefined;
  const verdictsOfLooks = looks.map((look) =>
    verdictOf(
      look.judged.map((judged) =>
        judged.kind === 'broken' && accepted(look, judged)
          ? { kind: 'kept', subject: judged.subject, found: judged.found }
          : judged,
      ),
    ),
  );
  if (verdictsOfLooks.includes('NON_COMPLIANT')) return 'NON_COMPLIANT';
  if (looks.length === 0 || verdictsOfLooks.includes('UNDETERMINED')) return 'UNDETERMINED';
  return 'COMPLIANT';
}
