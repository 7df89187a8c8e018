/** Windows on real hosts: a hang that is cut, and a patch at its minute whose daemon and runner are killed. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { worldMissing } from '../../lab/world.ts';
import { outputOf, shownFrom, type Shown } from '../patch/command.ts';
import { raiseStage, type Stage } from '../patch/stage.ts';
import { Project, until } from './project.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const caseMs = 300_000;
const reason = worldMissing();

describe.skipIf(reason)(`windows on hosts${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let stage: Stage;
  let project: Project;
  beforeAll(async () => {
    stage = await raiseStage();
  }, 400_000);
  afterAll(async () => {
    await stage?.down();
    expect(stage?.world.endpoint.problems).toEqual([]);
  }, 120_000);
  beforeEach(async () => {
    await stage.reset();
    const { inventory, env } = stage.world;
    project = new Project(stringify(inventory), { ...env });
  }, 120_000);
  afterEach(() => project?.[Symbol.dispose]());

  const shown = async (id: string): Promise<Shown> =>
    shownFrom((await project.run('show', id, '--json')).stdout);

  test(
    'a task that hangs is cut and has climbed down inside the window, and nothing starts behind the cut-off',
    async () => {
      project.files.write(
        'hang.yaml',
        `schemaVersion: '0.3'
rollback: { when: onFailure, timeoutSeconds: 600 }
mainSteps:
  - name: Mark
    action: host:file
    inputs: { Host: db1, Path: /etc/belay-hangs, Content: 'it hangs' }
  - name: Hang
    action: host:command
    inputs: { Host: db1, Command: [sleep, '98765'] }
    undo: { none: it only waits }
`,
      );
      project.runbook('late', 0);
      // The cut-off is two minutes away by the daemon's clock.
      const dueAt = Math.floor(Date.now() / 1_000) * 1_000 - 58 * minuteMs;
      project.files.write(
        'windows/hang.yaml',
        `Name: hang
Schedule: at(${new Date(dueAt).toISOString().slice(0, 19)})
Duration: 2
Cutoff: 1
MissedRuns: { catchUp: PT2H }
Tasks:
  - { Name: hang, Runbook: ../hang.yaml, Priority: 1, Reserve: PT20M }
  - { Name: late, Runbook: ../late.yaml, Priority: 2 }
`,
      );
      project.seenBefore('hang', dueAt - 1_000);
      const clock = project.files.write('clock', '0');
      const daemon = project.daemon({ clock });
      const isHanging = async (): Promise<boolean> =>
        (await stage.onHost('pgrep -xfc "sleep 98765" || true')) !== '0';
      for (const giveUpAt = Date.now() + 120_000; !(await isHanging());)
        if (Date.now() > giveUpAt) throw new Error(`it never hung\n${daemon.log()}`);
      expect(await stage.onHost('cat /etc/belay-hangs')).toBe('it hangs');
      writeFileSync(clock, String(21 * minuteMs));
      const { stderr } = await daemon.ended;

      const [occurrence] = project.history('hang');
      expect(occurrence, stderr).toMatchObject({
        status: 'TIMED_OUT',
        tasks: [
          {
            invocations: [
              {
                status: 'TIMED_OUT',
                rollbackStatus: 'clean',
                reason: { code: 'RESERVE_SPENT' },
                undone: ['Mark'],
              },
            ],
          },
          { status: 'TIMED_OUT', reason: { code: 'AFTER_CUTOFF' }, invocations: [] },
        ],
      });
      expect(occurrence?.endedAt).toBeLessThan(dueAt + 2 * hourMs);
      expect(await isHanging()).toBe(false);
      expect(await stage.onHost('test -e /etc/belay-hangs || echo gone')).toBe('gone');
      expect(project.lines).toEqual([]);
    },
    caseMs,
  );

  test(
    'PostgreSQL is patched at its minute; its daemon and its runner are killed, and the next daemon ends what they began',
    async () => {
      const { old, new: newer } = stage.versions;
      const dueAt = Math.ceil(Date.now() / 1_000) * 1_000 + 8_000;
      project.window(
        'patch',
        dueAt,
        `Tasks:
  - Name: patch
    Runbook: ${join(root, 'runbooks', 'patch-postgresql.yaml')}
    Parameters: { Host: db1, Version: '${newer.server}*', Approvers: [dba] }
    Reserve: PT20M`,
      );
      const first = project.daemon({ once: false });
      const began = (): string | undefined =>
        project.history('patch')[0]?.tasks[0]?.invocations[0]?.executionId;
      await until('the start', () => began() !== undefined);
      const id = began() ?? '';
      expect(await stage.serverVersion()).toBe(old.server);
      let runner: number | undefined;
      for (const giveUpAt = Date.now() + 120_000; runner === undefined;) {
        if (Date.now() > giveUpAt) throw new Error(`it never began its snapshot\n${first.log()}`);
        const { stdout } = await project.run('show', id, '--json');
        if (stdout === '') continue;
        const seen = JSON.parse(stdout) as { runner: { pid: number } | null; steps: Shown['steps'] };
        if (seen.steps.some(({ name }) => name === 'SnapshotData')) runner = seen.runner?.pid;
      }
      first.child.kill('SIGKILL');
      process.kill(runner, 'SIGKILL');
      await first.ended;

      const second = project.daemon();
      const { stdout, stderr } = await second.ended;
      expect(JSON.parse(stdout), stderr).toMatchObject({ ending: { kind: 'idle', failed: 0 } });
      expect(stderr).toContain('took over an execution without a runner');
      const [occurrence, ...others] = project.history('patch');
      expect(others).toEqual([]);
      expect(occurrence).toMatchObject({ dueAt, status: 'SUCCESS' });
      expect(occurrence?.startedAt).toBeGreaterThanOrEqual(dueAt);
      expect(occurrence?.tasks[0]?.invocations).toMatchObject([{ executionId: id, status: 'SUCCESS' }]);
      expect(await stage.serverVersion()).toBe(newer.server);
      expect(await stage.data()).toBe(stage.soundData);
      expect(await stage.dpkgLog()).toEqual([`${old.full} → ${newer.full}`]);
      expect(outputOf(await shown(id), 'VerifyData', 'Intact')).toBe(true);
    },
    caseMs,
  );
});
