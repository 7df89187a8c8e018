import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openWindowStore, type WindowStore } from '../../../src/journal/index.ts';
import { Messages, type Message } from '../../../src/runtime/windows/messages.ts';
import { AwsFailure } from '../../../src/transports/aws.ts';
import { summaryOf, type Occurrence } from '../../../src/windows/index.ts';

let folder: string;
let store: WindowStore;
let now: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'belay-messages-'));
  store = openWindowStore(folder);
  now = Date.parse('2026-12-06T01:00:00Z');
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

const quiet = { info: () => undefined, warn: () => undefined };
const topicArn = 'arn:aws:sns:eu-west-1:123456789012:alarms';
const message = (id: string): Message => ({ id, topicArn, subject: 'patch-db: FAILED', text: 'what ran' });

/** A topic that refuses so many times first. */
function topic(failures = 0) {
  const taken: string[] = [];
  let left = failures;
  const publish = ({ id }: Message): Promise<void> => {
    if (left > 0) {
      left -= 1;
      return Promise.reject(
        new AwsFailure({
          code: 'UNREACHABLE',
          message: 'nobody answers',
          retryable: true,
          effect: 'unknown',
        }),
      );
    }
    taken.push(id);
    return Promise.resolve();
  };
  return { taken, publish };
}

it('a message is sent once, however often it is told', async () => {
  const { taken, publish } = topic();
  const messages = new Messages(store, publish, () => now, quiet);
  messages.tell(message('ended:a'));
  messages.tell(message('ended:a'));
  await messages.send();
  messages.tell(message('ended:a'));
  await messages.send();
  expect(taken).toEqual(['ended:a']);
});

it('what could not be sent is tried again, later and later, and by the next daemon too', async () => {
  const { taken, publish } = topic(2);
  const first = new Messages(store, publish, () => now, quiet);
  first.tell(message('ended:a'));
  await first.send();
  await first.send();
  now += 10_000;
  await first.send();
  now += 10_000;
  await first.send();
  expect(taken).toEqual([]);
  const next = new Messages(store, publish, () => now, quiet);
  await next.send();
  expect(taken).toEqual(['ended:a']);
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
