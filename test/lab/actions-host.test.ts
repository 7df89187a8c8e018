import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { file } from '../../src/actions/host/file.ts';
import { packageAction } from '../../src/actions/host/package.ts';
import { service } from '../../src/actions/host/service.ts';
import { observe, run, undo, type World } from '../support/action-bed.ts';
import { Lab } from './hosts/lab.ts';
import { labHost } from './lab-host.ts';

const reason = Lab.unavailable();

describe.skipIf(reason)(
  `host actions on real hosts${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  { timeout: 120_000 },
  () => {
    let lab: Lab;
    let world: World;
    const sh = async (host: string, text: string) => {
      const { stdout, stderr, code } = await lab.exec(host, text);
      return code === 0 ? stdout.trim() : `exit ${code}: ${stderr.trim()}`;
    };
    const unit = (host: string, name: string, text: string) =>
      lab.exec(host, `cat >/usr/lib/systemd/system/${name} && systemctl daemon-reload`, { stdin: text });

    beforeAll(async () => {
      lab = await Lab.up({ hosts: ['h1', 'r1'] });
      world = { hosts: { h1: labHost(lab, 'h1'), r1: labHost(lab, 'r1') } };
      await unit(
        'h1',
        'steady.service',
        '[Service]\nExecStart=/bin/sleep infinity\nExecReload=/bin/sh -c "date +%%N >>/run/steady.reloads"\n[Install]\nWantedBy=multi-user.target\n',
      );
      await unit(
        'h1',
        'flapping.service',
        '[Service]\nExecStart=/bin/sh -c "echo cannot bind port 80; exit 1"\nRestart=always\nRestartSec=100ms\n[Unit]\nStartLimitIntervalSec=0\n',
      );
      await unit(
        'h1',
        'dying.service',
        '[Service]\nExecStart=/bin/sh -c "sleep 0.1; echo no licence; exit 7"\n',
      );
      await unit('h1', 'once.service', '[Service]\nType=oneshot\nExecStart=/bin/true\n');
    }, 360_000);
    afterAll(async () => {
      await lab?.down();
    }, 60_000);

    describe('host:service', () => {
      test('starts and enables a unit; undo stops and disables it', async () => {
        const inputs = { Host: 'h1', Name: 'steady', State: 'started', Enabled: true };
        const done = await run(service, inputs, world);
        expect(done.ending).toMatchObject({
          kind: 'done',
          outputs: { ActiveState: 'active', UnitFileState: 'enabled' },
          changes: [
            { target: 'h1', subject: 'steady', from: 'inactive', to: 'active' },
            { target: 'h1', subject: 'steady at boot', from: 'disabled', to: 'enabled' },
          ],
        });
        expect(await sh('h1', 'systemctl is-active steady; systemctl is-enabled steady')).toBe(
          'active\nenabled',
        );
        expect(await undo(service, done, world)).toMatchObject({
          kind: 'done',
          changes: [{ from: 'active', to: 'inactive' }, { to: 'disabled' }],
        });
        expect(await observe(service, inputs, world)).toEqual(done.before);
        expect(await undo(service, done, world)).toMatchObject({ kind: 'done', changes: [] });
      });

      test('stopping what is stopped changes nothing', async () => {
        const done = await run(service, { Host: 'h1', Name: 'steady', State: 'stopped' }, world);
        expect(done.ending).toMatchObject({
          kind: 'done',
          changes: [{ from: 'inactive', to: 'inactive' }],
          note: 'steady is inactive already',
        });
      });

      test('a stop is undone by a start, after a lost reply and knowing only what was observed too', async () => {
        await sh('h1', 'systemctl start steady');
        const pid = await sh('h1', 'systemctl show -p MainPID --value steady');
        const done = await run(service, { Host: 'h1', Name: 'steady', State: 'stopped' }, world, {
          lostReply: true,
        });
        expect(done.ending).toMatchObject({ kind: 'done', changes: [{ from: 'active', to: 'inactive' }] });
        expect(await undo(service, done, world, { knowing: 'nothing', lostReply: true })).toMatchObject({
          kind: 'done',
          changes: [{ to: 'active' }],
        });
        expect(await sh('h1', 'systemctl show -p MainPID --value steady')).not.toBe(pid);
      });

      test('restarts and reloads are no change of state, and need no undo', async () => {
        const pid = await sh('h1', 'systemctl show -p MainPID --value steady');
        const restarted = await run(service, { Host: 'h1', Name: 'steady', State: 'restarted' }, world);
        expect(restarted.ending).toMatchObject({ kind: 'done', changes: [], note: 'steady restarted' });
        const newPid = await sh('h1', 'systemctl show -p MainPID --value steady');
        expect(newPid).not.toBe(pid);
        const reloaded = await run(service, { Host: 'h1', Name: 'steady', State: 'reloaded' }, world);
        expect(reloaded.ending).toMatchObject({ kind: 'done', changes: [], note: 'steady reloaded' });
        expect(await sh('h1', 'wc -l </run/steady.reloads')).toBe('1');
        await undo(service, restarted, world);
        expect(await sh('h1', 'systemctl show -p MainPID --value steady')).toBe(newPid);
      });

      test.each(['flapping', 'dying'])(
        'a unit that does not stay up (%s) fails with its last words',
        async (Name) => {
          const done = await run(service, { Host: 'h1', Name, State: 'started' }, world);
          expect(done.ending).toMatchObject({
            kind: 'failed',
            code: 'SERVICE_FAILED',
            message: expect.stringMatching(
              /^h1 .*(did not become active|did not stay so).*(cannot bind port 80|no licence)/,
            ),
          });
          expect(await undo(service, done, world)).toMatchObject({ kind: 'done' });
          expect(await sh('h1', `systemctl show -p ActiveState --value ${Name}`)).toMatch(/inactive|failed/);
        },
      );

      test('a oneshot unit that did its work is started, though it is inactive again', async () => {
        const done = await run(service, { Host: 'h1', Name: 'once', State: 'started' }, world);
        expect(done.ending).toMatchObject({ kind: 'done', outputs: { ActiveState: 'inactive' } });
      });

      test('unknown and masked units and units that cannot reload are refused by name', async () => {
        await expect(
          run(service, { Host: 'h1', Name: 'nosuch', State: 'started' }, world),
        ).rejects.toMatchObject({
          code: 'UNIT_NOT_FOUND',
          message: expect.stringContaining('h1 (lab'),
        });
        await sh('h1', 'systemctl mask once');
        const masked = await run(service, { Host: 'h1', Name: 'once', State: 'started' }, world);
        expect(masked.ending).toMatchObject({ kind: 'failed', code: 'UNIT_MASKED' });
        await sh('h1', 'systemctl start dying; sleep 0.5');
        const plain = await run(service, { Host: 'h1', Name: 'dying', State: 'reloaded' }, world);
        expect(plain.ending).toMatchObject({ kind: 'failed', code: 'RELOAD_NOT_SUPPORTED' });
      });
    });

    describe('host:file with a Service', () => {
      test('the unit notices the change, and notices when undo takes it back', async () => {
        await sh('h1', 'systemctl restart steady; rm -f /run/steady.reloads; echo old >/etc/steady.conf');
        const inputs = {
          Host: 'h1',
          Path: '/etc/steady.conf',
          Content: 'new\n',
          Service: { Name: 'steady', State: 'reloaded' },
        };
        const done = await run(file, inputs, world);
        expect(done.ending).toMatchObject({ kind: 'done', note: 'steady reloaded' });
        const again = await run(file, inputs, world);
        expect(again.ending).toMatchObject({ kind: 'done', changes: [] });
        expect(await sh('h1', 'wc -l </run/steady.reloads')).toBe('1');
        await undo(file, done, world);
        expect(await sh('h1', 'wc -l </run/steady.reloads; cat /etc/steady.conf')).toBe('2\nold');
      });

      test('a configuration that breaks the service fails the step, and undo brings both back', async () => {
        await unit(
          'h1',
          'picky.service',
          '[Service]\nExecStart=/bin/sh -c "grep -q good /etc/picky.conf || { echo bad configuration; exit 2; }; exec sleep infinity"\n',
        );
        await sh('h1', 'echo good >/etc/picky.conf; systemctl start picky');
        const inputs = {
          Host: 'h1',
          Path: '/etc/picky.conf',
          Content: 'broken\n',
          Service: { Name: 'picky', State: 'restarted' },
        };
        const done = await run(file, inputs, world);
        expect(done.ending).toMatchObject({
          kind: 'failed',
          code: 'SERVICE_FAILED',
          message: expect.stringContaining('bad configuration'),
        });
        expect(await undo(file, done, world)).toMatchObject({ kind: 'done' });
        expect(await sh('h1', 'systemctl is-active picky; cat /etc/picky.conf')).toBe('active\ngood');
        expect(await observe(file, inputs, world)).toEqual(done.before);
      });
    });

    describe.each([
      ['h1', 'apt', '', (version: string) => version],
      ['r1', 'dnf', '-1', (version: string) => `${version}-1`],
    ] as const)('host:package on %s with %s', (Host, Manager, _, full) => {
      const Names = ['belay-demo'];
      const running = () => sh(Host, 'cat /run/belay-demo.version; systemctl is-active belay-demo');

      test('a package that was absent is installed, and undo removes it', async () => {
        await lab.publish(Host, 'old');
        const done = await run(packageAction, { Host, Names, Version: full('1.0') }, world);
        expect(done.ending).toMatchObject({
          kind: 'done',
          outputs: { Version: full('1.0'), Versions: { 'belay-demo': full('1.0') }, Manager, Changed: true },
          changes: [{ target: Host, subject: 'belay-demo', from: null, to: full('1.0') }],
        });
        expect(await undo(packageAction, done, world)).toMatchObject({
          kind: 'done',
          changes: [{ from: full('1.0'), to: null }],
        });
        expect(await observe(packageAction, done.inputs, world)).toEqual(done.before);
      });

      test('an upgrade is undone from what was kept, although the repository has dropped the old version', async () => {
        await run(packageAction, { Host, Names, Version: full('1.0') }, world);
        await lab.publish(Host, 'new');
        const done = await run(packageAction, { Host, Names, Version: '1.1*' }, world, { lostReply: true });
        expect(done.ending).toMatchObject({
          kind: 'done',
          changes: [{ from: full('1.0'), to: full('1.1') }],
        });
        expect(await running()).toBe('1.1\nactive');
        await sh(
          Host,
          'mkdir -p /run/empty && mount --bind /run/empty /srv/repo; rm -f /var/cache/apt/archives/*.deb',
        );
        const undone = await undo(packageAction, done, world, { knowing: 'nothing' });
        await sh(Host, 'umount /srv/repo');
        expect(undone).toMatchObject({
          kind: 'done',
          changes: [{ subject: 'belay-demo', from: full('1.1'), to: full('1.0') }],
        });
        expect(await running()).toBe('1.0\nactive');
        expect(await observe(packageAction, done.inputs, world)).toEqual(done.before);
        expect(await undo(packageAction, done, world)).toMatchObject({ kind: 'done', changes: [] });
      });

      test('the newest is "latest", and installing it again changes nothing', async () => {
        const first = await run(packageAction, { Host, Names }, world);
        expect(first.ending).toMatchObject({
          kind: 'done',
          outputs: { Version: full('1.1'), Changed: true },
        });
        const again = await run(packageAction, { Host, Names, Version: 'latest' }, world);
        expect(again.ending).toMatchObject({
          kind: 'done',
          outputs: { Changed: false },
          changes: [],
          note: `belay-demo is ${full('1.1')} already`,
        });
        await undo(packageAction, first, world);
      });

      test('staged: the newest is found and fetched, and what is installed stays', async () => {
        const staged = await run(packageAction, { Host, Names, Version: '1.1*', State: 'staged' }, world);
        expect(staged.ending).toMatchObject({
          kind: 'done',
          outputs: { Version: full('1.1'), Changed: false },
          changes: [],
          note: `belay-demo ${full('1.1')} is fetched; what it replaces is kept`,
        });
        expect(await running()).toBe('1.0\nactive');
      });

      test('a package whose script fails is a failure with its reason, and undo heals it', async () => {
        await lab.publish(Host, 'broken');
        const done = await run(packageAction, { Host, Names, Version: full('1.2') }, world);
        expect(done.ending).toMatchObject({ kind: 'failed', code: 'INSTALL_FAILED' });
        expect(done.logged).toContain('simulated migration failure');
        expect(await undo(packageAction, done, world)).toMatchObject({ kind: 'done' });
        expect(await observe(packageAction, done.inputs, world)).toEqual(done.before);
        expect(await running()).toBe('1.0\nactive');
      });

      test('a version that nobody has is refused with those that exist', async () => {
        const done = await run(packageAction, { Host, Names, Version: '9.9' }, world);
        expect(done.ending).toMatchObject({
          kind: 'failed',
          code: 'NO_SUCH_VERSION',
          message: expect.stringContaining(full('1.1')),
        });
        const nothing = await run(packageAction, { Host, Names: ['nosuchpackage'] }, world);
        expect(nothing.ending).toMatchObject({ kind: 'failed', code: 'NO_SUCH_VERSION' });
      });
    });
  },
);
