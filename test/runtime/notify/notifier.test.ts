/** What people are told of executions, when, by whom and how often. */
import { writeFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { singlesMax, stormMs } from '../../../src/notify/index.ts';
import { acquireDaemonLock } from '../../../src/runtime/lock.ts';
import {
  begin,
  change,
  ended,
  failedPatch,
  rollbackStarted,
  started,
  undone,
  undoing,
  type Told,
} from '../../cli/story.ts';
import { NotifyBed } from './bed.ts';

let bed: NotifyBed | undefined;
afterEach(() => {
  bed?.[Symbol.dispose]();
  bed = undefined;
});

const open = (channels: string): NotifyBed => (bed = new NotifyBed(channels));
const ops = `  ops: { webhook: 'http://127.0.0.1:1/' }`;
const id = '1RS0ABCDEFGH';

const climbedDown: readonly Told[] = [
  ...failedPatch,
  rollbackStarted(9.6, 'Start', 'Patch', 'Stop'),
  undoing(9.6, 'Start'),
  undone(10, 'Start', { changes: [change('postgresql@15-main', 'active', 'inactive')] }),
  undoing(10, 'Patch'),
  undone(14, 'Patch', { changes: [] }),
  undoing(14, 'Stop'),
  undone(15, 'Stop', { changes: [change('postgresql@15-main', 'inactive', 'active')] }),
  [15, { type: 'RollbackEnded', pass: 0, status: 'clean' }],
  [15, { type: 'ExecutionEnded', status: 'Failed', rollbackStatus: 'clean', outputs: {} }],
];
const waiting = (given: number, wanted = 2): Told => [
  3,
  {
    type: 'StepWaiting',
    step: 'Ask',
    waiting: {
      kind: 'approval',
      message: 'Put the data back?',
      approvers: ['alice', 'bob'],
      wanted,
      given,
      timeoutSeconds: 60,
    },
  },
];
const asking: readonly Told[] = [begin('Ask'), started(0, 'Ask'), waiting(0)];

test('a failure is told while Belay climbs down, and then how that ended, in the words of the terminal', async () => {
  const at = open(ops);
  const notifier = at.notifier();
  void notifier.outbox;
  await at.happened(id, failedPatch);
  await notifier.round();
  await at.happened(id, climbedDown);
  await notifier.round();
  await notifier.round();
  const [first, second] = at.sent;
  expect(at.sent).toHaveLength(2);
  expect(first?.subject).toBe('patch-postgresql failed at VerifyData on db1');
  expect(first?.text).toContain('VERSION_MISMATCH: the server answers 15.18, wanted 15.20');
  expect(first?.text).toContain('How it goes on is told by the next message.');
  expect(second?.subject).toBe('patch-postgresql failed at VerifyData on db1, rollback clean');
  expect(second?.text.split('\n')[0]).toMatch(
    /^Failed at VerifyData, rolled back clean in .* db1 is as it was at/,
  );
  expect(second?.text).toContain('hosts: db1');
  expect(second?.text).toContain(`belay show ${id} --state ${at.state}`);
  expect(second?.fields).toMatchObject({
    event: 'rolledBackClean',
    rollback: 'clean',
    code: 'VERSION_MISMATCH',
  });
});

test('who hears of both at once is told how it ended, and nothing twice', async () => {
  const at = open(`${ops}\n  failures: { command: [page], events: [runFailed] }`);
  void at.notifier().outbox;
  await at.happened(id, climbedDown);
  await at.notifier().round();
  expect(at.sent.map(({ way, fields }) => `${way.kind} ${fields['event']}`).toSorted()).toEqual([
    'command runFailed',
    'webhook rolledBackClean',
  ]);
});

test('what happened before anybody asked to be told is not told', async () => {
  const at = open(ops);
  await at.happened(id, climbedDown);
  await at.notifier().round();
  expect(at.sent).toEqual([]);
});

test('the sandbox tells nobody', async () => {
  const at = open(ops);
  void at.notifier().outbox;
  await at.happened(id, climbedDown, { settings: { sandbox: true } });
  await at.notifier().round();
  expect(at.sent).toEqual([]);
});

test('a runbook adds channels and a topic, and silences none', async () => {
  const at = open(
    `${ops}\n  pager: { command: [page], onlyNamed: true }\n  dba: { command: [dba], onlyNamed: true }`,
  );
  void at.notifier().outbox;
  const notify = { channels: ['pager'], sns: 'arn:aws:sns:eu-west-1:123456789012:alarms' };
  await at.happened(id, climbedDown, { notify });
  await at.notifier().round();
  expect(
    at.sent.map(({ way }) => (way.kind === 'command' ? String(way.argv[0]) : way.kind)).toSorted(),
  ).toEqual(['page', 'sns', 'webhook']);
});

test('an approval is asked for once, with the command to type; when it is given, who was asked is told', async () => {
  const at = open(ops);
  const notifier = at.notifier();
  void notifier.outbox;
  await at.happened(id, asking);
  await notifier.round();
  await at.happened(id, [...asking, waiting(1)]);
  await notifier.round();
  expect(at.subjects()).toEqual(['patch-postgresql wants an approval: Put the data back?']);
  expect(at.sent[0]?.text).toContain(`belay approve ${id} --step Ask`);
  await at.happened(id, [...asking, waiting(1), ended(4, 'Ask')]);
  await notifier.round();
  expect(at.subjects()[1]).toBe('resolved: patch-postgresql wants an approval: Put the data back?');
});

test('a question that was answered before it could be sent is not sent any more', async () => {
  const at = open(ops);
  const notifier = at.notifier();
  at.answer = () => ({ kind: 'failed', why: 'nobody listens there' });
  // Something else keeps the channel busy failing.
  notifier.tell(
    { key: 'x', event: 'checkStopped', about: 'x', at: at.now, subject: 's', text: 't', fields: {} as never },
    notifier.audienceHere([], []),
  );
  await notifier.round();
  await at.happened(id, asking);
  await notifier.round();
  await at.happened(id, [...asking, ended(4, 'Ask')]);
  await notifier.round();
  expect(notifier.outbox.about(id)).toEqual([]);
});

test('an execution whose runner is gone is told once for each runner, and that somebody goes on', async () => {
  const at = open(ops);
  const notifier = at.notifier();
  void notifier.outbox;
  await at.happened(id, [begin('Stop'), started(0, 'Stop')]);
  await at.journal.setRunner(id, { pid: 4711, host: 'ops1', startedAt: 5 });
  await notifier.round();
  await notifier.round();
  expect(at.subjects()).toEqual(['patch-postgresql was interrupted at Stop']);
  expect(at.sent[0]?.text).toContain(`belay resume ${id}`);
  await at.journal.setRunner(id, null);
  await notifier.round();
  expect(at.subjects()[1]).toBe('resolved: patch-postgresql was interrupted at Stop');
  await at.journal.setRunner(id, { pid: 4712, host: 'ops1', startedAt: 6 });
  await notifier.round();
  expect(at.subjects()).toHaveLength(3);
});

test('what a daemon is about to take over is told only when it stays without a runner', async () => {
  const at = open(ops);
  const notifier = at.notifier();
  void notifier.outbox;
  const daemon = acquireDaemonLock(at.state);
  await at.happened(id, [begin('Stop'), started(0, 'Stop')]);
  await at.journal.setRunner(id, { pid: 4711, host: 'ops1', startedAt: 5 });
  await notifier.round();
  at.now += 59_000;
  await notifier.round();
  expect(at.sent).toEqual([]);
  at.now += 1_000;
  await notifier.round();
  expect(at.subjects()).toEqual(['patch-postgresql was interrupted at Stop']);
  daemon?.release();
});

test('a refused lock is told as that, and not as a failure as well', async () => {
  const at = open(ops);
  void at.notifier().outbox;
  const failure = { code: 'LOCKED', message: 'host:db1 is held by 1RS0', retryable: false };
  await at.happened(id, [
    begin('Stop'),
    [1, { type: 'LocksRefused', failure }],
    [1, { type: 'ForwardEnded', status: 'Failed', failedStep: null }],
    [1, { type: 'ExecutionEnded', status: 'Failed', rollbackStatus: 'notRequested', outputs: {} }],
  ]);
  await at.notifier().round();
  expect(at.subjects()).toEqual(['patch-postgresql got no lock']);
});

test('what steers a terminal is shown as what it is, and a message is bounded', async () => {
  const at = open(`  ops: { command: [page], text: 'x {{ failure }}' }`);
  void at.notifier().outbox;
  const failure = { code: 'BAD', message: `\u001b[2J\u202eevil ${'y'.repeat(20_000)}`, retryable: false };
  await at.happened(id, [
    begin('Stop'),
    started(0, 'Stop'),
    ended(1, 'Stop', { status: 'Failed', failure }),
    [1, { type: 'ForwardEnded', status: 'Failed', failedStep: 'Stop' }],
    [1, { type: 'ExecutionEnded', status: 'Failed', rollbackStatus: 'notRequested', outputs: {} }],
  ]);
  await at.notifier().round();
  const { text = '', subject = '' } = at.sent[0] ?? {};
  expect(text).toMatch(/^x ␛\[2J\\u202eevil yyy/);
  expect(text.length).toBeLessThan(6_200);
  expect(text).toContain('[cut: ');
  expect(subject.length).toBeLessThanOrEqual(140);
});

test('a storm is one summary, and nothing of it is lost', async () => {
  const at = open(ops);
  const notifier = at.notifier();
  void notifier.outbox;
  for (let index = 0; index < 30; index += 1)
    await at.happened(`1RS0ABCDEF${String(index).padStart(2, '0')}`, climbedDown);
  await notifier.round();
  expect(at.subjects()).toEqual(['Belay: 30 messages at once: 30 rolledBackClean']);
  for (let index = 30; index < 50; index += 1) await at.happened(`1RS0ABCDEF${index}`, climbedDown);
  await notifier.round();
  expect(at.sent).toHaveLength(1);
  at.now += stormMs;
  await notifier.round();
  expect(at.subjects()[1]).toBe('Belay: 20 messages at once: 20 rolledBackClean');
  expect(notifier.outbox.waiting()).toEqual([]);
  expect(singlesMax).toBeLessThan(20);
});

test('a channel that fails is tried again later and later, holds up no other, and the others are told', async () => {
  const at = open(`${ops}\n  pager: { command: [page] }`);
  const notifier = at.notifier();
  void notifier.outbox;
  await at.happened(id, climbedDown);
  at.answer = ({ kind }) =>
    kind === 'webhook' ? { kind: 'failed', why: 'HTTP 500' } : { kind: 'delivered', receipt: '' };
  await notifier.round();
  expect(notifier.takeTroubles()).toMatchObject([{ channel: 'ops', why: 'HTTP 500', attempts: 1 }]);
  for (const pause of [10_000, 20_000]) {
    at.now += pause - 1;
    await notifier.round();
    at.now += 1;
    await notifier.round();
  }
  expect(at.sent.filter(({ way }) => way.kind === 'webhook')).toHaveLength(3);
  // What the third try put into the outbox is delivered by the next round.
  await notifier.round();
  const paged = at.sent.filter(({ way }) => way.kind === 'command').map(({ subject }) => subject);
  expect(paged).toEqual([
    'patch-postgresql failed at VerifyData on db1, rollback clean',
    'Belay cannot reach channel ops',
  ]);
  const ids = at.sent.filter(({ way }) => way.kind === 'webhook').map((each) => each.id);
  expect(new Set(ids).size).toBe(1);
});

test('a message that nobody takes for three days is given up, and that is told', async () => {
  const at = open(`${ops}\n  pager: { command: [page] }`);
  const notifier = at.notifier();
  void notifier.outbox;
  await at.happened(id, climbedDown);
  at.answer = ({ kind }) =>
    kind === 'webhook' ? { kind: 'failed', why: 'HTTP 500' } : { kind: 'delivered', receipt: '' };
  await notifier.round();
  at.now += 3 * 24 * 3_600_000;
  await notifier.round();
  await notifier.round();
  expect(notifier.outbox.givenUpSince(0)).toMatchObject([{ channel: 'ops', trouble: 'HTTP 500' }]);
  expect(notifier.outbox.waiting()).toEqual([]);
  expect(at.subjects()).toContain('Belay gave up messages to channel ops');
});

test('what a receiver asks for by Retry-After is kept to', async () => {
  const at = open(ops);
  const notifier = at.notifier();
  void notifier.outbox;
  await at.happened(id, climbedDown);
  at.answer = () => ({ kind: 'failed', why: 'HTTP 429', retryAfterMs: 120_000 });
  await notifier.round();
  at.now += 119_999;
  await notifier.round();
  expect(at.sent).toHaveLength(1);
  at.now += 1;
  await notifier.round();
  expect(at.sent).toHaveLength(2);
});

test('while belay.yaml is broken nobody is told, and when it is mended all are', async () => {
  const at = open(ops);
  const notifier = at.notifier();
  void notifier.outbox;
  writeFileSync(at.config, 'notify: [');
  await at.happened(id, climbedDown);
  await notifier.round();
  expect(notifier.takeTroubles()[0]?.why).toContain('belay.yaml: line 1');
  at.configure(ops);
  await notifier.round();
  expect(at.sent).toHaveLength(1);
});

test('two processes at once deliver nothing twice', async () => {
  const at = open(ops);
  void at.notifier().outbox;
  at.answer = () =>
    new Promise((resolve) => setTimeout(() => resolve({ kind: 'delivered', receipt: '' }), 300));
  await at.happened(id, climbedDown);
  await Promise.all([at.notifier().round(), at.notifier().round(), at.notifier().round()]);
  expect(at.sent).toHaveLength(1);
});

test('a receiver that hangs holds up the end by no more than its bound', async () => {
  const at = open(`${ops}\n  pager: { command: [page] }`);
  const notifier = at.notifier();
  void notifier.outbox;
  await at.happened(id, climbedDown);
  const { promise: never, resolve } = Promise.withResolvers<{ kind: 'failed'; why: string }>();
  at.answer = ({ kind }) => (kind === 'webhook' ? never : { kind: 'delivered', receipt: '' });
  setTimeout(() => resolve({ kind: 'failed', why: 'it had not answered when Belay ended' }), 400);
  const troubles = await notifier.finish(300);
  expect(troubles).toMatchObject([{ channel: 'ops' }]);
  expect(notifier.outbox.waiting()).toMatchObject([{ channel: 'ops', attempts: 1 }]);
});
