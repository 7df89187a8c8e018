/** Connections that break, hosts that stand still and commands that do not end, in the middle of a command. */
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { worldMissing } from '../../lab/world.ts';
import { raiseBed, start, type Bed } from './bed.ts';
import { approver, commandsRunbook, counted, type Counted } from './counted.ts';
import { beginRunner, mastersOf, runRunner } from './run-runner.ts';

const reason = worldMissing();
const stubborn = fileURLToPath(new URL('stubborn.yaml', import.meta.url));
const testMs = 180_000;
const frozenMs = 8_000;

describe.skipIf(reason)(`connections${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let bed: Bed;
  let host: Counted;
  beforeAll(async () => {
    bed = await raiseBed(['v1']);
    host = counted(bed, 'v1');
  }, 360_000);
  afterAll(() => bed?.down(), 60_000);
  afterEach(() => host.letGo());

  /** A run whose first command is under way on the host. It leaves when it comes to its approval. */
  async function inMidCommand() {
    await host.hold();
    const belay = bed.belay('connections');
    const id = await start(belay, commandsRunbook, { Host: 'v1', Approvers: approver });
    const runner = beginRunner(bed, belay.stateDir, id);
    await host.untilRan(1);
    const first = async () => (await belay.view(id)).steps.find(({ name }) => name === 'First');
    return { ...runner, first };
  }

  test(
    'an ssh connection that was cut is made anew, and the command is found again',
    async () => {
      const { pid, ended, first } = await inMidCommand();
      const masters = mastersOf(pid);
      expect(masters).toHaveLength(2);
      for (const master of masters) process.kill(master, 'SIGKILL');
      await delay(1_000);
      await host.letGo();
      expect(await ended).toMatchObject({
        exitCode: 0,
        ending: { kind: 'left', reason: 'waiting' },
        stderr: '',
      });
      expect(await first()).toMatchObject({ status: 'Success', attempts: 1, outputs: { Stdout: 'done\n' } });
      expect(await host.ran()).toEqual(['first']);
    },
    testMs,
  );

  test(
    'a host that stood still for some seconds goes on, and so does the run',
    async () => {
      const { ended, first } = await inMidCommand();
      await bed.world.lab.freeze('v1');
      try {
        await delay(frozenMs);
        expect(await first()).toMatchObject({ status: 'InProgress' });
      } finally {
        await bed.world.lab.thaw('v1');
      }
      await host.letGo();
      expect(await ended).toMatchObject({
        exitCode: 0,
        ending: { kind: 'left', reason: 'waiting' },
        stderr: '',
      });
      expect(await first()).toMatchObject({ status: 'Success', attempts: 1 });
      expect(await host.ran()).toEqual(['first']);
    },
    testMs,
  );

  test(
    'a bastion that stood still for some seconds does not end the run either',
    async () => {
      const { ended, first } = await inMidCommand();
      await bed.world.lab.freeze('b1');
      try {
        await delay(frozenMs);
        await host.letGo();
      } finally {
        await bed.world.lab.thaw('b1');
      }
      expect(await ended).toMatchObject({
        exitCode: 0,
        ending: { kind: 'left', reason: 'waiting' },
        stderr: '',
      });
      expect(await first()).toMatchObject({ status: 'Success', attempts: 1 });
      expect(await host.ran()).toEqual(['first']);
    },
    testMs,
  );

  test(
    'a command whose time is up is stopped with all that it started, and the host confirms it',
    async () => {
      const belay = bed.belay('connections');
      const id = await start(belay, stubborn, { Host: 'v1' });
      await runRunner(bed, belay.stateDir, id);
      const view = await belay.view(id);
      expect(view).toMatchObject({ status: 'TimedOut', failedStep: 'Stubborn' });
      expect(view.steps[0]?.failure?.message).toMatch(/did not end within 4 s and was stopped/);
      expect(await host.onHost('pgrep -fc "[s]leep 471[12]" || true')).toBe('0');
    },
    testMs,
  );
});
