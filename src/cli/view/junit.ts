/** A check as JUnit XML, which CI servers show: one case for each rule on each target. */
import { acknowledgementOf, type Judged, type Look } from '../../compliance/index.ts';
import type { CheckOutcome } from '../../runtime/compliance/outcome.ts';
import { escaped } from './markup.ts';

export function junitText(outcomes: readonly CheckOutcome[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${outcomes.map(suite).join('')}</testsuites>\n`;
}

function suite(outcome: CheckOutcome): string {
  const cases = outcome.looks.map((look) => caseOf(look, outcome));
  const count = (tag: string): number => cases.filter((text) => text.includes(`<${tag} `)).length;
  const { ruleSet, startedAt, endedAt } = outcome;
  const head = `name="${escaped(ruleSet.name)}" tests="${cases.length}" failures="${count('failure')}" errors="${count('error')}" skipped="${count('skipped')}" time="${((endedAt - startedAt) / 1000).toFixed(3)}" timestamp="${new Date(startedAt).toISOString().slice(0, 19)}"`;
  return `  <testsuite ${head}>\n${cases.join('')}  </testsuite>\n`;
}

/** An unknown is an error: a test that could not be made. An acknowledged violation is skipped, with who accepted it. */
function caseOf(look: Look, { acknowledgements, endedAt, ruleSet }: CheckOutcome): string {
  const accepted = (judged: Judged) =>
    acknowledgementOf(
      { rule: look.rule, target: look.target, subject: judged.subject },
      acknowledgements,
      endedAt,
    );
  const broken = look.judged.filter((judged) => judged.kind === 'broken');
  const failing = broken.filter((judged) => accepted(judged) === undefined);
  const unknown = look.judged.filter((judged) => judged.kind === 'unknown');
  const [first] = broken;
  const acknowledgement = first === undefined ? undefined : accepted(first);
  const inner =
    failing.length > 0
      ? element('failure', failing)
      : unknown.length > 0
        ? element('error', unknown)
        : acknowledgement === undefined
          ? ''
          : `<skipped message="${escaped(`acknowledged by ${acknowledgement.by}: ${acknowledgement.why}`)}" />`;
  return `    <testcase classname="${escaped(`${ruleSet.name}.${look.rule}`)}" name="${escaped(look.target)}">${inner}</testcase>\n`;
}

function element(tag: string, judged: readonly Judged[]): string {
  const lines = judged.map((each) =>
    each.kind === 'broken'
      ? `${each.subject} is ${each.found}, wanted is ${each.wanted}`
      : each.kind === 'unknown'
        ? `${each.subject} ${each.reason} (${each.code})`.trim()
        : '',
  );
  return `<${tag} message="${escaped(lines[0] ?? '')}">${escaped(lines.join('\n'))}</${tag}>`;
}
