import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand } from '../../src/actions/aws/run-command.ts';
import { reboot } from '../../src/actions/host/reboot.ts';
import { localHost } from '../../src/transports/hosts/local.ts';
import {
  carryOut,
  effectOf,
  newToken,
  observe,
  run,
  undoEffectOf,
  type World,
} from '../support/action-bed.ts';
import { contextOf } from '../support/action-context.ts';
import { Lab } from './hosts/lab.ts';
import { openSshHosts, type SshHosts } from './ssh-hosts.ts';

const reason = Lab.unavailable();
const dropIn = '/etc/systemd/system/writer.service.d/90-belay-reboot.conf';

describe.skipIf(reason)(
  `host:reboot on a real host, over ssh${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  { timeout: 120_000 },
  () => {
    let lab: Lab;
    let hosts: SshHosts;
    let world: World;
    const sh = async (text: string) => {
      const { stdout, stderr, code } = await lab.exec('h1', text);
      return code === 0 ? stdout.trim() : `exit ${code}: ${stderr.trim()}`;
    };
    const bootId = () => sh('cat /proc/sys/kernel/random/boot_id');
    const inputs = { Host: 'h1', Services: ['writer'], WithinSeconds: 60 };

    beforeAll(async () => {
      lab = await Lab.up({ hosts: ['h1', 'r1'] });
      hosts = await openSshHosts(lab);
      world = { hosts: { h1: hosts.host('h1'), r1: hosts.host('r1') } };
      await lab.exec('h1', 'cat >/etc/systemd/system/writer.service && systemctl enable -q --now writer', {
        stdin:
          '[Service]\nExecStart=/bin/sh -c "echo written >>/srv/data/writer; exec sleep infinity"\n[Install]\nWantedBy=multi-user.target\n',
      });
    }, 360_000);
    afterAll(async () => {
      await hosts?.close();
      await lab?.down();
    }, 60_000);

    test('reboots once, and is done when mounts and services are back', async () => {
      const before = await bootId();
      const done = await run(reboot, inputs, world);
      const now = await bootId();
      expect(now).not.toBe(before);
      expect(done.ending).toMatchObject({
        kind: 'done',
        outputs: { Rebooted: true, BootId: now, Mounts: ['/srv/data'] },
        changes: [{ target: 'h1', subject: 'boot', from: before.slice(0, 8), to: now.slice(0, 8) }],
      });
      expect(
        await sh(`systemctl is-active writer; wc -l </srv/data/writer; ls ${dropIn} 2>&1 | tail -c 26`),
      ).toBe('active\n2\nNo such file or directory');
      expect(() => undoEffectOf(reboot, inputs)).toThrow('undo is none');

      // A runner that died right after the order finds it by its token, and so does a second delivery of the order.
      const effect = effectOf(reboot, inputs);
      if (effect.kind !== 'begun') throw new Error('a reboot is begun');
      await using context = await contextOf(world, done.token);
      expect(await effect.adopt(inputs, done.before, context)).toMatchObject({ kind: 'absent' });
      const again = await carryOut(reboot, inputs, done.before, world);
      expect(again.ending).toMatchObject({ kind: 'done', outputs: { BootId: now } });
      expect(await bootId()).toBe(now);
    });

    test('is found again after a lost reply, while the host is down', async () => {
      const before = await bootId();
      const done = await run(reboot, inputs, world, { lostReply: true });
      expect(done.ending).toMatchObject({ kind: 'done', outputs: { Rebooted: true } });
      expect(await bootId()).not.toBe(before);
    });

    test('IfRequired reboots only a host that asks for it', async () => {
      const before = await bootId();
      const quiet = await run(reboot, { ...inputs, IfRequired: true }, world);
      expect(quiet.ending).toMatchObject({
        kind: 'done',
        outputs: { Rebooted: false, BootId: before },
        note: expect.stringMatching(/^not rebooted: .* whether a reboot is required is unknown/),
      });
      expect(await bootId()).toBe(before);
      // What makes the mark when a package wants a reboot.
      await sh(
        'mkdir -p /usr/share/update-notifier; touch /usr/share/update-notifier/notify-reboot-required',
      );
      const told = await run(reboot, { ...inputs, IfRequired: true }, world);
      expect(told.ending).toMatchObject({ outputs: { Rebooted: false }, note: 'no reboot is required' });
      await sh('rm -r /usr/share/update-notifier');
      await sh('touch /run/reboot-required');
      expect(await observe(reboot, { ...inputs, IfRequired: true }, world)).toMatchObject({
        required: 'yes',
      });
      await sh('rm /run/reboot-required');
      // A host of dnf answers by dnf's own tool, and without it does not know.
      expect(await observe(reboot, { Host: 'r1', IfRequired: true }, world)).toMatchObject({
        required: 'no',
      });
      const hidden = `f=$(find /usr/lib/python3* -path '*dnf-plugins/needs_restarting.py*' | head -n 1); [ -n "$f" ] && mv "$f" "\${f%.off}`;
      expect((await lab.exec('r1', `${hidden}.off"`)).code).toBe(0);
      try {
        await expect(observe(reboot, { Host: 'r1', IfRequired: true }, world)).rejects.toMatchObject({
          code: 'REBOOT_UNKNOWN',
          message: expect.stringContaining('Nothing was rebooted'),
        });
      } finally {
        await lab.exec('r1', `${hidden}"`);
      }
      expect(await observe(reboot, { Host: 'r1' }, world)).toMatchObject({ mounts: [{ path: '/srv/data' }] });
    });

    test('a mount by hand, a mount that is not there, an unknown unit and this machine are refused before', async () => {
      const before = await bootId();
      await sh('mkdir -p /mnt/hand && mount /dev/xvdg /mnt/hand');
      await expect(run(reboot, inputs, world)).rejects.toMatchObject({
        code: 'MOUNT_NOT_AT_BOOT',
        message: expect.stringMatching(/h1 .* has \/mnt\/hand mounted by hand.*Nothing was rebooted/),
      });
      await sh('umount /mnt/hand');
      await expect(run(reboot, { ...inputs, Mounts: ['/mnt/hand'] }, world)).rejects.toMatchObject({
        code: 'MOUNT_MISSING',
      });
      await expect(run(reboot, { ...inputs, Services: ['nosuch'] }, world)).rejects.toMatchObject({
        code: 'UNIT_NOT_FOUND',
      });
      const here = localHost({ name: 'here', transport: 'local', become: 'none', tags: {} });
      await expect(run(reboot, { Host: 'here' }, { hosts: { here } })).rejects.toMatchObject({
        code: 'REBOOT_OF_LOCAL',
      });
      expect(await bootId()).toBe(before);
    });

    test('a plugin that asks for a reboot by its exit code runs again after it, and those before it do not', async () => {
      const before = await bootId();
      const plugin = (name: string, ...lines: readonly string[]) => ({
        name,
        action: 'aws:runShellScript',
        inputs: { runCommand: lines },
      });
      const ran = '/var/tmp/belay-ran';
      const document = {
        schemaVersion: '2.2',
        mainSteps: [
          plugin('One', `echo one >>${ran}`, 'exit 3'),
          plugin('Two', `echo two >>${ran}`, `[ "$(grep -c two ${ran})" = 2 ] || exit 194`),
          plugin('Three', `echo three >>${ran}`),
        ],
      };
      await sh(`rm -f ${ran}`);
      const inputs = { DocumentName: 'Update', InstanceIds: ['h1'] };
      const beside = { ...world, documents: { Update: JSON.stringify(document) } };
      const effect = effectOf(runCommand, inputs);
      if (effect.kind !== 'begun') throw new Error('a command is begun');
      await using context = await contextOf(beside, newToken());
      const begun = await effect.begin(inputs, null, context);
      const follow = async () => {
        // What an earlier runner has read is not known to the next one.
        const handle = structuredClone(begun);
        for (;;) {
          const ending = await effect.poll(handle, inputs, null, context);
          if (ending.kind !== 'pending') return { ending, handle };
          await delay(300);
        }
      };
      const first = await follow();
      expect(await sh(`cat ${ran}`)).toBe('one\ntwo\ntwo\nthree');
      const now = await bootId();
      expect(now).not.toBe(before);
      // The plugin before it had failed, and that counts beyond the reboot.
      expect(first.ending).toMatchObject({
        kind: 'failed',
        code: 'COMMAND_FAILED',
        message: expect.stringContaining('exit code 3'),
      });

      // A runner that comes later finds how far it came: nothing runs again, and nothing is rebooted.
      const later = await follow();
      expect(later.ending).toEqual(first.ending);
      expect(await sh(`cat ${ran}`)).toBe('one\ntwo\ntwo\nthree');
      expect(await bootId()).toBe(now);
      await effect.release?.(later.handle, inputs, context);
      // Hosts forget several at a time.
      const left = () => sh(`find /var/lib/belay -name '*${context.token}*'`);
      await expect.poll(left, { timeout: 60_000 }).toBe('');
    });

    test('a service that does not come back is named, with its last words', async () => {
      await sh(
        'mkdir -p /etc/systemd/system/writer.service.d; printf "[Service]\\nExecStartPre=/bin/sh -c \\"echo no licence; exit 3\\"\\n" >/etc/systemd/system/writer.service.d/50.conf; systemctl daemon-reload',
      );
      const done = await run(reboot, inputs, world);
      expect(done.ending).toMatchObject({
        kind: 'failed',
        code: 'SERVICE_FAILED',
        message: expect.stringMatching(/h1 .*every mount is at its path, and writer is failed.*no licence/),
      });
      await sh('rm /etc/systemd/system/writer.service.d/50.conf; systemctl daemon-reload');
    });

    test('a mount that is missing afterwards fails the step, and the service did not write below it', async () => {
      await sh(
        'rm /etc/systemd/system/multi-user.target.wants/srv-data.mount; mv /etc/systemd/system/srv-data.mount /root',
      );
      const broken = run(reboot, { ...inputs, Mounts: ['/srv/data'] }, world);
      const done = await broken;
      expect(done.ending).toMatchObject({
        kind: 'failed',
        code: 'MOUNT_MISSING',
        message: expect.stringMatching(/nothing is mounted at \/srv\/data\. writer was kept from starting/),
      });
      expect(await sh('systemctl is-active writer || true; ls /srv/data')).toBe('inactive');
      expect(await sh('systemctl start writer')).toContain('exit 1');

      // Mounted again, the same step goes on: nothing is rebooted a second time.
      const now = await bootId();
      await sh('mount /dev/xvdg /srv/data && systemctl start writer');
      const again = await carryOut(reboot, inputs, done.before, world);
      expect(again.ending).toMatchObject({ kind: 'done' });
      expect(await bootId()).toBe(now);
      expect(await sh(`ls ${dropIn} 2>&1 | tail -c 26`)).toBe('No such file or directory');
    });

    test('a host that does not come back in time is named with what was last heard', async () => {
      await sh('mv /root/srv-data.mount /etc/systemd/system/; systemctl daemon-reload');
      const before = await observe(reboot, { ...inputs, Mounts: ['/srv/data'] }, world);
      await lab.stop('h1');
      const effect = effectOf(reboot, inputs);
      if (effect.kind !== 'begun') throw new Error('a reboot is begun');
      await using context = await contextOf(world);
      const handle = { Token: context.token, begunAt: Date.now() - 60_000 };
      expect(await effect.poll(handle, inputs, before, context)).toMatchObject({
        kind: 'failed',
        code: 'HOST_NOT_BACK',
        message: expect.stringMatching(/h1 .*has not come back 60 s after the order to reboot: .+/),
      });
    });
  },
);
