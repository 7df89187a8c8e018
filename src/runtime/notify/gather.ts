/**
 * Looks for what happened in executions since the last look, and puts into the outbox what people are to be told of it, together with
 * how far it looked. What the journal holds is never lost to a runner that dies: whoever looks next finds it.
 */
import { foldEvents, type RecordedEvent } from '../../engine/index.ts';
import {
  DamagedExecution,
  type ExecutionRow,
  type Journal,
  type NewOutboxMessage,
  type Outbox,
  type OutboxMessage,
} from '../../journal/index.ts';
import { topicArnPattern, type Message } from '../../notify/index.ts';
import { executionView, type ExecutionView } from '../execution-view.ts';
import { livenessOf, type Runners } from '../liveness.ts';
import { maskPlaceholders } from '../secrets/placeholder.ts';
import { addressed, addressees, type Audience } from './address.ts';
import { interruptedMessage, messagesOf, resolvedMessage, type Telling } from './execution-messages.ts';
import type { PeopleWords } from './words.ts';

export interface GatherPorts {
  readonly journal: Journal;
  readonly outbox: Outbox;
  readonly runners: Pick<Runners, 'isAlive'>;
  readonly words: PeopleWords;
  readonly machine: string;
  readonly stateWords: string;
  readonly now: () => number;
  /** Whether nobody is about to take over an execution whose runner is gone. */
  readonly isLeftAlone: (id: string) => boolean;
  /** Undefined: nobody can say now, and the execution is looked at again later. */
  readonly audience: (row: ExecutionRow) => Audience | undefined;
}

export async function gather(ports: GatherPorts): Promise<void> {
  const { journal, outbox } = ports;
  const cursors = outbox.cursors();
  for (const [id, lastSeq] of await journal.lastSeqs()) {
    const cursor = cursors.get(id);
    if (cursor?.isOver === true && cursor.seq >= lastSeq) continue;
    await gatherSound(id, cursor?.seq ?? 0, ports);
    // What an execution starts below it is its own business, until it waits for a person.
    for (const child of await journal.idsBelow(id)) {
      const known = cursors.get(child);
      if (known?.isOver !== true || known.seq < (await journal.lastSeq(child)))
        await gatherSound(child, known?.seq ?? 0, ports);
    }
  }
}

/** Nobody can be told of one that cannot be read; whoever lists executions hears that. The others are told of. */
async function gatherSound(id: string, afterSeq: number, ports: GatherPorts): Promise<void> {
  try {
    await gatherOne(id, afterSeq, ports);
  } catch (error) {
    if (!(error instanceof DamagedExecution)) throw error;
  }
}

async function gatherOne(id: string, afterSeq: number, ports: GatherPorts): Promise<void> {
  const { journal, outbox, now } = ports;
  // Whether it is live is looked at between two looks at its row: who begins or ends meanwhile changes it.
  const before = await journal.execution(id);
  const isLive = await ports.runners.isAlive(id);
  const row = await journal.execution(id);
  if (before === undefined || row === undefined) return;
  const all = maskPlaceholders(await journal.events(id, 0));
  const seq = all.at(-1)?.seq ?? 0;
  const view = executionView(row, foldEvents(all), await livenessOf(journal, ports.runners, row));
  const audience = ports.audience(row);
  if (audience === undefined) return;
  const isOver = view.endedAt !== null && !view.isLive;
  const cursors = [{ execution: id, seq, isOver }];
  if (row.settings.sandbox) {
    outbox.put({ cursors }, now());
    return;
  }
  const telling: Telling = { view, words: ports.words, machine: ports.machine, stateWords: ports.stateWords };
  const runner = before.runner;
  const isInterrupted =
    row.child === null &&
    !isLive &&
    !view.isLive &&
    view.status === 'Interrupted' &&
    runner !== null &&
    runner.startedAt === row.runner?.startedAt;
  const isTold = isInterrupted && ports.isLeftAlone(id);
  const fresh = all.filter((event) => event.seq > afterSeq);
  const messages = [
    ...messagesOf(fresh, telling).filter(
      ({ event }) => row.child === null || event === 'approvalWanted' || event === 'needsPerson',
    ),
    ...(isTold ? [interruptedMessage(runner.startedAt, now(), telling)] : []),
  ];
  const over = overMessages(outbox.about(id), { all, view, isInterrupted });
  const told = [
    ...messages.flatMap((message) => rows(message, withApprovalTopic(audience, message, view), now())),
    ...over
      .filter(({ state }) => state === 'delivered')
      .flatMap((first) =>
        rows(resolvedMessage(first, now(), telling), withTopic(audience, first), now()).filter(
          ({ config, channel }) => config === first.config && channel === first.channel,
        ),
      ),
  ];
  const withdrawn = over
    .filter(({ state, attempts }) => state === 'waiting' && attempts === 0)
    .map((each) => each.id);
  outbox.put({ messages: withoutRepeats(told, fresh), cursors, withdrawn }, now());
}

