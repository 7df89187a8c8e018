/** What a check came to, for people: what is new first, one line each, many of a kind as one. */
import {
  acknowledgementOf,
  againText,
  findingText,
  isOpen,
  remedyCommand,
  type Change,
  type ChangeKind,
  type Finding,
} from '../../compliance/index.ts';
import type { CheckOutcome, Mended } from '../../runtime/compliance/outcome.ts';
import { durationText } from './durations.ts';
import { clipped, printable } from './printable.ts';
import type { Style, Tone } from './style.ts';
import { tableLines } from './table.ts';

const linesMax = 60;
const order: readonly ChangeKind[] = ['new', 'still', 'known', 'unknown', 'fixed', 'retired'];
const tones: Readonly<Record<ChangeKind, Tone>> = {
  new: 'bad',
  still: 'warn',
  known: 'hint',
  unknown: 'warn',
  fixed: 'good',
  retired: 'faint',
};

export function checkLines(outcome: CheckOutcome, style: Style): string[] {
  const { ruleSet, changes, looks, startedAt, endedAt, isWhole } = outcome;
  const targets = new Set(looks.map(({ target }) => target)).size;
  const rules = new Set(looks.map(({ rule }) => rule)).size;
  const part = isWhole ? '' : ', a part of it';
  const head = `${style.paint('strong', ruleSet.name)}  ${count(rules, 'rule')}, ${count(targets, 'target')}${part}  ${durationText(endedAt - startedAt)}`;
  const rows = order.flatMap((kind) =>
    rowsOf(
      kind,
      changes.filter((change) => change.kind === kind),
    ),
  );
  const shown = rows.slice(0, linesMax);
  const table = tableLines(shown.map(({ cells }) => cells)).map((line, index) => {
    const kind = shown[index]?.kind ?? 'still';
    return `  ${style.paint(tones[kind], line.slice(0, kind.length))}${line.slice(kind.length)}`;
  });
  const more = rows.length - shown.length;
  return [
    head,
    ...table,
    ...(more > 0 ? [`  and ${more} more lines: belay findings --open`] : []),
    ...remedyLines(outcome),
    ...(outcome.mended ?? []).map(mendedLine),
  ];
}

const mendedWords = {
  mended: 'mended, and looked at again',
  takenBack: 'did not help and was taken back',
  failed: 'its runbook failed',
  notTakenBack: 'did not help and could not be taken back: hands are needed',
  waits: 'waits for its approval',
  refused: 'was refused',
  withdrawn: 'is not needed any more, and is no longer asked for',
} as const;

function mendedLine({ rule, target, executionId, result }: Mended): string {
  const next = result === 'waits' ? `belay approve ${executionId}` : `belay show ${executionId}`;
  return `  remedy of ${printable(rule)} on ${printable(target)}: ${mendedWords[result]}     ${next}`;
}

const remediesMax = 10;

/** The commands that mend what is open and not acknowledged. */
function remedyLines({ ruleSet, open, acknowledgements, endedAt }: CheckOutcome): string[] {
  const commands = open.flatMap((finding) => {
    const remedy = ruleSet.rules.find(({ name }) => name === finding.rule)?.remedy;
    const isMeant = remedy !== undefined && finding.status === 'open' && finding.code === '';
    const isQuiet = acknowledgementOf(finding, acknowledgements, endedAt) !== undefined;
    return isMeant && !isQuiet ? [remedyCommand(remedy, finding)] : [];
  });
  const distinct = [...new Set(commands)];
  if (distinct.length === 0) return [];
  const more = distinct.length - remediesMax;
  return [
    '  to mend it:',
    ...distinct.slice(0, remediesMax).map((command) => `    ${printable(command)}`),
    ...(more > 0 ? [`    and ${more} more, see remedy in --json`] : []),
  ];
}

