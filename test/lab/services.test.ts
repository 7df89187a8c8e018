/** host:service and units that only seem to do what was asked: what is told is what was seen afterwards. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { file } from '../../src/actions/host/file.ts';
import { service } from '../../src/actions/host/service.ts';
import { observe, run, undo, type World } from '../support/action-bed.ts';
import { stringify } from 'yaml';
import { BelayFolder } from '../cli/belay-process.ts';
import { drawn } from '../evidence/sample.ts';
import { Lab } from './hosts/lab.ts';
import { labHost } from './lab-host.ts';

const reason = Lab.unavailable();
const sleeper = '[Service]\nExecStart=/bin/sleep infinity\n';
const installed = `${sleeper}[Install]\nWantedBy=multi-user.target\n`;
const units: Readonly<Record<string, string>> = {
  '/etc/systemd/system/t-static.service': sleeper,
  '/etc/systemd/system/t-indirect.service': `${sleeper}[Install]\nAlso=t-real.service\n`,
  '/etc/systemd/system/t-alias.service': `${installed}Alias=t-aka.service\n`,
  '/usr/lib/systemd/system/t-real.service': installed,
  '/opt/t-linked.service': installed,
  '/etc/systemd/system/t-refuse.service': `[Unit]\nRefuseManualStop=yes\n${sleeper}`,
  '/etc/systemd/system/t-die3.service':
    '[Service]\nExecStart=/bin/sh -c "sleep 3; echo port 1 is not a port >&2; exit 3"\n',
  '/etc/systemd/system/t-loop.service':
    '[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sh -c "sleep 1; echo cannot bind >&2; exit 3"\nRestart=always\nRestartSec=200ms\n',
  '/etc/systemd/system/t-fork.service':
    '[Service]\nType=forking\nExecStart=/bin/sh -c "(sleep 2; echo died after the fork >&2; exit 3) & exit 0"\n',
  '/etc/systemd/system/t-sock.socket':
    '[Socket]\nListenStream=127.0.0.1:7777\n[Install]\nWantedBy=sockets.target\n',
  '/etc/systemd/system/t-sock.service': sleeper,
  '/etc/systemd/system/t-term.service':
    '[Service]\nExecStart=/bin/sh -c \'trap "" TERM; while :; do sleep 1; done\'\nTimeoutStopSec=2\n',
  '/etc/systemd/system/t-cond.service': `[Unit]\nConditionPathExists=/nonexistent\n${sleeper}`,
  '/etc/systemd/system/t-one.service':
    '[Service]\nType=oneshot\nExecStart=/bin/sh -c "echo no port is free >&2; exit 1"\n',
  '/etc/systemd/system/t-dep.service': `[Unit]\nRequires=t-one.service\nAfter=t-one.service\n${sleeper}`,
  '/etc/systemd/system/t-tmpl@.service': installed,
  '/etc/systemd/system/t-tick.timer': '[Timer]\nOnCalendar=2030-01-01\n',
  '/etc/systemd/system/t-tick.service': sleeper,
};
const shows = (version: string) =>
  `[Service]\nExecStart=/bin/sh -c 'echo ${version} >/run/t-change; exec sleep infinity'\n`;

describe.skipIf(reason)(
  `host:service says what it saw${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  { timeout: 60_000 },
  () => {
    let lab: Lab;
    let world: World;
    const sh = async (text: string) => (await lab.exec('h1', text)).stdout.trim();
    const set = (Name: string, more: object) => run(service, { Host: 'h1', Name, ...more }, world);

    beforeAll(async () => {
      lab = await Lab.up({ hosts: ['h1'] });
      world = { hosts: { h1: labHost(lab, 'h1') } };
      for (const [path, text] of Object.entries(units)) await sh(`cat >${path} <<'UNIT'\n${text}UNIT`);
      await sh(
        'ln -sf t-real.service /usr/lib/systemd/system/t-link.service; systemctl link /opt/t-linked.service; systemctl mask t-masked.service; systemctl daemon-reload; systemctl start t-refuse t-sock.socket t-term t-real t-tick.timer',
      );
    }, 360_000);
    afterAll(() => lab?.down(), 60_000);

    test.each([
      ['t-static', /is static, its file has no \[Install\] section/],
      ['t-indirect', /is indirect, its \[Install\] section names only other units/],
    ])('%s cannot be enabled, and that is said before anything is changed', async (Name, why) => {
      const before = await sh('systemctl list-unit-files "t-*" | sort');
      const done = await set(Name, { Enabled: true });
      expect(done.ending).toMatchObject({
        kind: 'failed',
        code: 'NOT_ENABLED',
        message: expect.stringMatching(why),
        changes: [],
      });
      expect(await undo(service, done, world)).toMatchObject({ kind: 'done', changes: [] });
      expect(await sh('systemctl list-unit-files "t-*" | sort')).toBe(before);
      expect((await set(Name, { Enabled: false })).ending).toMatchObject({ kind: 'done', changes: [] });
    });

    test('a masked unit is refused, and its undo has nothing to do', async () => {
      const done = await set('t-masked', { Enabled: true });
      expect(done.ending).toMatchObject({ kind: 'failed', code: 'UNIT_MASKED' });
      expect(await undo(service, done, world)).toMatchObject({ kind: 'done', changes: [] });
      expect((await set('t-masked', { Enabled: false })).ending).toMatchObject({ kind: 'done', changes: [] });
    });

    test.each([...drawn('the name by which a unit is disabled', ['t-aka', 't-alias', 't-aka.service'])])(
      'what is disabled by the name %s is enabled again by the undo',
      async (Name) => {
        await sh('systemctl enable t-alias');
        const done = await set(Name, { Enabled: false });
        expect(done.ending).toMatchObject({ kind: 'done', outputs: { UnitFileState: 'disabled' } });
        // The alias has gone with it; what is asked by its name is still known.
        const observed = await observe(service, done.inputs, world);
        expect(observed).toMatchObject({ enabled: 'disabled' });
        expect(await undo(service, done, world, { knowing: 'nothing' })).toMatchObject({
          kind: 'done',
          changes: [{ from: 'disabled', to: 'enabled' }],
        });
        expect(await sh('systemctl is-enabled t-alias; ls /etc/systemd/system/t-aka.service')).toBe(
          'enabled\n/etc/systemd/system/t-aka.service',
        );
      },
    );

    test('a link of a package and one of systemctl link are enabled as their unit, and undo brings the very link back', async () => {
      const byLink = await set('t-link', { Enabled: true });
      expect(byLink.ending).toMatchObject({ kind: 'done', outputs: { UnitFileState: 'enabled' } });
      await undo(service, byLink, world);
      expect(await sh('systemctl is-enabled t-real')).toBe('disabled');

      const linked = await set('t-linked', { Enabled: true });
      expect(linked.ending).toMatchObject({ kind: 'done', changes: [{ from: 'linked', to: 'enabled' }] });
      expect(await undo(service, linked, world)).toMatchObject({ kind: 'done', changes: [{ to: 'linked' }] });
      expect(await sh('systemctl is-enabled t-linked; readlink /etc/systemd/system/t-linked.service')).toBe(
        'linked\n/opt/t-linked.service',
      );
    });

    const dying: Readonly<Record<string, RegExp>> = {
      't-die3': /became active and did not stay so for 5 s.*port 1 is not a port/,
      't-loop': /did not stay so for 5 s.*cannot bind/,
      't-fork': /did not stay so for 5 s/,
    };
    test.each([...drawn('the service that dies', Object.keys(dying))])(
      '%s, which dies seconds after its start, is not up, and its undo leaves no mark of that',
      async (Name) => {
        const why = dying[Name] ?? /never/;
        await sh(`systemctl reset-failed ${Name}`);
        const done = await set(Name, { State: 'started' });
        expect(done.ending).toMatchObject({
          kind: 'failed',
          code: 'SERVICE_FAILED',
          message: expect.stringMatching(why),
        });
        expect(await undo(service, done, world)).toMatchObject({ kind: 'done' });
        expect(await sh(`systemctl is-active ${Name}`)).toBe('inactive');
      },
    );

    test('a unit that had failed before is not called sound by an undo', async () => {
      await sh('systemctl reset-failed t-one; systemctl start t-one');
      const done = await set('t-one', { State: 'started' });
      expect(done.ending).toMatchObject({ kind: 'failed', code: 'SERVICE_FAILED' });
      expect(await undo(service, done, world)).toMatchObject({ kind: 'done', changes: [] });
      expect(await sh('systemctl is-active t-one')).toBe('failed');
    });

    test('a loop of restarts that happens to be active when it is looked at is not "active already"', async () => {
      await sh('systemctl start t-loop; sleep 2');
      const done = await set('t-loop', { State: 'started' });
      expect(done.ending).toMatchObject({ kind: 'failed', code: 'SERVICE_FAILED' });
      await sh('systemctl stop t-loop');
    });

    test("how long it has to stay up is the author's to say", async () => {
      const done = await set('t-die3', { State: 'restarted', StableSeconds: 1 });
      expect(done.ending).toMatchObject({ kind: 'done', outputs: { ActiveState: 'active' } });
      await sh('systemctl stop t-die3');
    });

    test('a unit that has been up for long is proven at once', async () => {
      const started = Date.now();
      expect((await set('t-real', { State: 'started', StableSeconds: 5 })).ending).toMatchObject({
        kind: 'done',
      });
      expect(Date.now() - started).toBeLessThan(20_000);
    });

    test('a unit that had to be killed is told so, when it was stopped and when it was restarted', async () => {
      for (const State of ['restarted', 'stopped']) {
        const done = await set('t-term', { State, StableSeconds: 0 });
        expect(done.ending).toMatchObject({
          kind: 'done',
          note: expect.stringContaining('t-term was killed: it had not ended after TimeoutStopSec='),
        });
        await sh('systemctl reset-failed t-term; systemctl start t-term');
      }
    });

    test('a stopped unit that its socket will start again is told so by the name of the socket', async () => {
      await sh('systemctl start t-sock.service');
      const done = await set('t-sock', { State: 'stopped' });
      expect(done.ending).toMatchObject({
        kind: 'done',
        outputs: { ActiveState: 'inactive', StartedAgainBy: ['t-sock.socket'] },
        note: expect.stringContaining('t-sock will be started again by t-sock.socket, which is still active'),
      });
      await set('t-sock.socket', { State: 'stopped' });
      expect((await set('t-sock', { State: 'stopped' })).ending).toMatchObject({
        outputs: { StartedAgainBy: [] },
      });
    });

    test.each([
      [
        't-refuse',
        'restarted',
        /systemctl says: .*Operation refused, unit t-refuse.service may be requested by dependency only/,
      ],
      ['t-dep', 'started', /t-one.service, which it needs, has failed: .*no port is free/],
      ['t-cond', 'started', /condition.*ConditionPathExists=\/nonexistent/],
    ])('%s fails with the words of systemctl', async (Name, State, why) => {
      expect((await set(Name, { State })).ending).toMatchObject({
        kind: 'failed',
        code: 'SERVICE_FAILED',
        message: expect.stringMatching(why),
      });
    });

    test('a template without an instance is refused with the words of systemctl', async () => {
      await expect(set('t-tmpl@', { State: 'started' })).rejects.toMatchObject({
        code: 'SERVICE_FAILED',
        message: expect.stringMatching(
          /Unit name t-tmpl@\.service is (missing the instance name|neither a valid)/,
        ),
      });
    });

    test('a unit file, a drop-in and a timer that were changed are read before they are used, forward and back', async () => {
      const path = '/etc/systemd/system/t-change.service';
      await sh(`printf '%s' "${shows('v1')}" >${path}; systemctl daemon-reload; systemctl start t-change`);
      // Written beside Belay, and only then restarted.
      await sh(`sleep 1; printf '%s' "${shows('v2')}" >${path}`);
      const restarted = await set('t-change', { State: 'restarted', StableSeconds: 0 });
      expect(restarted.ending).toMatchObject({
        kind: 'done',
        note: expect.stringContaining('daemon-reload'),
      });
      expect(await sh('cat /run/t-change; systemctl show -p NeedDaemonReload --value t-change')).toBe(
        'v2\nno',
      );

      const write = (Path: string, Content: string, Name = 't-change') =>
        run(file, { Host: 'h1', Path, Content, Service: { Name, State: 'restarted' } }, world);
      const changed = await write(path, shows('v3'));
      expect(changed.ending).toMatchObject({ kind: 'done' });
      expect(await sh('cat /run/t-change')).toBe('v3');
      expect(await undo(file, changed, world)).toMatchObject({ kind: 'done' });
      expect(await sh('cat /run/t-change; systemctl show -p NeedDaemonReload --value t-change')).toBe(
        'v2\nno',
      );

      await sh('mkdir -p /etc/systemd/system/t-change.service.d');
      const dropIn = await run(
        file,
        { Host: 'h1', Path: `${path}.d/mark.conf`, Content: '[Service]\nEnvironment=MARK=1\n' },
        world,
      );
      expect(dropIn.ending).toMatchObject({ note: expect.stringContaining('daemon-reload') });
      expect(await sh('systemctl show -p Environment --value t-change')).toBe('MARK=1');
      await undo(file, dropIn, world);
      await sh('rmdir /etc/systemd/system/t-change.service.d');
      expect(await sh('systemctl show -p Environment -p NeedDaemonReload --value t-change')).toBe('no');

      // By somebody else, and in a folder that systemd does not know yet.
      await sh(
        'mkdir /run/systemd/system/t-change.service.d; printf "[Service]\nEnvironment=MARK=2\n" >/run/systemd/system/t-change.service.d/new.conf',
      );
      await set('t-change', { State: 'restarted', StableSeconds: 0 });
      expect(
        await sh('tr "\\0" "\n" </proc/$(systemctl show -p MainPID --value t-change)/environ | grep MARK'),
      ).toBe('MARK=2');

      const timer = await write(
        '/etc/systemd/system/t-tick.timer',
        '[Timer]\nOnCalendar=2031-01-01\n',
        't-tick.timer',
      );
      expect(timer.ending).toMatchObject({ kind: 'done' });
      expect(await sh('systemctl show -p NextElapseUSecRealtime --value t-tick.timer')).toContain('2031');
      await undo(file, timer, world);
      expect(await sh('systemctl show -p NextElapseUSecRealtime --value t-tick.timer')).toContain('2030');
    });

    test('after a rollback a service that was restarted runs what is back, and one that nothing concerned is left alone', async () => {
      const reads = (name: string, more = '') =>
        `[Service]\nExecStart=/bin/sh -c 'cp /etc/${name} /run/${name}; exec sleep infinity'\n${more}`;
      await sh(`printf '%s' "${reads('t-conf')}" >/etc/systemd/system/t-conf.service
printf '%s' "${reads('t-other')}" >/etc/systemd/system/t-other.service
printf '%s' "${shows('v1')}" >/etc/systemd/system/t-unit.service
echo old >/etc/t-conf; echo old >/etc/t-other; systemctl daemon-reload; systemctl restart t-conf t-other t-unit`);
      const pid = () => sh('systemctl show -p MainPID --value t-other');
      const belay = new BelayFolder();
      belay.write('belay.yaml', stringify({ hosts: lab.inventory().hosts }));
      belay.write(
        'conf.yaml',
        `schemaVersion: '0.3'
rollback: { when: onFailure }
mainSteps:
  - { name: Other, action: 'host:service', inputs: { Host: h1, Name: t-other, State: restarted, StableSeconds: 0 } }
  - { name: Configure, action: 'host:file', inputs: { Host: h1, Path: /etc/t-conf, Content: "new\n" } }
  - { name: Unit, action: 'host:file', inputs: { Host: h1, Path: /etc/systemd/system/t-unit.service, Content: ${JSON.stringify(shows('v2'))} } }
  - { name: Stop, action: 'host:service', inputs: { Host: h1, Name: t-unit, State: stopped } }
  - { name: Start, action: 'host:service', inputs: { Host: h1, Name: t-unit, State: started, StableSeconds: 0 } }
  - { name: Restart, action: 'host:service', inputs: { Host: h1, Name: t-conf, State: restarted, StableSeconds: 0 } }
  - { name: Look, action: 'host:command', inputs: { Host: h1, Script: 'cat /run/t-conf /run/t-change; systemctl show -p MainPID --value t-other >/run/t-pid' }, undo: { none: looks only } }
  - { name: Verify, action: 'host:command', inputs: { Host: h1, Script: 'exit 1' }, undo: { none: looks only } }
`,
      );
      const ended = await belay.run(['run', 'conf.yaml', '-y']);
      expect(ended).toMatchObject({ code: 3 });
      expect(ended.stderr).toContain('t-conf restarted once more, with what is back');
      expect(await sh('cat /etc/t-conf /run/t-conf; cat /run/t-change')).toBe('old\nold\nv1');
      expect(await pid()).toBe(await sh('cat /run/t-pid'));
    });
  },
);
