import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  openSqliteJournal,
  openWindowStore,
  type Journal,
  type WindowStore,
} from '../../../src/journal/index.ts';
import { peopleWords } from '../../../src/cli/view/people-words.ts';
import { configurationFiles } from '../../../src/runtime/configuration.ts';
import { Notifier } from '../../../src/runtime/notify/notifier.ts';
import { WindowMessages } from '../../../src/runtime/windows/messages.ts';
import { summaryOf, type Occurrence } from '../../../src/windows/index.ts';

let folder: string;
let store: WindowStore;
let journal: Journal;
let now: number;
const notifiers: Notifier[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'belay-messages-'));
  store = openWindowStore(folder);
  journal = openSqliteJournal(folder);
  now = Date.parse('2026-12-06T01:00:00Z');
});
afterEach(() => {
  for (const notifier of notifiers.splice(0)) notifier.close();
  store.close();
  journal.close();
  rmSync(folder, { recursive: true });
});

const quiet = { info: () => undefined, warn: () => undefined };
const topicArn = 'arn:aws:sns:eu-west-1:123456789012:alarms';

/** A process on the state folder, and the channels that take nothing so many times first. */
function daemon(failures = 0) {
  const taken: string[] = [];
  let left = failures;
  const notifier = new Notifier({
    stateDir: folder,
    configurations: configurationFiles(folder, { XDG_CONFIG_HOME: folder }),
    env: { XDG_CONFIG_HOME: folder },
    journal: () => journal,
    words: () => Promise.resolve(peopleWords),
    now: () => now,
    send: (way, { subject }) => {
      if (left > 0) {
        left -= 1;
        return Promise.resolve({ kind: 'failed', why: 'nobody listens there' });
      }
      taken.push(`${way.kind}: ${subject}`);
      return Promise.resolve({ kind: 'delivered', receipt: 'ok' });
    },
  });
  notifiers.push(notifier);
  const messages = new WindowMessages({ store, notifier, now: () => now, log: quiet });
  return { taken, notifier, messages };
}

function occurrenceOf(more: Partial<Occurrence> = {}): Occurrence {
  return {
    window: 'patch-db',
    id: 'patch-db@20261206T010000Z',
    dueAt: now,
    seenAt: now,
    cutoffAt: now,
    endAt: now,
    status: 'FAILED',
    approval: null,
    notifySns: topicArn,
    endedAt: now,
    tasks: [],
    ...more,
  };
}

it('a summary is sent once, however often it is told, by whichever daemon', async () => {
  const first = daemon();
  first.messages.summary(occurrenceOf());
  first.messages.summary(occurrenceOf());
  await first.notifier.round();
  const second = daemon();
  second.messages.summary(occurrenceOf());
  await second.notifier.round();
  expect([...first.taken, ...second.taken]).toEqual(['sns: patch-db: FAILED']);
});

it('what could not be sent is tried again, later and later, and by the next daemon too', async () => {
  const { messages, notifier, taken } = daemon(2);
  messages.summary(occurrenceOf());
  await notifier.round();
  await notifier.round();
  now += 10_000;
  await notifier.round();
  now += 10_000;
  await notifier.round();
  expect(taken).toEqual([]);
  now += 10_000;
  const next = daemon();
  await next.notifier.round();
  expect(next.taken).toEqual(['sns: patch-db: FAILED']);
  expect(notifier.outbox.waiting()).toEqual([]);
});

it('channels of belay.yaml are told by what they want, and those that a window names beside the topic', async () => {
  writeFileSync(
    join(folder, 'belay.yaml'),
    `notify:
  ops: { webhook: 'http://127.0.0.1:1/', events: [windowSummary] }
  dba: { email: { server: localhost, security: none, from: a@b.c, to: d@e.f }, onlyNamed: true }
  pager: { command: [page], onlyNamed: true }
  others: { webhook: 'http://127.0.0.1:2/', events: [finding] }
`,
  );
  const { messages, notifier, taken } = daemon();
  messages.summary(occurrenceOf({ notifyChannels: ['dba'] }));
  await notifier.round();
  expect(taken.toSorted()).toEqual([
    'email: patch-db: FAILED',
    'sns: patch-db: FAILED',
    'webhook: patch-db: FAILED',
  ]);
});

it('a window that wants an approval says so with the command to type', () => {
  const { messages, notifier } = daemon();
  const approval = { approvers: ['alice', 'bob'], minRequired: 1 };
  messages.approval(occurrenceOf({ status: 'PENDING', approval }));
  const [message] = notifier.outbox.waiting();
  expect(message).toMatchObject({ event: 'approvalWanted', channel: topicArn });
  expect(message?.text).toContain('1 of alice, bob, until 2026-12-06T01:00:00Z.');
  expect(message?.text).toContain('belay window approve patch-db');
});

it('a run that needs a person is told at once, and again every hour', () => {
  const { messages, notifier } = daemon();
  const need = (): void =>
    messages.need(occurrenceOf(), '01JD3K7QABCD', { says: 'Ask waits for approval', isInJournal: true });
  need();
  need();
  expect(notifier.outbox.waiting()).toHaveLength(1);
  now += 3_600_000;
  need();
  expect(notifier.outbox.waiting().map(({ subject }) => subject)).toEqual([
    'patch-db@20261206T010000Z needs a person',
    'patch-db@20261206T010000Z needs a person',
  ]);
});

it('what a daemon of an earlier version had written down and not sent is sent', async () => {
  const value = JSON.stringify({ topicArn, subject: 'patch-db: FAILED', text: 'what ran' });
  store.say('ended:patch-db@1', { kind: 'to-tell', by: 'belay', value, at: now });
  const { notifier, taken } = daemon();
  await notifier.round();
  expect(taken).toEqual(['sns: patch-db: FAILED']);
  expect(store.wordsOf('to-tell').size).toBe(0);
});

it('a summary says what ran, what did not and why, how late, and what was undone', () => {
  const task = { name: 'patch' } as Occurrence['tasks'][number]['task'];
  const occurrence: Occurrence = {
    window: 'patch-db',
    id: 'patch-db@20261206T010000Z',
    dueAt: now,
    seenAt: now,
    cutoffAt: now,
    endAt: now,
    status: 'FAILED',
    approval: null,
    startedAt: now + 42_000,
    endedAt: now + 600_000,
    tasks: [
      {
        task,
        status: 'FAILED',
        reason: { code: 'TOO_MANY_ERRORS', message: '1 failed, and MaxErrors is 0: 1 more were not started' },
        targets: ['db1', 'db2'],
        invocations: [
          {
            target: 'db1',
            executionId: '01JD3K7QABCD',
            status: 'FAILED',
            plannedAt: now,
            forwardMs: 1,
            rollbackMs: 1,
            rollbackStatus: 'clean',
          },
        ],
      },
    ],
  };
  expect(summaryOf(occurrence)).toEqual({
    subject: 'patch-db: FAILED',
    text: `patch-db@20261206T010000Z: FAILED
due 2026-12-06T01:00:00Z, began 42 s late, ended 2026-12-06T01:10:00Z
patch: FAILED (TOO_MANY_ERRORS: 1 failed, and MaxErrors is 0: 1 more were not started)
  db1 01JD3K7QABCD: FAILED, rolled back clean; belay show 01JD3K7QABCD
  1 not started
belay window history patch-db`,
  });
});
