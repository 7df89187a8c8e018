/** A daemon that is stopped, whose clock jumps, whose disk is full, and what it says meanwhile. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { noMounts, SmallDisk } from '../trouble/small-disk.ts';
import { Project, until } from './project.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const caseMs = 120_000;

let project: Project;
const open: Disposable[] = [];
beforeEach(() => {
  project = new Project();
  open.push(project);
});
afterEach(() => {
  for (const each of open.splice(0).toReversed()) each[Symbol.dispose]();
});

/** What the daemon answers on its socket. */
async function ask(socketPath: string, path: string): Promise<{ code: number | undefined; text: string }> {
  const [reply] = (await once(get({ socketPath, path }), 'response')) as [IncomingMessage];
  return { code: reply.statusCode, text: (await reply.setEncoding('utf8').toArray()).join('') };
}

const second = (ms: number): number => Math.floor(ms / 1_000) * 1_000;
const status = (name: string): string | undefined => project.history(name)[0]?.status;

test(
  'one that is stopped still leads, and takes the time in which it was stopped for an absence when it goes on',
  async () => {
    project.runbook('skips', 0);
    project.runbook('catches', 0);
    const dueAt = second(Date.now()) + 30 * minuteMs;
    project.window('skips', dueAt);
    project.window('catches', dueAt, 'MissedRuns: { catchUp: PT1H }');
    const clock = project.files.write('clock', '0');
    const daemon = project.daemon({ once: false, clock });
    await until('the daemon', () => daemon.log().includes('"leads"'));
    daemon.child.kill('SIGSTOP');
    const standby = project.files.start(['daemon', '--standby']);
    const other = await project.run('daemon');
    expect(other.code).toBe(5);
    writeFileSync(clock, String(40 * minuteMs));
    daemon.child.kill('SIGCONT');
    await until('the end of both', () => status('catches') === 'SUCCESS' && status('skips') !== undefined);
    expect(project.history('skips')).toMatchObject([{ status: 'SKIPPED', reason: { code: 'MISSED' } }]);
    expect(project.history('catches')).toHaveLength(1);
    expect(project.lines).toEqual(['catches begin', 'catches end']);
    expect(standby.child.exitCode).toBeNull();
    standby.child.kill('SIGTERM');
    const { stdout } = await standby.ended;
    expect(stdout).not.toContain('"leads"');
  },
  caseMs,
);

test(
  'a clock that is set back starts nothing twice, and one that is set forward makes late what it jumped over',
  async () => {
    project.runbook('now', 0);
    project.runbook('later', 0);
    project.window('now', second(Date.now()) - 1_000);
    project.window('later', second(Date.now()) + 30 * minuteMs);
    const clock = project.files.write('clock', '0');
    const daemon = project.daemon({ once: false, clock });
    await until('the run', () => status('now') === 'SUCCESS');
    writeFileSync(clock, String(-hourMs));
    // A few of its turns, in which it must do nothing.
    await sleep(2_500);
    writeFileSync(clock, String(hourMs));
    await until('the decision', () => status('later') !== undefined);
    expect(project.history('later')).toMatchObject([{ status: 'SKIPPED', reason: { code: 'MISSED' } }]);
    expect(project.history('now')).toHaveLength(1);
    expect(project.lines).toEqual(['now begin', 'now end']);
    daemon.child.kill('SIGTERM');
    await daemon.ended;
  },
  caseMs,
);

const reason = noMounts();

describe.skipIf(reason)(`a full disk${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  test(
    'ends no daemon: it says so, decides nothing, and starts what is due once there is room',
    async () => {
      const disk = new SmallDisk(project.files.state, '4m');
      open.push(disk);
      project.runbook('count', 0);
      const socket = join(project.files.dir, 'health.sock');
      const daemon = project.files.start(['daemon', '--listen', `unix:${socket}`]);
      let log = '';
      daemon.child.stdout?.on('data', (chunk: Buffer) => (log += chunk.toString()));
      await until('the daemon', () => log.includes('"leads"'));
      expect((await ask(socket, '/healthz')).code).toBe(200);
      project.window('count', second(Date.now()) + 1_000, 'MissedRuns: { catchUp: PT1H }');
      disk.fill();
      daemon.child.kill('SIGHUP');
      await until('its trouble', () => log.includes('"code":"DISK_FULL"'));
      expect(await ask(socket, '/healthz')).toMatchObject({
        code: 503,
        text: expect.stringContaining('no room is left') as string,
      });
      expect(daemon.child.exitCode).toBeNull();
      disk.makeRoom();
      await until('the run', () => status('count') === 'SUCCESS');
      expect(project.lines).toEqual(['count begin', 'count end']);
      expect(project.history('count')).toHaveLength(1);
      const { text } = await ask(socket, '/metrics');
      for (const row of [
        'belay_leader 1',
        'belay_trouble 0',
        'belay_executions{status="Success"} 1',
        'belay_occurrences{status="SUCCESS"} 1',
        'belay_occurrences_open 0',
      ])
        expect(text.split('\n')).toContain(row);
      expect(text).toMatch(/^belay_late_seconds\{window="count"\} [\d.]+$/m);
      daemon.child.kill('SIGTERM');
      expect((await daemon.ended).code).toBe(0);
    },
    caseMs,
  );
});

test(
  'a rolling patch of MinIO that could not be taken back in time is refused with the number of minutes',
  async () => {
    project.files.write(
      'belay.yaml',
      `hosts:\n  minio{01..04}: { address: '192.0.2.{11..14}' }\n  lb1: { address: 192.0.2.9 }\n`,
    );
    const dueAt = Math.floor(Date.now() / 1_000) * 1_000 - 1_000;
    project.window(
      'roll',
      dueAt,
      `Tasks:
  - Name: roll
    Runbook: ${join(root, 'runbooks', 'minio', 'rolling-patch.yaml')}
    Parameters:
      Cluster: minio
      Nodes: [minio01, minio02, minio03, minio04]
      LoadBalancer: lb1
      ServerName: minio.example.com
      AccessKey: patcher
      Packages: [openssl]
    Reserve: PT170M`,
    );
    const { stderr: checked } = await project.run('window', 'validate', '--offline');
    // 170 min forward, 360 of rollback and 2 to stop, in 60.
    expect(checked).toContain('it does not fit by 472 min: 170 min forward and 362 min of rollback');
    await project.daemon().ended;
    expect(project.history('roll')).toMatchObject([
      { status: 'FAILED', tasks: [{ invocations: [], reason: { code: 'DOES_NOT_FIT' } }] },
    ]);
    // It began a moment late, which is a minute more.
    expect(project.history('roll')[0]?.tasks[0]?.reason?.message).toContain('it does not fit by 473 min');
  },
  caseMs,
);
