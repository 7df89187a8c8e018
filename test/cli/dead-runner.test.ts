/** What each verb does to an execution whose runner was killed in the midst of a command on a host, and whether its words are so there. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { BelayFolder, idIn } from './belay-process.ts';

let folder: BelayFolder;
beforeEach(() => {
  folder = new BelayFolder();
  folder.write('belay.yaml', 'hosts: { here: { transport: local } }\n');
  folder.write('file', 'before');
});
afterEach(() => {
  // The command goes on without its runner.
  if (existsSync(path('pid')) && isUnderWay()) process.kill(pid(), 'SIGKILL');
  folder.clear();
});

const path = (name: string): string => join(folder.dir, name);

const pid = (): number => Number(readFileSync(path('pid'), 'utf8'));

/** Ends when somebody stops it, or after two minutes. */
const long = (): string =>
  `echo $$ >${path('pid.new')}; mv ${path('pid.new')} ${path('pid')}; n=0; while [ $n -lt 1200 ]; do n=$((n+1)); sleep 0.1; done`;

/** Its runner dies while the command is under way. */
async function killed(): Promise<string> {
  const runbook = folder.write(
    'runbook.json',
    JSON.stringify({
      schemaVersion: '0.3',
      rollback: { when: 'onFailure' },
      mainSteps: [
        {
          name: 'Write',
          action: 'host:file',
          inputs: { Host: 'here', Path: path('file'), Content: 'after' },
        },
        {
          name: 'Long',
          action: 'host:command',
          inputs: { Host: 'here', Script: long() },
          undo: [
            {
              name: 'Back',
              action: 'host:command',
              inputs: { Host: 'here', Script: `touch ${path('back')}` },
            },
          ],
        },
      ],
    }),
  );
  const run = folder.start(['run', runbook, '-y']);
  await vi.waitFor(() => expect(existsSync(path('pid'))).toBe(true), { timeout: 60_000, interval: 50 });
  run.child.kill('SIGKILL');
  return idIn((await run.ended).stderr);
}

/** A process that has ended and that nobody has asked about is none any more. */
function isUnderWay(): boolean {
  const stat = `/proc/${pid()}/stat`;
  return existsSync(stat) && !/\) [ZX] /.test(readFileSync(stat, 'utf8'));
}

const isLinux = process.platform === 'linux';
const why = isLinux ? '' : ' (skipped: there is no /proc)';

test.skipIf(!isLinux)(
  `cancel stops the command, climbs down, and is not done twice${why}`,
  { timeout: 120_000 },
  async () => {
    const id = await killed();
    expect(isUnderWay()).toBe(true);
    const cancelled = await folder.run(['cancel', id]);
    expect([cancelled.code, cancelled.stderr]).toEqual([
      3,
      expect.stringContaining('Cancelled at Long, rolled back clean'),
    ]);
    expect(cancelled.stderr).toContain('What Long did on here is as its undo list left it.');
    expect(cancelled.stderr).not.toMatch(/\. here is as it was/);
    expect([readFileSync(path('file'), 'utf8'), existsSync(path('back')), isUnderWay()]).toEqual([
      'before',
      true,
      false,
    ]);
    const again = await folder.run(['rollback', id, '-y']);
    expect([again.code, again.stderr]).toEqual([
      0,
      expect.stringContaining('Write on here  as it was before'),
    ]);
    expect((await folder.run(['cancel', id])).code).not.toBe(70);
    expect((await folder.run(['discard', id, '--why', 'seen'])).code).toBe(0);
    expect((await folder.run(['list'])).stdout).toContain('closed: seen');
  },
);

test.skipIf(!isLinux)(
  `discard says that the command may go on, as it does, and nothing is looked at afterwards${why}`,
  { timeout: 120_000 },
  async () => {
    const id = await killed();
    const discarded = await folder.run(['discard', id, '--why', 'nobody waits for it']);
    expect([discarded.code, discarded.stderr]).toEqual([
      0,
      expect.stringContaining('Long on here had begun, and how far it came is not known'),
    ]);
    expect([isUnderWay(), readFileSync(path('file'), 'utf8')]).toEqual([true, 'after']);
    const resumed = await folder.run(['resume', id]);
    expect([resumed.code, resumed.stderr]).toEqual([5, expect.stringContaining('was discarded by')]);
    expect(resumed.stderr).not.toContain('Looking at what really happened');
    const shown = (await folder.run(['show', id])).stdout;
    expect(shown).toContain('/file is sha256');
    expect(shown).toMatch(/Long may have changed something: it has begun, and its end is not known/);
  },
);
