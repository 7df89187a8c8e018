/** What happened in an execution → messages. The same events give the same messages with the same keys. */
import { isTerminal, type RecordedEvent, type StepState, type Waiting } from '../../engine/index.ts';
import {
  cutLine,
  utcText,
  withFields,
  type EventName,
  type FieldName,
  type Message,
} from '../../notify/index.ts';
import type { ExecutionView } from '../execution-view.ts';
import { shellWord } from '../visible.ts';
import type { PeopleWords } from './words.ts';

export interface Telling {
  /** As it is now. */
  readonly view: ExecutionView;
  readonly words: PeopleWords;
  /** The machine that tells. */
  readonly machine: string;
  /** Behind a command that is to be typed: ` --state DIR`, or empty. */
  readonly stateWords: string;
}

/** Of events that are new; the view knows what came of them since. */
export function messagesOf(events: readonly RecordedEvent[], telling: Telling): Message[] {
  return events.flatMap((recorded) => messageOf(recorded, telling) ?? []);
}

function messageOf({ seq, at, event }: RecordedEvent, telling: Telling): Message | undefined {
  const { view } = telling;
  const key = `${view.executionId}:${seq}`;
  switch (event.type) {
    case 'ForwardEnded':
      // Told as a refusal of the lock already.
      if (event.status === 'Success' || (view.refused !== null && event.failedStep === null))
        return undefined;
      return failed(`${key}:failed`, at, telling);
    case 'RollbackEnded': {
      const name = rollbackEvents[event.status];
      return name === undefined ? undefined : rolledBack(`${key}:rolledBack`, at, name, telling);
    }
    case 'LocksRefused':
      return message(telling, {
        key: `${key}:lock`,
        event: 'lockRefused',
        at,
        head: `${view.runbook} got no lock`,
        lines: [`${event.failure.message}.`],
        command: `belay locks${telling.stateWords}`,
        fields: { code: event.failure.code, failure: event.failure.message },
      });
    case 'StepWaiting':
      return waits(`${key}:wait`, at, event.step, event.waiting, telling);
    default:
      return undefined;
  }
}

const rollbackEvents: Readonly<Record<string, EventName>> = {
  clean: 'rolledBackClean',
  partial: 'rolledBackPartial',
  failed: 'rolledBackFailed',
};

function failed(key: string, at: number, telling: Telling): Message {
  const { view, words } = telling;
  const step = view.steps.find(({ name }) => name === view.failedStep);
  const climbs = view.endedAt === null && view.rollbackStatus !== 'clean';
  const what = `${view.runbook} ${endedWord(view)}${atStep(view)}${onHosts(step)}`;
  const failure = step?.failure ?? null;
  const why = failure === null ? '' : `${failure.code}: ${failure.message}`;
  return message(telling, {
    key,
    event: 'runFailed',
    at,
    head: what,
    lines: climbs
      ? [`${what}.`, ...(why === '' ? [] : [`  ${why}`]), 'How it goes on is told by the next message.']
      : words.ending(view),
    command: `belay show ${view.executionId}${telling.stateWords}`,
  });
}

function rolledBack(key: string, at: number, event: EventName, telling: Telling): Message {
  const { view, words } = telling;
  const how = `rollback ${view.rollbackStatus === 'clean' ? 'clean' : view.rollbackStatus.toUpperCase()}`;
  const step = view.steps.find(({ name }) => name === view.failedStep);
  const began =
    view.status === 'Success' ? view.runbook : `${view.runbook} ${endedWord(view)}${atStep(view)}`;
  return message(telling, {
    key,
    event,
    at,
    head: `${began}${onHosts(step)}, ${how}`,
    lines: words.ending(view),
    command: `belay show ${view.executionId}${telling.stateWords}`,
  });
}

function waits(
  key: string,
  at: number,
  step: string,
  waiting: Waiting,
  telling: Telling,
): Message | undefined {
  const { view, words } = telling;
  if (waiting.kind === 'sleep' || waiting.kind === 'lock') return undefined;
  // The same question after one of several has answered.
  if (waiting.kind === 'approval' && waiting.given > 0) return undefined;
  const { says, commands } = words.waiting(view.executionId, step, waiting);
  const goesOn =
    view.leftTo === 'daemon'
      ? 'then  belay daemon goes on with it'
      : `then  belay resume ${view.child?.root ?? view.executionId}`;
  const resume = view.isLive || waiting.kind === 'rollbackDecision' ? [] : [goesOn];
  return message(telling, {
    key,
    event: waiting.kind === 'approval' ? 'approvalWanted' : 'needsPerson',
    at,
    head:
      waiting.kind === 'approval'
        ? `${view.runbook} wants an approval: ${says}`
        : `${view.runbook} needs a person at ${step}`,
    lines: [says, ...commands.map((line) => `  ${line}`), ...resume.map((line) => `  ${line}`)],
    command: commandOf(waiting, step, view.executionId) + telling.stateWords,
    fields: { step },
  });
}

