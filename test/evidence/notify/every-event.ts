/** One message of each event that people can be told of, made by what makes it in Belay, from what happens. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EngineEvent, Waiting } from '../../../src/engine/index.ts';
import type { EventName, Message } from '../../../src/notify/index.ts';
import { peopleWords } from '../../../src/cli/view/people-words.ts';
import type { ExecutionView } from '../../../src/runtime/execution-view.ts';
import { channelTroubleMessage } from '../../../src/runtime/notify/channel-messages.ts';
import { checkMessages, type CheckRun } from '../../../src/runtime/notify/check-news.ts';
import {
  interruptedMessage,
  messagesOf,
  resolvedMessage,
} from '../../../src/runtime/notify/execution-messages.ts';
import { WindowMessages } from '../../../src/runtime/windows/messages.ts';
import { openWindowStore } from '../../../src/journal/index.ts';
import { newsOf, stoppedNews, type Change, type Finding } from '../../../src/compliance/index.ts';
import {
  begin,
  failedPatch,
  failure,
  record,
  rollbackStarted,
  started,
  startedAt,
  undone,
  viewAfter,
  type Told,
} from '../../cli/story.ts';

const rolledBack = (status: 'clean' | 'partial' | 'failed'): readonly Told[] => [
  ...failedPatch,
  rollbackStarted(9.6, 'Start', 'Patch', 'Stop'),
  undone(
    10,
    'Patch',
    status === 'clean' ? {} : { result: 'failed', failure: failure('NO_SPACE', 'no space') },
  ),
  [15, { type: 'RollbackEnded', pass: 0, status }],
  [15, { type: 'ExecutionEnded', status: 'Failed', rollbackStatus: status, outputs: {} }],
];
const waits = (waiting: Waiting): readonly Told[] => [
  begin('Ask'),
  started(0, 'Ask'),
  [3, { type: 'StepWaiting', step: 'Ask', waiting }],
];
const approval: Waiting = {
  kind: 'approval',
  message: 'Put the data back?',
  approvers: ['alice'],
  wanted: 1,
  given: 0,
  timeoutSeconds: 60,
};

function fromStory(event: EventName, story: readonly Told[], more: Partial<ExecutionView> = {}): Message {
  const view = viewAfter(story, more);
  const telling = { view, words: peopleWords, machine: 'ops1', stateWords: '' };
  return the(event, messagesOf(record(story), telling));
}

function the(event: EventName, messages: readonly Message[]): Message {
  const found = messages.find((message) => message.event === event);
  if (found === undefined) throw new Error(`what happened makes no ${event}`);
  return found;
}

const check: CheckRun = {
  id: 'base-7',
  file: 'base',
  at: startedAt,
  command: 'belay findings --open',
  channels: [],
};
const finding: Finding = {
  set: 'base',
  rule: 'ssh-runs',
  target: 'db1',
  subject: 'ssh',
  severity: 'HIGH',
  status: 'open',
  wanted: 'active',
  found: 'inactive',
  code: '',
  reason: '',
  firstSeenAt: startedAt,
  lastSeenAt: startedAt,
  closedAt: null,
  missedTimes: 0,
  isOfTarget: false,
  isTold: true,
};
const changed = (kind: Change['kind'], more: Partial<Finding> = {}): readonly Message[] => {
  const change: Change = {
    kind,
    finding: { ...finding, ...more },
    isLoud: true,
    isOfTarget: false,
    acknowledgement: null,
    isAcknowledgedNoMore: false,
  };
  return newsOf([change], [], []).flatMap((news) => checkMessages(check, news, 'ops1'));
};

function windowSummary(): Message {
  const told: Message[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'belay-summary-'));
  const store = openWindowStore(folder);
  const messages = new WindowMessages({
    store,
    notifier: {
      tell: (message) => void told.push(message),
      audienceHere: () => ({ config: null, channels: [], named: [], topicArns: [] }),
    },
    now: () => startedAt,
    log: { info: () => undefined, warn: () => undefined },
  });
  messages.summary({
    window: 'patch-db',
    id: 'patch-db@20261206T010000Z',
    dueAt: startedAt,
    seenAt: startedAt,
    cutoffAt: startedAt + 1,
    endAt: startedAt + 2,
    status: 'SUCCESS',
    approval: null,
    notifySns: 'arn:aws:sns:eu-west-1:123456789012:windows',
    startedAt,
    endedAt: startedAt,
    tasks: [],
  });
  store.close();
  rmSync(folder, { recursive: true });
  return the('windowSummary', told);
}

const locksRefused: EngineEvent = {
  type: 'LocksRefused',
  failure: failure('LOCKED', 'host:db1 is held by 1RS0ZZZZZZZZ'),
};
const telling = (story: readonly Told[], more: Partial<ExecutionView> = {}) => ({
  view: viewAfter(story, more),
  words: peopleWords,
  machine: 'ops1',
  stateWords: '',
});

/** Adding an event to the registry without a way to make it here does not compile. */
export const everyEvent: Readonly<Record<EventName, () => Message>> = {
  runFailed: () => fromStory('runFailed', failedPatch),
  rolledBackClean: () => fromStory('rolledBackClean', rolledBack('clean')),
  rolledBackPartial: () => fromStory('rolledBackPartial', rolledBack('partial')),
  rolledBackFailed: () => fromStory('rolledBackFailed', rolledBack('failed')),
  interrupted: () => interruptedMessage(startedAt, startedAt, telling([begin('Stop'), started(0, 'Stop')])),
  needsPerson: () =>
    fromStory('needsPerson', waits({ kind: 'pause', message: 'look at db1', timeoutSeconds: 60 })),
  approvalWanted: () => fromStory('approvalWanted', waits(approval)),
  lockRefused: () => fromStory('lockRefused', [begin('Stop'), [1, locksRefused]]),
  windowSummary,
  findingNew: () => the('findingNew', changed('new')),
  findingFixed: () => the('findingFixed', changed('fixed', { status: 'fixed', closedAt: startedAt })),
  findingUnknown: () =>
    the('findingUnknown', changed('unknown', { code: 'UNREACHABLE', reason: 'no route to db1' })),
  checkStopped: () => the('checkStopped', checkMessages(check, stoppedNews('2026-11-20T02:14:07Z'), 'ops1')),
  channelFailed: () => {
    const trouble = { config: '/x', channel: 'pager', why: 'HTTP 500', attempts: 3, isGivenUp: false };
    const message = channelTroubleMessage(trouble, startedAt);
    if (message === undefined) throw new Error('three failures are told');
    return message;
  },
  resolved: () =>
    resolvedMessage({ key: 'k', subject: 'it wants an approval' }, startedAt, telling(waits(approval))),
};
