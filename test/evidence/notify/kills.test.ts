/** A process that tells people is killed at each of its writes, really: what it had to say is told, and known by one id. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { failedPatch, type Told } from '../../cli/story.ts';
import { NotifyBed } from '../../runtime/notify/bed.ts';
import { receive, type Receiver } from './receiver.ts';
import { tell as tellOf } from './tell.ts';

const id = '1RS0ABCDEFGH';
const failed: readonly Told[] = [
  ...failedPatch,
  [10, { type: 'ExecutionEnded', status: 'Failed', rollbackStatus: 'notRequested', outputs: {} }],
];
let receiver: Receiver;
let bed: NotifyBed;

beforeEach(async () => {
  receiver = await receive();
  bed = new NotifyBed(`  ops: { webhook: '${receiver.url}' }`);
  void bed.notifier().outbox;
  await bed.happened(id, failed);
});
afterEach(async () => {
  bed[Symbol.dispose]();
  await receiver[Symbol.asyncDispose]();
});

const tell = (now: number) => tellOf({ state: bed.state, now });

/** Gather, attempt, delivery. */
const writes = ['put', 'begin', 'settle'] as const;

test('the writes of a delivery are three', async () => {
  expect(JSON.parse((await tell(bed.now)).stdout)).toEqual({ writes: writes.length, troubles: [] });
  expect(receiver.heard).toHaveLength(1);
});

test.each(
  writes.flatMap((name, index) => [
    { name, at: index + 1, side: 'before' as const },
    { name, at: index + 1, side: 'after' as const },
  ]),
)('killed $side $name, it is told by the next process', async ({ name, at, side }) => {
  const killed = await tellOf({ state: bed.state, now: bed.now, kill: { at, side } });
  expect(killed.signal).toBe('SIGKILL');
  // The pause of the attempt that was under way is over.
  const next = await tell(bed.now + 10_000);
  expect(next.signal).toBeNull();
  const last = await tell(bed.now + 20_000);
  expect(JSON.parse(last.stdout)).toMatchObject({ troubles: [] });
  const ids = receiver.heard.map((each) => each.id);
  expect(new Set(ids).size).toBe(1);
  // Only where the answer was not written down is it sent again, under the same id.
  expect(ids).toHaveLength(name === 'settle' && side === 'before' ? 2 : 1);
  expect(bed.notifier().outbox.waiting()).toEqual([]);
});

test('a receiver that loses replies and fails is told until it answers, under one id', async () => {
  let count = 0;
  receiver.answer = (reply) => {
    count += 1;
    if (count === 1) reply.socket?.destroy();
    else if (count === 2) reply.writeHead(500).end('not now');
    else reply.end();
  };
  let now = bed.now;
  for (const pause of [0, 10_000, 20_000, 40_000]) {
    now += pause;
    await tell(now);
  }
  expect(receiver.heard).toHaveLength(3);
  expect(new Set(receiver.heard.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
  expect(bed.notifier().outbox.message(receiver.heard[0]?.id ?? '')).toMatchObject({
    state: 'delivered',
    attempts: 3,
  });
});

test('processes at once deliver once', async () => {
  receiver.answer = (reply) => setTimeout(() => reply.end(), 1_500);
  await Promise.all([tell(bed.now), tell(bed.now), tell(bed.now)]);
  expect(receiver.heard).toHaveLength(1);
});
