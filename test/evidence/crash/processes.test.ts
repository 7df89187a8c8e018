/** Several processes and one execution, by the command line itself: who runs it, who may, what the others see and say. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { worldMissing } from '../../lab/world.ts';
import { BelayCommand, shownFrom, type CommandEnd, type Shown } from '../patch/command.ts';
import { raiseBed, type Bed } from './bed.ts';
import { approver, commandsRunbook, counted, type Counted } from './counted.ts';

const reason = worldMissing();
const testMs = 180_000;

describe.skipIf(reason)(
  `several processes, one execution${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    let bed: Bed;
    let host: Counted;
    let cwd: string;
    const started: BelayCommand[] = [];

    beforeAll(async () => {
      bed = await raiseBed(['v1']);
      host = counted(bed, 'v1');
      cwd = join(bed.folder, 'ssh');
      mkdirSync(join(bed.folder, 'state'));
    }, 360_000);
    afterAll(async () => {
      await bed?.down();
    }, 60_000);
    afterEach(async () => {
      await host.letGo();
      await Promise.all(started.splice(0).map((command) => command.end()));
    });

    function begin(...args: readonly string[]): BelayCommand {
      const command = new BelayCommand([...args, '--state', join(bed.folder, 'state')], {
        cwd,
        env: bed.env,
      });
      started.push(command);
      return command;
    }
    const belay = (...args: readonly string[]): Promise<CommandEnd> => begin(...args).ended;
    const show = async (): Promise<Shown> => shownFrom((await belay('show', '--json')).stdout);
    const run = (file = commandsRunbook): BelayCommand =>
      begin('run', file, '-y', '-p', 'Host=v1', '-p', `Approvers=${approver}`);

    /** An execution whose runner was killed while its first command ran on the host. */
    async function interrupted(file?: string): Promise<string> {
      await host.hold();
      const runner = run(file);
      await host.untilRan(1);
      await runner.end();
      return (await show()).executionId;
    }

    test(
      'a runner that was killed shows as Interrupted, to list and to show',
      async () => {
        const id = await interrupted();
        expect(await show()).toMatchObject({ executionId: id, status: 'Interrupted' });
        expect((await belay('list')).stdout).toMatch(new RegExp(`${id}.*Interrupted`));
      },
      testMs,
    );

    test(
      'of two resumes at once one runs it and the other is refused',
      async () => {
        const id = await interrupted();
        const both = [begin('resume', id), begin('resume', id)] as const;
        const refused = await Promise.race(both.map(({ ended }) => ended));
        expect(refused).toMatchObject({ code: 5, stderr: expect.stringContaining('is being run by') });
        expect((await show()).status).toBe('InProgress');
        await host.letGo();
        await untilWaiting();
        expect((await belay('approve', id)).code).toBe(0);
        const codes = (await Promise.all(both.map(({ ended }) => ended))).map(({ code }) => code);
        expect(codes.toSorted((a, b) => a - b)).toEqual([0, 5]);
        expect(await host.ran()).toEqual(['first', 'last']);
      },
      testMs,
    );

    test(
      'while one runs it, others list, show and approve, and may not resume it',
      async () => {
        await host.hold();
        const runner = run();
        await host.untilRan(1);
        const { executionId, status } = await show();
        expect(status).toBe('InProgress');
        expect((await belay('list')).stdout).toMatch(new RegExp(`${executionId}.*InProgress`));
        expect(await belay('resume', executionId)).toMatchObject({ code: 5 });
        await host.letGo();
        await untilWaiting();
        expect((await belay('approve', executionId, '--comment', 'from another process')).code).toBe(0);
        expect((await runner.ended).code).toBe(0);
        expect(await host.ran()).toEqual(['first', 'last']);
        expect(await belay('resume', executionId)).toMatchObject({ code: 5 });
      },
      testMs,
    );

    test(
      'another process cancels it: the command on the host is stopped and the run ends',
      async () => {
        await host.hold();
        const runner = run();
        await host.untilRan(1);
        expect((await belay('cancel', (await show()).executionId)).code).toBe(0);
        expect((await runner.ended).code).toBe(1);
        expect(await show()).toMatchObject({ status: 'Cancelled' });
        expect(await host.onHost('pgrep -fc "[v]ar/tmp/hold" || true')).toBe('0');
        expect(await host.ran()).toEqual(['first']);
      },
      testMs,
    );

    test(
      'the document that started is the one that is resumed, whatever became of the file',
      async () => {
        const file = join(bed.folder, 'edited.yaml');
        writeFileSync(file, readFileSync(commandsRunbook));
        const id = await interrupted(file);
        writeFileSync(file, readFileSync(commandsRunbook, 'utf8').replaceAll('echo last', 'echo edited'));
        const runner = begin('resume', id);
        await host.letGo();
        await untilWaiting();
        expect((await belay('approve', id)).code).toBe(0);
        expect((await runner.ended).code).toBe(0);
        expect(await host.ran()).toEqual(['first', 'last']);
      },
      testMs,
    );

    async function untilWaiting(): Promise<void> {
      const giveUpAt = Date.now() + 60_000;
      while ((await show()).waiting === null) {
        if (Date.now() > giveUpAt) throw new Error(`it never waited: ${JSON.stringify(await show())}`);
      }
    }
  },
);
