/**
 * A MinIO process that stands still (SIGSTOP), as one on a sick drive does, while the actions look at the cluster, write, heal,
 * copy and judge: each names it, gives it up by itself, and waits for it once.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect } from 'vitest';
import { backup } from '../../../src/actions/minio/backup.ts';
import { heal } from '../../../src/actions/minio/heal.ts';
import { health } from '../../../src/actions/minio/health.ts';
import { lifecycle } from '../../../src/actions/minio/lifecycle.ts';
import { restore } from '../../../src/actions/minio/restore.ts';
import { settle } from '../../../src/actions/minio/settle.ts';
import type { AnyAction, Poll } from '../../../src/actions/define-action.ts';
import type { JsonObject } from '../../../src/json.ts';
import { effectOf, newToken } from '../../support/action-bed.ts';
import { contextOf } from '../../support/action-context.ts';
import { MinioActions } from '../../lab/minio/actions.ts';
import type { MinioNode } from '../../lab/minio/configuration.ts';
import { DrawnCases } from '../drawn-cases.ts';
import { several } from './several.ts';
import type { Stand } from './stand.ts';

const caseMs = 300_000;
const bucket = 'hanging';
/** More than a restore takes between two looks at the cluster. */
const objectCount = 120;

interface Seen {
  /** How it ended: `CODE message`, or `done`. */
  readonly end: string;
  /** What was said while it was stopped. */
  readonly notices: readonly string[];
}