/** The sentence at the end, over all files. */
export function endingLine(outcomes: readonly CheckOutcome[], style: Style): string {
  const open = outcomes.flatMap((outcome) => outcome.open.map((finding) => ({ finding, outcome })));
  const isAccepted = ({ finding, outcome }: (typeof open)[number]): boolean =>
    acknowledgementOf(finding, outcome.acknowledgements, outcome.endedAt) !== undefined;
  const broken = open.filter(({ finding }) => finding.status === 'open');
  const accepted = broken.filter(isAccepted).length;
  const unknown = open.filter(({ finding }) => finding.code !== '').length;
  const changes = outcomes.flatMap((outcome) => outcome.changes);
  const of = (kind: ChangeKind): number => changes.filter((change) => change.kind === kind).length;
  const worst = verdictOfAll(outcomes);
  const words = {
    NON_COMPLIANT: 'Non-compliant',
    UNDETERMINED: 'Undetermined',
    COMPLIANT: 'Compliant',
  } as const;
  const tone = { NON_COMPLIANT: 'bad', UNDETERMINED: 'warn', COMPLIANT: 'good' } as const;
  const parts = [
    broken.length === 0 ? 'no open finding' : `${count(broken.length, 'open finding')} (${of('new')} new)`,
    ...(accepted === 0 ? [] : [`${accepted} acknowledged`]),
    ...(unknown === 0 ? [] : [`${unknown} unknown`]),
    ...(of('fixed') === 0 ? [] : [`${of('fixed')} fixed`]),
  ];
  const next = broken.length + unknown === 0 ? '' : '   belay findings --open';
  return `${style.paint(tone[worst], words[worst])}: ${parts.join(', ')}.${next}`;
}

export function verdictOfAll(outcomes: readonly Pick<CheckOutcome, 'verdict'>[]): CheckOutcome['verdict'] {
  const verdicts = outcomes.map(({ verdict }) => verdict);
  if (verdicts.includes('NON_COMPLIANT')) return 'NON_COMPLIANT';
  return verdicts.length > 0 && verdicts.every((verdict) => verdict === 'COMPLIANT')
    ? 'COMPLIANT'
    : 'UNDETERMINED';
}

interface Row {
  readonly kind: ChangeKind;
  readonly cells: readonly string[];
}

/** What is true of a whole target in many rules is one line; so is the same violation on many targets. */
function rowsOf(kind: ChangeKind, changes: readonly Change[]): Row[] {
  const ofTargets = Map.groupBy(changes, ({ finding }) =>
    finding.subject === '' ? JSON.stringify([finding.target, finding.code]) : '',
  );
  const rows: Row[] = [];
  for (const [key, group] of ofTargets) {
    const [first] = group;
    if (key === '' || first === undefined) continue;
    const rule = group.length === 1 ? first.finding.rule : count(group.length, 'rule');
    rows.push(row(kind, first, rule, [first.finding.target]));
  }
  const same = Map.groupBy(ofTargets.get('') ?? [], ({ finding, acknowledgement }) =>
    JSON.stringify([finding.rule, findingText(finding), acknowledgement?.id]),
  );
  for (const group of same.values()) {
    const [first] = group;
    if (first !== undefined)
      rows.push(
        row(
          kind,
          first,
          first.finding.rule,
          group.map(({ finding }) => finding.target),
        ),
      );
  }
  return rows;
}

const namedMax = 3;

function row(
  kind: ChangeKind,
  { finding, acknowledgement }: Change,
  rule: string,
  targets: readonly string[],
): Row {
  const named =
    targets.length <= namedMax
      ? targets.join(', ')
      : `${targets.slice(0, namedMax).join(', ')} and ${targets.length - namedMax} more`;
  const quiet =
    acknowledgement === null
      ? ''
      : `   acknowledged by ${acknowledgement.by} until ${minuteText(acknowledgement.until)}`;
  const since = kind === 'still' ? `   since ${dayText(finding.firstSeenAt)}` : '';
  const text = `${clipped(printable(textOf(kind, finding)), 160)}${since}${quiet}`;
  return { kind, cells: [kind, finding.severity, printable(rule), printable(named), text] };
}

function textOf(kind: ChangeKind, finding: Finding): string {
  if (kind === 'known' && !isOpen(finding)) return againText(finding);
  if (kind === 'fixed') return finding.subject === '' ? 'fixed' : `${finding.subject} (was ${finding.found})`;
  if (kind === 'retired') return `${finding.subject} ${finding.reason || 'is no longer checked'}`.trim();
  return findingText(finding);
}

/** `2026-12-06 02:14 UTC`. */
export function minuteText(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

export function dayText(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
