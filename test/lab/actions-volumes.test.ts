/** The volume scripts and postgresql:check on a real host with real file systems, and the patch that they are made for. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readMounts } from '../../src/actions/ebs/mounts.ts';
import { quiesced } from '../../src/actions/ebs/quiesce.ts';
import { packageAction } from '../../src/actions/host/package.ts';
import { parseFields, refusal } from '../../src/actions/scripts/fields.ts';
import { freezeMounts, mountDisks, syncMounts, unmountMounts } from '../../src/actions/scripts/volume.ts';
import { service } from '../../src/actions/host/service.ts';
import { check } from '../../src/actions/postgresql/check.ts';
import type { Host, HostScript } from '../../src/transports/host.ts';
import { newToken, observe, run, undo, type World } from '../support/action-bed.ts';
import { contextOf } from '../support/action-context.ts';
import { Lab } from './hosts/lab.ts';
import { labHost } from './lab-host.ts';

const reason = Lab.unavailable();
const data = '/var/lib/postgresql';

describe.skipIf(reason)(
  `volumes and PostgreSQL on real hosts${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  { timeout: 120_000 },
  () => {
    let lab: Lab;
    let world: World;
    let h1: Host;
    let db1: Host;
    const signal = AbortSignal.timeout(300_000);
    const sh = async (host: string, text: string) => {
      const { stdout, stderr, code } = await lab.exec(host, text);
      return code === 0 ? stdout.trim() : `exit ${code}: ${stderr.trim()}`;
    };
    /** Runs a changing script to its end. */
    const carryOut = async (host: Host, script: HostScript) => {
      const token = newToken();
      let out = '';
      await host.start(token, script, { signal });
      const sink = {
        write: (stream: 'stdout' | 'stderr', chunk: Uint8Array) =>
          void (out += stream === 'stdout' ? Buffer.from(chunk).toString() : ''),
      };
      let next = { stdout: 0, stderr: 0 };
      for (;;) {
        const state = await host.poll(token, { from: next, sink, waitMs: 5_000, signal });
        if (state.kind === 'absent') throw new Error('it was started and is absent');
        next = state.next;
        if (state.kind !== 'running') return { state, fields: parseFields(out) };
      }
    };

    beforeAll(async () => {
      lab = await Lab.up({ hosts: ['h1', 'db1'] });
      h1 = labHost(lab, 'h1');
      db1 = labHost(lab, 'db1');
      world = { hosts: { h1, db1 } };
    }, 360_000);
    afterAll(async () => {
      await lab?.down();
    }, 60_000);

    test('says what is mounted where, on which disk, and who uses it', async () => {
      const everything = await readMounts(h1, [], { signal });
      expect(everything.find(({ mount }) => mount === '/srv/data')).toMatchObject({
        source: '/dev/xvdg',
        fstype: 'ext4',
        options: expect.stringContaining('rw'),
        disks: [{ node: '/dev/xvdg', serial: null }],
        users: '',
      });
      const [used] = await readMounts(db1, [data], { signal });
      expect(used).toMatchObject({
        disks: [{ node: '/dev/xvdf', serial: null }],
        users: expect.stringMatching(/^postgres \(\d+\)/),
      });
      await expect(readMounts(h1, ['/srv'], { signal })).rejects.toMatchObject({ code: 'NOT_MOUNTED' });
    });

    test('a frozen file system stands still until it is stopped, and thaws by itself when nobody comes', async () => {
      // A write to a frozen file system cannot even be killed: it is left to end by itself.
      const write = (name: string) =>
        sh(
          'h1',
          `setsid sh -c 'echo x >/srv/data/f && sync -f /srv/data && touch /run/${name}' >/dev/null 2>&1 </dev/null &`,
        );
      const isWritten = (name: string) => sh('h1', `test -e /run/${name} && echo yes || echo no`);
      await h1.read(syncMounts(['/srv/data']), { signal, timeoutMs: 10_000 });
      await using context = await contextOf(world);
      const { frozen } = await quiesced(h1, ['/srv/data'], 20, context, async () => {
        await write('during');
        await delay(700);
        expect(await isWritten('during')).toBe('no');
      });
      expect(frozen).toEqual(['/srv/data']);
      await expect.poll(() => isWritten('during'), { timeout: 5_000 }).toBe('yes');

      const { state, fields } = await carryOut(h1, freezeMounts(['1', '/srv/data']));
      expect(state).toMatchObject({ kind: 'exited', exitCode: 0 });
      expect(fields.all('thawed')).toEqual(['/srv/data']);
      await write('after');
      await expect.poll(() => isWritten('after'), { timeout: 5_000 }).toBe('yes');
    });

    test('a file system that holds system folders is never frozen', async () => {
      const { fields } = await carryOut(h1, freezeMounts(['1', '/run']));
      expect(fields.all('frozen')).toEqual([]);
      expect(fields.one('skipped')).toBe('/run system folders live on it');
    });

    test('a mount in use is not unmounted, and its users are named', async () => {
      const { state, fields } = await carryOut(db1, unmountMounts([data]));
      expect(state).toMatchObject({ kind: 'exited', exitCode: 1 });
      expect(refusal(fields)).toMatchObject({
        code: 'MOUNT_BUSY',
        text: expect.stringContaining('in use by postgres'),
      });
      expect(await sh('db1', 'systemctl is-active postgresql@15-main')).toBe('active');
    });

    test('unmounts and mounts again, by the unit where there is one and by the disk where there is none', async () => {
      const unmounted = await carryOut(h1, unmountMounts(['/srv/data']));
      expect(unmounted.fields.all('unmounted')).toEqual(['/srv/data']);
      expect(await sh('h1', 'mountpoint -q /srv/data || echo gone')).toBe('gone');
      expect((await carryOut(h1, unmountMounts(['/srv/data']))).state).toMatchObject({ exitCode: 0 });

      const byUnit = await carryOut(h1, mountDisks(['/srv/data', 'ext4', 'rw,relatime', '/dev/xvdg', '-']));
      expect(byUnit.state).toMatchObject({ exitCode: 0 });
      expect(await sh('h1', 'systemctl is-active srv-data.mount')).toBe('active');

      await sh('h1', 'umount /srv/data; mkdir -p /mnt/elsewhere');
      const byDisk = await carryOut(
        h1,
        mountDisks(['/mnt/elsewhere', 'ext4', 'rw,noatime', '/dev/xvdg', '-']),
      );
      expect(byDisk.state).toMatchObject({ exitCode: 0 });
      expect(await sh('h1', 'findmnt -n -o SOURCE,OPTIONS /mnt/elsewhere')).toMatch(/xvdg.*noatime/);
      await sh('h1', 'umount /mnt/elsewhere; systemctl start srv-data.mount');
    });

    test('a real patch is verified by the server itself, and undone offline with the data sound', async () => {
      const versions = await lab.postgresqlVersions();
      const Names = ['postgresql-15', 'postgresql-client-15', 'libpq5'];
      const upstream = (version: string) => version.split('-')[0] ?? version;
      await sh(
        'db1',
        `runuser -u postgres -- psql -qc "create table t as select g as id, md5(g::text) as v from generate_series(1, 20000) g"`,
      );
      const Canary = { Table: 't' };
      const first = await run(check, { Host: 'db1', Canary, Expect: { InRecovery: false } }, world);
      expect(first.ending).toMatchObject({
        kind: 'done',
        outputs: {
          ServerVersion: upstream(versions.old),
          InRecovery: false,
          Intact: null,
          Answer: expect.stringMatching(/^20000 [0-9a-f]{32}$/),
        },
      });
      const compared = { ...Canary, Equals: first.ending.outputs?.['Answer'] ?? null };

      const stopped = await run(
        service,
        { Host: 'db1', Name: 'postgresql@15-main', State: 'stopped' },
        world,
      );
      expect(stopped.ending).toMatchObject({ kind: 'done', changes: [{ from: 'active', to: 'inactive' }] });
      const silent = await run(check, { Host: 'db1', Canary: compared }, world);
      expect(silent.ending).toMatchObject({
        kind: 'failed',
        code: 'NOT_ANSWERING',
        outputs: { Intact: null },
      });

      if (versions.old !== versions.new) {
        await lab.publish('db1', 'new');
        const inputs = { Host: 'db1', Names, Version: `${upstream(versions.new)}*` };
        const patched = await run(packageAction, inputs, world);
        expect(patched.ending).toMatchObject({
          kind: 'done',
          outputs: { Version: versions.new },
          changes: Names.map((subject) => ({ target: 'db1', subject, from: versions.old, to: versions.new })),
        });
        await run(service, { Host: 'db1', Name: 'postgresql@15-main', State: 'started' }, world);
        const verified = await run(
          check,
          { Host: 'db1', WaitSeconds: 30, Expect: { ServerVersion: versions.new }, Canary: compared },
          world,
        );
        expect(verified.ending).toMatchObject({
          kind: 'done',
          outputs: { Intact: true, ServerVersion: upstream(versions.new) },
        });
        await sh(
          'db1',
          'systemctl stop postgresql@15-main; mkdir -p /run/empty && mount --bind /run/empty /srv/repo',
        );
        expect(await undo(packageAction, patched, world)).toMatchObject({ kind: 'done' });
        expect(await observe(packageAction, inputs, world)).toEqual(patched.before);
      }
      await undo(service, stopped, world);
      const back = await run(
        check,
        { Host: 'db1', WaitSeconds: 30, Expect: { ServerVersion: versions.old }, Canary: compared },
        world,
      );
      expect(back.ending).toMatchObject({ kind: 'done', outputs: { Intact: true } });
      await sh('db1', `runuser -u postgres -- psql -qc "delete from t where id % 2 = 0"`);
      const hurt = await run(check, { Host: 'db1', Canary: compared }, world);
      expect(hurt.ending).toMatchObject({
        kind: 'failed',
        code: 'DATA_MISMATCH',
        outputs: { Intact: false },
      });
      await sh('db1', `runuser -u postgres -- psql -qc "drop table t"`);
      const gone = await run(check, { Host: 'db1', Canary: compared }, world);
      expect(gone.ending).toMatchObject({
        kind: 'failed',
        code: 'DATA_MISMATCH',
        message: expect.stringContaining('42P01'),
      });
    }, 120_000);

    test('a canary query cannot change what it judges', async () => {
      const writing = await run(check, { Host: 'db1', Canary: { Query: 'create table u (i int)' } }, world);
      expect(writing.ending).toMatchObject({
        kind: 'failed',
        code: 'QUERY_FAILED',
        message: expect.stringContaining('read-only'),
      });
    });

    test('hosts without PostgreSQL, and users that are not there, are named', async () => {
      await expect(run(check, { Host: 'h1' }, world)).rejects.toMatchObject({ code: 'NO_POSTGRESQL' });
      await expect(run(check, { Host: 'db1', User: 'nobodyhere' }, world)).rejects.toMatchObject({
        code: 'NO_SUCH_USER',
      });
    });
  },
);