export function hangsCases(stand: () => Stand): void {
  const cases = new DrawnCases();
  let actions: MinioActions;
  beforeAll(() => {
    actions = new MinioActions(stand().minio);
  });
  afterAll(() => actions?.close());

  /** At once, from outside: nothing goes on meanwhile. */
  const signal = (node: MinioNode, name: 'SIGSTOP' | 'SIGCONT'): void => {
    const group = `${stand().minio.lab.controlGroup(node)}/payload/system.slice/minio.service`;
    const processes = readFileSync(`${group}/cgroup.procs`, 'utf8').trim().split('\n');
    for (const id of processes) process.kill(Number(id), name);
  };

  /** Carries the action out; the node's process is stopped when something is said that matches, and goes on at the end. */
  async function stopped(
    node: MinioNode,
    when: RegExp,
    action: AnyAction,
    own: JsonObject = {},
  ): Promise<Seen> {
    const { minio } = stand();
    const notices: string[] = [];
    let [stoppedAt, namedAt] = [0, 0];
    const hear = (text: string): void => {
      if (stoppedAt === 0 && when.test(text)) {
        signal(node, 'SIGSTOP');
        stoppedAt = Date.now();
      } else if (stoppedAt !== 0) {
        notices.push(text);
        if (namedAt === 0 && text.includes(node)) namedAt = Date.now();
      }
    };
    const ended = (end: string): Seen => {
      const after = (at: number): string => ((at - stoppedAt) / 1_000).toFixed(0);
      if (stoppedAt !== 0)
        console.log(
          `${action.name}, ${node} stopped: named after ${after(namedAt || Date.now())} s, ended after ${after(Date.now())} s: ${end.split('\n')[0]}`,
        );
      return { end, notices };
    };
    const inputs = actions.inputs(action, own);
    const effect = effectOf(action, inputs);
    if (effect.kind === 'begun') throw new Error(`${action.name} is begun`);
    const world = { ...actions.world, executionId: newToken() };
    await using given = await contextOf(world);
    const context = { ...given, notice: hear };
    hear('begun');
    const look = (): Promise<Poll<JsonObject>> =>
      effect.kind === 'read' ? effect.poll(inputs, context) : effect.execute(inputs, null, context);
    try {
      for (;;) {
        const answer = await look();
        if (answer.kind === 'pending') {
          hear(answer.notice ?? '');
          await sleep(Math.min(answer.afterMs, 1_000));
          continue;
        }
        return ended(answer.kind === 'failed' ? `${answer.code} ${answer.message}` : answer.kind);
      }
    } catch (error) {
      return ended(`${(error as { code?: string }).code} ${(error as Error).message}`);
    } finally {
      if (stoppedAt !== 0) {
        signal(node, 'SIGCONT');
        await minio.untilHealthy({ quietSeconds: 0 });
      }
    }
  }
  const saving = (): JsonObject => ({ Target: actions.target, Buckets: [bucket] });
  async function putObjects(): Promise<void> {
    const s3 = stand().minio.s3();
    await s3.createBucket(bucket);
    await several(objectCount, (index) => s3.put(bucket, `${index}.bin`, randomBytes(2_000)));
  }

  cases.test('hangs: a peer of a node that is asked whether it may go is named by health', async () => {
    const { end } = await stopped('minio03', /begun/, health, { Maintenance: 'minio02', WaitSeconds: 600 });
    expect(end).toMatch(/^NODE_HANGS .*minio03 hangs/);
  });

  for (const [when, what] of [
    ['before the canaries', /canaries follow/],
    ['between two rounds of canaries', /1 of 3 rounds/],
  ] as const) {
    cases.test(`hangs: a peer that hangs ${when} is named by settle`, async () => {
      const { end } = await stopped('minio03', what, settle, {
        QuietSeconds: 2,
        Rounds: 3,
        WaitSeconds: 600,
      });
      expect(end).toMatch(/^NODE_HANGS .*minio03 hangs/);
    });
  }

  cases.test('hangs: a peer that hangs in a pass is named by heal', async () => {
    await putObjects();
    const { end } = await stopped('minio03', /pass 1 begins/, heal);
    expect(end).toMatch(/^(?:NODE_HANGS|COULD_NOT_HEAL) [^]*minio03 hangs/);
  });

  cases.test('hangs: a backup is ended by a peer that hangs between two pages', async () => {
    await putObjects();
    const { end } = await stopped('minio03', /all 120 objects/, backup, saving());
    expect(end).toMatch(/^UNHEALTHY_WINDOW .*minio03 hangs[^]*What was copied so far stays/);
  });

  cases.test('hangs: a backup is ended by its source that hangs in the middle of a page', async () => {
    await putObjects();
    const { end } = await stopped('minio01', /: 3 objects/, backup, saving());
    expect(end).toMatch(/^(?:NO_REPLY|UNHEALTHY_WINDOW) [^]*minio01/);
  });

  cases.test(
    'hangs: a restore is ended by a peer that hangs between two looks, and what it restored is as it was',
    async () => {
      await putObjects();
      const s3 = stand().minio.s3();
      expect((await stopped('minio03', /never/, backup, saving())).end).toBe('done');
      const before = await s3.get(bucket, '7.bin');
      await several(objectCount, (index) => s3.delete(bucket, `${index}.bin`));
      const { end } = await stopped('minio03', /objects are as the manifest says/, restore, {
        Target: actions.target,
        Bucket: bucket,
      });
      expect(end).toMatch(/^UNHEALTHY_WINDOW .*minio03 hangs/);
      expect(
        await stopped('minio03', /never/, restore, { Target: actions.target, Bucket: bucket }),
      ).toMatchObject({
        end: 'done',
      });
      expect((await s3.get(bucket, '7.bin')).equals(before)).toBe(true);
    },
  );

  cases.test(
    'hangs: retention gives no verdict while a peer hangs, nor where the node that is asked hangs',
    async () => {
      await putObjects();
      for (const node of ['minio03', 'minio01'] as const) {
        const { end } = await stopped(node, /begun/, lifecycle, { Days: 1825, Buckets: [bucket] });
        expect(end).toMatch(new RegExp(`^UNDETERMINED .*${node} hangs`));
      }
    },
  );

  cases.draw('hangs', caseMs);
}
