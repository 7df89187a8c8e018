/**
 * What a Debian host with PostgreSQL does with Belay's own scripts: the facts that a patch depends on. Real hosts and
 * the sandbox run the same suite.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installPackages, observePackages, restorePackages } from '../../src/actions/scripts/package.ts';
import { checkPostgresql } from '../../src/actions/scripts/postgresql.ts';
import { observeService, setService } from '../../src/actions/scripts/service.ts';
import { listMounts, mountDisks, unmountMounts } from '../../src/actions/scripts/volume.ts';
import type { Host } from '../../src/transports/host.ts';
import { scriptRunner } from './script-runner.ts';

export interface DatabaseHostUnderTest {
  /** Debian 12 with the cluster 15/main, its data on /dev/xvdf at /var/lib/postgresql, mounted by a unit that it requires. */
  readonly host: Host;
  /** Package versions: the installed one, and the one that its repository offers beside it. */
  readonly versions: { readonly old: string; readonly new: string };
  close(): Promise<void>;
}

const cluster = 'postgresql@15-main';
const names = ['libpq5', 'postgresql-15', 'postgresql-client-15'];

export function databaseScriptsContract(name: string, factory: () => Promise<DatabaseHostUnderTest>): void {
  // A package manager on a busy machine takes its time.
  describe(`${name} with PostgreSQL does what Belay's own scripts say`, { timeout: 180_000 }, () => {
    let subject: DatabaseHostUnderTest;
    beforeAll(async () => {
      subject = await factory();
    }, 360_000);
    afterAll(async () => {
      await subject?.close();
    }, 60_000);

    const { read, run } = scriptRunner(() => subject.host, AbortSignal.timeout(600_000));
    const ask = (query = '', database = 'postgres') =>
      read(checkPostgresql(['postgres', '-', database, '60'], new TextEncoder().encode(query)));
    const unit = async (which: string) => {
      const fields = await read(observeService([which]));
      return ['ActiveState', 'SubState', 'UnitFileState', 'Type'].map((key) => fields.one(key)).join(' ');
    };
    const upstream = (version: string) => version.split('-')[0];
    const said = (version: string) => `${upstream(version)} (Debian ${version})`;

    it('has a cluster that a generator enables, a wrapper that only exits, and a mount', async () => {
      await run(setService(['postgresql', 'started', '-']));
      await run(setService([cluster, 'started', '-']));
      expect(await unit(cluster)).toBe('active running enabled-runtime forking');
      expect(await unit('postgresql')).toBe('active exited enabled oneshot');
      expect(await unit('var-lib-postgresql.mount')).toBe('active mounted enabled ext4');
    });

    it('says what the server answers', async () => {
      const fields = await ask('select 1');
      expect(fields.one('ready')).toBe('0');
      expect(fields.one('version')).toBe(said(subject.versions.old));
      expect(fields.one('recovery')).toBe('f');
      expect(Buffer.from(fields.one('answer') ?? '', 'base64').toString()).toBe('1\n');
      const databases = await ask('select count(*) from pg_database');
      expect(Buffer.from(databases.one('answer') ?? '', 'base64').toString()).toBe('3\n');
      expect((await ask('select count(*) from nosuch')).one('queryError')).toMatch(
        /ERROR: {2}42P01: relation "nosuch" does not exist/,
      );
      const elsewhere = await ask('select 1', 'nosuch');
      expect([elsewhere.one('ready'), elsewhere.one('version')]).toEqual(['0', undefined]);
    });

    it('answers nothing when the cluster is stopped, by its own unit or by the wrapper', async () => {
      for (const which of [cluster, 'postgresql']) {
        await run(setService([cluster, 'started', '-']));
        await run(setService(['postgresql', 'started', '-']));
        await run(setService([which, 'stopped', '-']));
        await expect.poll(async () => (await ask()).one('ready'), { timeout: 10_000 }).toBe('2');
      }
      await run(setService(['postgresql', 'started', '-']));
      await run(setService([cluster, 'started', '-']));
      expect((await ask()).one('ready')).toBe('0');
    });

    it('enables a generated unit for good, and falls back to the generator', async () => {
      expect((await run(setService([cluster, '-', 'enabled']))).fields.one('is')).toBe('active enabled');
      expect((await run(setService([cluster, '-', 'disabled']))).fields.one('is')).toBe(
        'active enabled-runtime',
      );
    });

    it('upgrades what belongs together, starts a stopped cluster by that, and goes back', async () => {
      const { versions } = subject;
      await run(setService([cluster, 'stopped', '-']));
      const done = await run(installPackages(['pg-1', 'no', versions.new, 'postgresql-15']));
      expect(done.fields.all('change').toSorted()).toEqual(
        names.map((each) => `${each} ${versions.old} ${versions.new}`),
      );
      expect(await unit(cluster)).toBe('active running enabled-runtime forking');
      expect((await ask()).one('version')).toBe(said(versions.new));
      const apart = await run(installPackages(['pg-2', 'no', versions.old, 'libpq5']));
      expect(apart.fields.one('failed')).toMatch(/^WOULD_REMOVE .*postgresql-15/);
      const undone = await run(restorePackages(['pg-1', 'postgresql-15', versions.old, 'free']));
      expect(undone.fields.all('change').toSorted()).toEqual(
        names.map((each) => `${each} ${versions.new} ${versions.old}`),
      );
      expect((await ask()).one('version')).toBe(said(versions.old));
      expect((await read(observePackages(names))).all('package')).toEqual(
        names.map((each) => `${each} ${versions.old} installed free`),
      );
    });

    it('shows who uses the data, and is not unmounted before they have stopped', async () => {
      const fields = await read(listMounts(['/var/lib/postgresql']));
      expect(fields.one('disk')).toBe('/var/lib/postgresql /dev/xvdf -');
      expect(fields.one('busy')).toMatch(/^\/var\/lib\/postgresql postgres \(\d+\)/);
      const busy = await run(unmountMounts(['/var/lib/postgresql']));
      expect(busy.exitCode).toBe(1);
      expect(busy.fields.one('failed')).toMatch(/^MOUNT_BUSY .* in use by postgres \(\d+\)/);
      expect((await ask()).one('ready')).toBe('0');

      await run(setService([cluster, 'stopped', '-']));
      expect((await read(listMounts(['/var/lib/postgresql']))).one('busy')).toBeUndefined();
      expect((await run(unmountMounts(['/var/lib/postgresql']))).exitCode).toBe(0);
      expect(await unit('var-lib-postgresql.mount')).toBe('inactive dead enabled ext4');
      await run(mountDisks(['/var/lib/postgresql', 'ext4', 'rw', '/dev/xvdf', '-']));
      expect(await unit(cluster)).toBe('inactive dead enabled-runtime forking');
      await run(setService([cluster, 'started', '-']));
      expect((await ask()).one('version')).toBe(said(subject.versions.old));
    });

    it('loses its mount, and the cluster that requires it, when the mount unit is stopped', async () => {
      await run(setService(['var-lib-postgresql.mount', 'stopped', '-']));
      expect(await unit(cluster)).toBe('inactive dead enabled-runtime forking');
      await run(setService([cluster, 'started', '-']));
      expect((await ask()).one('ready')).toBe('0');
    });

    it('starts the mount with the cluster that requires it', async () => {
      await run(setService([cluster, 'stopped', '-']));
      await run(unmountMounts(['/var/lib/postgresql']));
      await run(setService([cluster, 'started', '-']));
      expect((await read(listMounts(['/var/lib/postgresql']))).one('mount')).toContain('/dev/xvdf ext4');
    });
  });
}
