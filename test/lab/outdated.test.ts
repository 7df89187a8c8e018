/** Programs and libraries that were taken back go on running in whoever has begun meanwhile: each is named, and none is ended. */
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import { stringify } from 'yaml';
import { BelayFolder, idIn } from '../cli/belay-process.ts';
import { DrawnCases } from '../evidence/drawn-cases.ts';
import { Lab } from './hosts/lab.ts';

const reason = Lab.unavailable();

describe.skipIf(reason)(
  `who runs what was taken back${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  { timeout: 180_000 },
  () => {
    let lab: Lab;
    let belay: BelayFolder;
    const sh = async (host: string, text: string) => (await lab.exec(host, text)).stdout.trim();

    beforeAll(async () => {
      lab = await Lab.up({ hosts: ['b1', 'h1', 'db1'] });
      await lab.publish('db1', 'new');
      belay = new BelayFolder();
      belay.write('belay.yaml', stringify({ hosts: lab.inventory().hosts }));
    }, 360_000);
    afterEach(() =>
      Promise.all([sh('h1', 'systemctl stop t-old t-new'), sh('db1', 'systemctl stop t-client')]),
    );
    afterAll(async () => {
      belay?.clear();
      await lab?.down();
    }, 60_000);

    const cases = new DrawnCases();
    cases.test(
      'a program that was exchanged: who ran the former one before is none, and who has ended is none any more',
      async () => {
        await sh(
          'h1',
          'cp /bin/sleep /opt/prog; cp /bin/sleep /opt/prog.source; printf more >>/opt/prog.source; systemd-run -q --unit t-old /opt/prog infinity',
        );
        const sha = (await sh('h1', 'sha256sum </opt/prog.source')).slice(0, 64);
        belay.write(
          'swap.yaml',
          `schemaVersion: '0.3'
rollback: { when: onFailure }
mainSteps:
  - { name: Stage, action: 'host:binary', inputs: { Host: h1, Path: /opt/prog, State: staged, Source: /opt/prog.source, Sha256: ${sha} } }
  - { name: Swap, action: 'host:binary', inputs: { Host: h1, Path: /opt/prog, State: swapped, Sha256: ${sha} } }
  - { name: Begin, action: 'host:command', inputs: { Host: h1, Command: [systemd-run, -q, --unit, t-new, /opt/prog, infinity] }, undo: { none: the test ends it } }
  - { name: Verify, action: 'host:command', inputs: { Host: h1, Command: ['false'] }, undo: { none: looks only } }
`,
        );
        const ended = await belay.run(['run', 'swap.yaml', '-y']);
        expect(ended.stderr).toMatch(
          /rollback PARTIAL\. Still changed:\n +h1 +prog \(pid \d+, t-new\.service\) still runs \/opt\/prog /,
        );
        expect(ended.stderr).not.toContain('t-old');
        expect(ended.code).toBe(4);
        const id = idIn(ended.stderr);
        expect(ended.stderr).toContain(`next: restart what still runs it; belay rollback ${id} looks again`);
        expect(await sh('h1', 'systemctl is-active t-new t-old')).toBe('active\nactive');
        const shown = await belay.run(['show', id, '--json']);
        expect(JSON.parse(shown.stdout)).toMatchObject({
          rollbackStatus: 'partial',
          outdated: [{ target: 'h1', unit: 't-new.service', path: '/opt/prog' }],
        });
        const again = await belay.run(['rollback', id, '-y']);
        expect(again).toMatchObject({
          code: 4,
          stderr: expect.stringContaining('t-new.service) still runs'),
        });
        await sh('h1', 'systemctl stop t-new');
        const last = await belay.run(['rollback', id, '-y']);
        expect(last).toMatchObject({ code: 0, stderr: expect.not.stringContaining('still runs') });
        expect(JSON.parse((await belay.run(['show', id, '--json'])).stdout)).toMatchObject({
          rollbackStatus: 'clean',
          outdated: [],
        });
      },
    );

    cases.test('a library that a package brought and its undo took away', async () => {
      belay.write(
        'library.yaml',
        `schemaVersion: '0.3'
rollback: { when: onFailure }
mainSteps:
  - { name: Patch, action: 'host:package', inputs: { Host: db1, Names: [libpq5, postgresql-client-15, postgresql-15], Version: latest } }
  - { name: Begin, action: 'host:command', inputs: { Host: db1, Script: 'systemd-run -q --unit t-client python3 -c "import ctypes, time; ctypes.CDLL(\\"libpq.so.5\\"); time.sleep(900)"; until grep -q libpq /proc/$(systemctl show -p MainPID t-client | cut -d= -f2)/maps; do sleep 0.2; done' }, undo: { none: the test ends it } }
  - { name: Verify, action: 'host:command', inputs: { Host: db1, Command: ['false'] }, undo: { none: looks only } }
`,
      );
      const ended = await belay.run(['run', 'library.yaml', '-y']);
      expect(ended.stderr).toMatch(
        /rollback PARTIAL\. Still changed:\n +db1 +python3 \(pid \d+, t-client\.service\) still runs \/usr\/lib\/\S*libpq\.so/,
      );
      // The server was started anew by its package, and is none of them.
      expect(ended.stderr).not.toContain('postgresql@15-main.service)');
      expect(ended.code).toBe(4);
    });
    cases.draw('who runs what was taken back', 180_000);
  },
);
