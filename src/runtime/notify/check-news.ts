/**
 * The port for compliance checks: what a check found, as news by rule → messages in the outbox. One message for each rule, with its
 * top findings and the command to type; one that says `resolved` when nothing of the rule is open any more.
 *
 * `tellCheck` may be called again with the same: it puts nothing twice. So a check writes down what it found, calls it, and then
 * writes down that it is done; one that is killed in between is told by whoever goes on with it, or looks at it again.
 */
import { hostname } from 'node:os';
import type { ComplianceNews, NewsLine } from '../../compliance/index.ts';
import { cutLine, utcText, withFields, type EventName, type Message } from '../../notify/index.ts';
import type { Notifier } from './notifier.ts';

/** One check of one compliance file. */
export interface CheckRun {
  /** Unique in the state folder, and the same when it is told again. */
  readonly id: string;
  /** The compliance file, as people name it. */
  readonly file: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** What to type to see everything: `belay findings --open`. */
  readonly command: string;
  /** Channels that the compliance file names, beside those that are told of all. */
  readonly channels: readonly string[];
}

/** Throws JournalFailure, and Refusal where belay.yaml cannot be read. */
export function tellCheck(notifier: Notifier, check: CheckRun, news: readonly ComplianceNews[]): void {
  const audience = notifier.audienceHere(check.channels, []);
  for (const each of news)
    for (const message of checkMessages(check, each, hostname())) notifier.tell(message, audience);
}

const listedMax = 10;

/** At most one for each event: a channel may want what is new, and not what is fixed. */
export function checkMessages(check: CheckRun, news: ComplianceNews, machine: string): Message[] {
  if (news.kind === 'stopped') {
    return [
      withFields(
        {
          key: `check:${check.id}:stopped`,
          event: 'checkStopped',
          about: check.file,
          at: check.at,
          subject: `Check of ${check.file} stopped`,
          text: [
            `The check of ${check.file} did not come to its end: ${news.why}`,
            'Nothing is known of what it did not reach.',
            `on ${machine}: ${check.command}`,
          ].join('\n'),
        },
        { runbook: check.file, id: check.id, failure: news.why, command: check.command, machine },
      ),
    ];
  }
  const { found, fixed, unknown } = news;
  return [
    ...(found.length === 0 ? [] : [ruleMessage(check, news, 'findingNew', found, machine)]),
    ...(unknown.length === 0 ? [] : [ruleMessage(check, news, 'findingUnknown', unknown, machine)]),
    ...(fixed.length === 0 ? [] : [ruleMessage(check, news, 'findingFixed', fixed, machine)]),
  ];
}

type FindingEvent = Extract<EventName, 'findingNew' | 'findingUnknown' | 'findingFixed'>;

function ruleMessage(
  check: CheckRun,
  { rule, severity, openCount, unknownCount = 0 }: Extract<ComplianceNews, { kind: 'rule' }>,
  event: FindingEvent,
  findings: readonly NewsLine[],
  machine: string,
): Message {
  const isResolved =
    event === 'findingFixed' &&
    openCount + unknownCount === 0 &&
    findings.every(({ end }) => end === undefined || end === 'known');
  const subject = subjectOf(rule, severity, event, findings, isResolved);
  const shown = findings.slice(0, listedMax);
  const more = findings.length - shown.length;
  const text = [
    `${subject}.`,
    ...shown.flatMap(({ target, says, command }) => [
      `  ${cutLine(target, 80)}  ${cutLine(says, 240)}`,
      ...(command === undefined ? [] : [`    ${command}`]),
    ]),
    ...(more > 0 ? [`  ${more} more`] : []),
    openCount === 0 && event === 'findingFixed'
      ? `Nothing of ${rule} is open any more.`
      : `${openCount} of ${rule} ${openCount === 1 ? 'is' : 'are'} open now.`,
    ...(unknownCount === 0 || event === 'findingUnknown'
      ? []
      : [`Of ${unknownCount} more nobody knows whether it holds.`]),
    '',
    `${check.file}, checked ${utcText(check.at)}`,
    `on ${machine}: ${check.command}`,
  ].join('\n');
  return withFields(
    {
      key: `check:${check.id}:${rule}:${event}`,
      event,
      about: `${rule}@${check.file}`,
      at: check.at,
      subject,
      text,
    },
    {
      runbook: check.file,
      id: check.id,
      rule,
      severity,
      status: isResolved ? 'resolved' : event,
      hosts: shown.map(({ target }) => target).join(', '),
      command: check.command,
      machine,
    },
  );
}

function subjectOf(
  rule: string,
  severity: string,
  event: FindingEvent,
  findings: readonly NewsLine[],
  isResolved: boolean,
): string {
  const [first] = findings;
  const where = findings.length === 1 ? ` on ${first?.target ?? ''}` : '';
  switch (event) {
    case 'findingNew': {
      const again = findings.filter(({ isAgain }) => isAgain === true).length;
      const words = [
        ...(findings.length === again ? [] : [`${findings.length - again} new`]),
        ...(again === 0 ? [] : [`${again} still open`]),
      ];
      return `[${severity}] ${rule}: ${words.join(', ')}${where}`;
    }
    case 'findingUnknown':
      return `[${severity}] ${rule}: unknown${where === '' ? ` on ${findings.length} targets` : where}`;
    case 'findingFixed':
      return isResolved ? `resolved: ${rule}` : `${rule}: ${endingsOf(findings)}${where}`;
    default:
      return event satisfies never;
  }
}

/** `2 fixed, 1 no longer checked`: only what was seen to hold again is called fixed. */
function endingsOf(findings: readonly NewsLine[]): string {
  const words = {
    fixed: 'fixed',
    known: 'known again',
    retired: 'no longer checked',
    gone: 'not there any more',
  } as const;
  return [...Map.groupBy(findings, ({ end }): keyof typeof words => end ?? 'fixed')]
    .map(([end, of]) => `${of.length} ${words[end]}`)
    .join(', ');
}