function commandOf(waiting: Waiting, step: string, id: string): string {
  if (waiting.kind === 'rollbackDecision') return `belay rollback ${id}`;
  if (waiting.kind === 'nextStep') return `belay continue ${id}`;
  return `belay ${waiting.kind === 'approval' ? 'approve' : 'continue'} ${id} --step ${shellWord(step)}`;
}

/** The runner is gone before the end. `since`: of the runner, so that the next one that goes is told too. */
export function interruptedMessage(since: number, at: number, telling: Telling): Message {
  const { view } = telling;
  const where = view.at === null ? '' : ` at ${view.at}`;
  const runner = view.runner === null ? '' : ` (pid ${view.runner.pid} on ${view.runner.host})`;
  return message(telling, {
    key: `${view.executionId}:interrupted:${since}`,
    event: 'interrupted',
    at,
    head: `${view.runbook} was interrupted${where}`,
    lines: [
      `The runner${runner} is gone${where}; nothing of it goes on by itself. Its state is saved.`,
      `  go on       belay resume ${view.executionId}`,
      `  climb down  belay cancel ${view.executionId}`,
      ...(view.locks.length === 0 ? [] : [`It still holds ${view.locks.join(', ')}.`]),
    ],
    command: `belay resume ${view.executionId}${telling.stateWords}`,
  });
}

/** What an earlier message asked for, or told of, is no more. `first`: its key. */
export function resolvedMessage(
  first: { readonly key: string; readonly subject: string },
  at: number,
  telling: Telling,
): Message {
  const { view } = telling;
  const now = view.endedAt === null ? 'it goes on' : `it has ended: ${view.status}`;
  return message(telling, {
    key: `${first.key}:resolved`,
    event: 'resolved',
    at,
    head: `resolved: ${first.subject}`,
    lines: [`Over: ${first.subject}.`, `${view.runbook} ${view.executionId}: ${now}.`],
    command: `belay show ${view.executionId}${telling.stateWords}`,
  });
}

interface MessageParts {
  readonly key: string;
  readonly event: EventName;
  readonly at: number;
  readonly head: string;
  readonly lines: readonly string[];
  readonly command: string;
  readonly fields?: Partial<Record<FieldName, string>>;
}

function message(
  telling: Telling,
  { key, event, at, head, lines, command, fields = {} }: MessageParts,
): Message {
  const { view, words, machine } = telling;
  const hosts = hostsOf(view);
  const step = view.steps.find(({ name }) => name === view.failedStep);
  const text = [
    ...lines,
    '',
    `${view.runbook} ${view.executionId}, started by ${view.startedBy} ${utcText(view.startedAt ?? view.createdAt)}`,
    ...(hosts.length === 0 ? [] : [`hosts: ${listed(hosts)}`]),
    `on ${machine}: ${command}`,
  ].join('\n');
  return withFields(
    { key, event, about: view.executionId, at, subject: cutLine(head, 140), text },
    {
      runbook: view.runbook,
      id: view.executionId,
      status: view.status,
      rollback: view.rollbackStatus,
      step: view.failedStep ?? '',
      code: step?.failure?.code ?? '',
      failure: step?.failure?.message ?? '',
      hosts: listed(hosts),
      left: isTerminal(view.status) && view.endedAt !== null ? words.ending(view).join('\n') : '',
      command,
      machine,
      startedBy: view.startedBy,
      ...fields,
    },
  );
}

function endedWord({ status }: ExecutionView): string {
  if (status === 'TimedOut') return 'timed out';
  return status === 'Cancelled' || status === 'Cancelling' ? 'was cancelled' : 'failed';
}

const atStep = ({ failedStep }: ExecutionView): string => (failedStep === null ? '' : ` at ${failedStep}`);

function onHosts(step: StepState | undefined): string {
  const hosts = (step?.targets ?? []).filter(isHost);
  return hosts.length === 0 ? '' : ` on ${listed(hosts)}`;
}

/** Everything that a step of it acted on and that has the form of a host's name. */
function hostsOf(view: ExecutionView): readonly string[] {
  return [...new Set([...view.steps, ...view.rollback].flatMap(({ targets }) => targets))].filter(isHost);
}

const isHost = (target: string): boolean => /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(target);
const namedMax = 6;

function listed(names: readonly string[]): string {
  const more = names.length - namedMax;
  return [...names.slice(0, namedMax), ...(more > 0 ? [`${more} more`] : [])].join(', ');
}