/** The topic that a step which wants an approval names itself. */
function withApprovalTopic(
  audience: Audience,
  { event, fields }: Message,
  { steps, rollback }: ExecutionView,
): Audience {
  if (event !== 'approvalWanted') return audience;
  const all = [...steps, ...rollback.flatMap((undo) => undo.steps)];
  const arn = all.find(({ name }) => name === fields.step)?.inputs['NotificationArn'];
  return typeof arn === 'string' && topicArnPattern.test(arn)
    ? { ...audience, topicArns: [...audience.topicArns, arn] }
    : audience;
}

/** Who was told by a topic of a file is told of the end of it by the same. */
function withTopic(audience: Audience, { config, channel }: OutboxMessage): Audience {
  return config === '' ? { ...audience, topicArns: [...audience.topicArns, channel] } : audience;
}

function rows(message: Message, audience: Audience, now: number): NewOutboxMessage[] {
  return addressees(audience, message).map((each) => addressed(message, each, now));
}

/** Who is told at once how the rollback ended need not be told before that something failed. */
function withoutRepeats(
  rows: readonly NewOutboxMessage[],
  fresh: readonly RecordedEvent[],
): readonly NewOutboxMessage[] {
  const isEnded = fresh.some(({ event }) => event.type === 'RollbackEnded');
  if (!isEnded) return rows;
  const hasRollback = (row: NewOutboxMessage): boolean =>
    rows.some(
      ({ event, config, channel }) =>
        event.startsWith('rolledBack') && config === row.config && channel === row.channel,
    );
  return rows.filter((row) => row.event !== 'runFailed' || !hasRollback(row));
}

interface Present {
  readonly all: readonly RecordedEvent[];
  readonly view: ExecutionView;
  readonly isInterrupted: boolean;
}

/** Messages that asked a person for something, of which nothing is open any more. */
function overMessages(told: readonly OutboxMessage[], present: Present): OutboxMessage[] {
  return told.filter((message) => {
    switch (message.event) {
      case 'interrupted':
        return !present.isInterrupted;
      case 'approvalWanted':
      case 'needsPerson':
        return !isStillAsked(message, present);
      default:
        return false;
    }
  });
}

/** The key has the number of the event that asked. */
function isStillAsked({ key }: OutboxMessage, { all, view }: Present): boolean {
  if (view.endedAt !== null) return false;
  const seq = Number(key.split(':')[1]);
  const asked = all.find((recorded) => recorded.seq === seq)?.event;
  if (asked?.type !== 'StepWaiting') return false;
  if (asked.waiting.kind === 'rollbackDecision') return view.waiting?.kind === 'rollbackDecision';
  if (asked.waiting.kind === 'nextStep')
    return view.waiting?.kind === 'nextStep' && view.waiting.number === asked.waiting.number;
  return !all.some(
    ({ seq: later, event }) =>
      later > seq && (event.type === 'StepEnded' || event.type === 'UndoEnded') && event.step === asked.step,
  );
}
