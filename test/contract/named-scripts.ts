/**
 * What a host must do with the scripts that Belay wrote itself: real hosts run their texts, the sandbox models them by
 * name. One suite for both keeps the model honest.
 */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { observeFile, restoreFile, setFile } from '../../src/actions/scripts/file.ts';
import { installPackages, observePackages, restorePackages } from '../../src/actions/scripts/package.ts';
import { observeService, setService } from '../../src/actions/scripts/service.ts';
import {
  freezeMounts,
  listMounts,
  mountDisks,
  syncMounts,
  unmountMounts,
} from '../../src/actions/scripts/volume.ts';
import type { Host } from '../../src/transports/host.ts';
import { probesContract } from './probes.ts';
import { scriptRunner } from './script-runner.ts';

export interface HostUnderTest {
  /**
   * A Debian host with /etc, without the package belay-demo, and with a file system on a disk of its own at /srv/data
   * by a mount unit. belay-demo brings a unit of the same name, which its scripts enable and start.
   */
  readonly host: Host;
  /** What its repository offers of belay-demo: 1.0 | and 1.1 | and 1.2, whose script fails. */
  publish(state: 'old' | 'new' | 'broken'): Promise<void>;
  close(): Promise<void>;
}

const forgetful = { write: () => undefined };

export function namedScriptsContract(name: string, factory: () => Promise<HostUnderTest>): void {
  // A package manager on a busy machine takes its time.
  describe(`${name} does what Belay's own scripts say`, { timeout: 180_000 }, () => {
    let subject: HostUnderTest;
    beforeAll(async () => {
      subject = await factory();
    }, 360_000);
    afterAll(async () => {
      await subject?.close();
    }, 60_000);

    let count = 0;
    const newKey = () => `contract-${(count += 1)}`;
    const signal = AbortSignal.timeout(600_000);
    const { read, run, ending, until } = scriptRunner(() => subject.host, signal);
    const install = (version: string, key = newKey(), allowNoUndo = 'no') =>
      run(installPackages([key, allowNoUndo, version, 'belay-demo']));
    const demo = async () => (await read(observePackages(['belay-demo']))).one('package');
    const unit = async (which = 'belay-demo') => {
      const fields = await read(observeService([which]));
      return `${fields.one('ActiveState')} ${fields.one('UnitFileState')}`;
    };

    describe('package', () => {
      it('reports what is absent, installs it with its unit, and takes it back', async () => {
        await subject.publish('old');
        expect(await demo()).toBe('belay-demo - absent free');
        const key = newKey();
        const done = await install('1.*', key);
        expect(done.exitCode).toBe(0);
        expect(done.fields.all('change')).toEqual(['belay-demo - 1.0']);
        expect(done.fields.all('version')).toEqual(['belay-demo 1.0']);
        expect(done.fields.one('manager')).toBe('apt');
        expect(await demo()).toBe('belay-demo 1.0 installed free');
        expect(await unit()).toBe('active enabled');

        const undone = await run(restorePackages([key, 'belay-demo', '-', 'free']));
        expect(undone).toMatchObject({ exitCode: 0 });
        expect(undone.fields.all('change')).toEqual(['belay-demo 1.0 -']);
        expect(await demo()).toBe('belay-demo - absent free');
      });

      it('stages what it will install: found, fetched, its predecessor kept, nothing installed', async () => {
        await subject.publish('old');
        await install('1.0');
        await subject.publish('new');
        const staged = await install('1.*', newKey(), 'stage-no');
        expect(staged.exitCode).toBe(0);
        expect(staged.fields.all('version')).toEqual(['belay-demo 1.1']);
        expect(staged.fields.all('change')).toEqual([]);
        expect(await demo()).toBe('belay-demo 1.0 installed free');
        expect((await install('9.9', newKey(), 'stage-no')).fields.one('failed')).toMatch(
          /^NO_SUCH_VERSION /,
        );
        const same = await install('1.0', newKey(), 'stage-no');
        expect(same.fields.all('version')).toEqual(['belay-demo 1.0']);
      });

      it('upgrades, changes nothing a second time, and goes back', async () => {
        await subject.publish('old');
        await install('1.0');
        await subject.publish('new');
        const key = newKey();
        const done = await install('latest', key);
        expect(done.fields.all('change')).toEqual(['belay-demo 1.0 1.1']);
        const again = await install('1.1');
        expect(again).toMatchObject({ exitCode: 0 });
        expect(again.fields.all('change')).toEqual([]);
        expect(again.fields.all('version')).toEqual(['belay-demo 1.1']);

        const undone = await run(restorePackages([key, 'belay-demo', '1.0', 'free']));
        expect(undone.fields.all('change')).toEqual(['belay-demo 1.1 1.0']);
        expect(await demo()).toBe('belay-demo 1.0 installed free');
        const once = await run(restorePackages([key, 'belay-demo', '1.0', 'free']));
        expect(once).toMatchObject({ exitCode: 0 });
        expect(once.fields.all('change')).toEqual([]);
      });

      it('starts the unit with the new files although it was stopped, when its scripts do', async () => {
        await subject.publish('new');
        await run(setService(['belay-demo', 'stopped', '-']));
        const key = newKey();
        await install('1.1', key);
        expect(await unit()).toBe('active enabled');
        await run(restorePackages([key, 'belay-demo', '1.0', 'free']));
      });

      it('fails with INSTALL_FAILED when a script of it fails, and is healed by going back', async () => {
        await subject.publish('broken');
        const key = newKey();
        const done = await install('1.2', key);
        expect(done.exitCode).toBe(1);
        expect(done.fields.one('failed')).toMatch(/^INSTALL_FAILED .*belay-demo/);
        expect(done.fields.all('change')).toEqual(['belay-demo 1.0 1.2']);
        expect(await demo()).toBe('belay-demo 1.2 broken free');
        const undone = await run(restorePackages([key, 'belay-demo', '1.0', 'free']));
        expect(undone.fields.all('change')).toEqual(['belay-demo 1.2 1.0']);
        expect(await demo()).toBe('belay-demo 1.0 installed free');
        expect(await unit()).toBe('active enabled');
      });

      it.each(['9.9', '1.0?'])('refuses the version %s, which nobody has', async (version) => {
        await subject.publish('new');
        const done = await install(version);
        expect(done.exitCode).toBe(1);
        expect(done.fields.one('failed')).toMatch(/^NO_SUCH_VERSION .*1\.1/);
        expect(await demo()).toBe('belay-demo 1.0 installed free');
      });

      it('refuses a package that no repository has', async () => {
        const done = await run(installPackages([newKey(), 'no', 'latest', 'nosuchpackage']));
        expect(done.fields.one('failed')).toMatch(/^NO_SUCH_VERSION .*nosuchpackage/);
      });
    });

    describe('service', () => {
      beforeAll(async () => {
        await subject.publish('old');
        await install('1.0');
      });

      it('is described, and an unknown one is not found', async () => {
        const fields = await read(observeService(['belay-demo']));
        expect(
          ['LoadState', 'ActiveState', 'SubState', 'UnitFileState', 'Type'].map((key) => fields.one(key)),
        ).toEqual(['loaded', 'active', 'running', 'enabled', 'simple']);
        const unknown = await read(observeService(['nosuch']));
        expect(['LoadState', 'ActiveState', 'UnitFileState'].map((key) => unknown.one(key))).toEqual([
          'not-found',
          'inactive',
          '',
        ]);
      });

      it('stops and starts, saying how it was and is', async () => {
        const stopped = await run(setService(['belay-demo', 'stopped', '-']));
        expect(stopped.exitCode).toBe(0);
        expect(stopped.fields.all('was')).toEqual(['active enabled']);
        expect(stopped.fields.all('is')).toEqual(['inactive enabled']);
        const again = await run(setService(['belay-demo', 'stopped', '-']));
        expect(again.fields.all('was')).toEqual(['inactive enabled']);
        const started = await run(setService(['belay-demo.service', 'started', '-']));
        expect(started.fields.all('is')).toEqual(['active enabled']);
        expect((await run(setService(['belay-demo', 'restarted', '-']))).fields.all('is')).toEqual([
          'active enabled',
        ]);
      });

      it('is disabled and enabled without being stopped', async () => {
        expect((await run(setService(['belay-demo', '-', 'disabled']))).fields.all('is')).toEqual([
          'active disabled',
        ]);
        expect((await run(setService(['belay-demo', '-', 'enabled']))).fields.all('is')).toEqual([
          'active enabled',
        ]);
      });

      it.each([
        ['nosuch', 'started', 'UNIT_NOT_FOUND'],
        ['belay-demo', 'reloaded', 'RELOAD_NOT_SUPPORTED'],
      ])('%s is not %s: %s', async (which, state, code) => {
        const done = await run(setService([which, state, '-']));
        expect(done.exitCode).toBe(1);
        expect(done.fields.one('failed')).toMatch(new RegExp(`^${code} .*${which}`));
      });
    });

    describe('file', () => {
      const path = '/etc/belay-contract.conf';
      const bytes = (text: string) => new TextEncoder().encode(text);
      const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
      const set = (text: string, previous: string, key = newKey(), at = path) =>
        run(setFile([key, at, 'present', '-', '-', '-', previous, '-', '-'], bytes(text)));

      it('is made, described, replaced, and put back with owner and mode', async () => {
        expect((await read(observeFile([path]))).one('kind')).toBe('absent');
        const made = await run(
          setFile([newKey(), path, 'present', 'root', 'root', '0640', '-', '-', '-'], bytes('one\n')),
        );
        expect(made.fields.all('was')).toEqual(['absent - - - -']);
        expect(made.fields.all('is')).toEqual([`file ${sha256('one\n')} root root 0640`]);
        const seen = await read(observeFile([path]));
        expect(['kind', 'sha256', 'size', 'mode', 'owner', 'group'].map((key) => seen.one(key))).toEqual([
          'file',
          sha256('one\n'),
          '4',
          '0640',
          'root',
          'root',
        ]);

        const key = newKey();
        const replaced = await set('two\n', sha256('one\n'), key);
        expect(replaced.fields.all('is')).toEqual([`file ${sha256('two\n')} root root 0640`]);
        const undone = await run(
          restoreFile([key, path, 'file', sha256('one\n'), 'root', 'root', '0640', '-', '-', '-']),
        );
        expect(undone.fields.all('is')).toEqual([`file ${sha256('one\n')} root root 0640`]);
      });

      it('is not replaced when it is no longer what was looked at', async () => {
        const done = await set('three\n', sha256('something else'));
        expect(done.fields.one('failed')).toMatch(/^CHANGED_MEANWHILE /);
        expect((await read(observeFile([path]))).one('sha256')).toBe(sha256('one\n'));
      });

      it('is not put back without what was kept', async () => {
        const done = await run(
          restoreFile([newKey(), path, 'file', sha256('lost'), 'root', 'root', '0640', '-', '-', '-']),
        );
        expect(done.fields.one('failed')).toMatch(/^BACKUP_MISSING /);
      });

      it('is removed, and removing it is undone from what was kept', async () => {
        const key = newKey();
        const gone = await run(
          setFile([key, path, 'absent', '-', '-', '-', sha256('one\n'), '-', '-'], bytes('')),
        );
        expect(gone.fields.all('is')).toEqual(['absent - - - -']);
        await run(restoreFile([key, path, 'file', sha256('one\n'), 'root', 'root', '0640', '-', '-', '-']));
        expect((await read(observeFile([path]))).one('sha256')).toBe(sha256('one\n'));
      });

      it.each([
        ['/etc', 'NOT_A_FILE'],
        ['/etc/no-such-folder/file', 'NO_SUCH_FOLDER'],
      ])('%s is refused: %s', async (at, code) => {
        expect((await set('x', '-', newKey(), at)).fields.one('failed')).toMatch(new RegExp(`^${code} `));
      });

      it('belongs to nobody that the host does not know', async () => {
        const args = [newKey(), path, 'present', 'no-such-user', '-', '-', sha256('one\n'), '-', '-'];
        const done = await run(setFile(args, bytes('x')));
        expect(done.fields.one('failed')).toMatch(/^NO_SUCH_OWNER /);
        expect((await read(observeFile([path]))).one('sha256')).toBe(sha256('one\n'));
      });

      it('tells a unit that runs of a change, and only of a change', async () => {
        const args = (key: string) => [key, path, 'present', '-', '-', '-', '-', 'belay-demo', 'restarted'];
        const changed = await run(setFile(args(newKey()), bytes('told\n')));
        expect(changed.fields.all('unit')).toEqual(['active']);
        const same = await run(setFile(args(newKey()), bytes('told\n')));
        expect(same.fields.all('unit')).toEqual([]);
      });
    });

    describe('volume', () => {
      const marker = '/srv/data/belay-contract';
      const mark = () =>
        run(setFile([newKey(), marker, 'present', '-', '-', '-', '-', '-', '-'], Buffer.from('here\n')));
      const kind = async () => (await read(observeFile([marker]))).one('kind');

      it('is found by its mount point, with its file system and its disk', async () => {
        const fields = await read(listMounts(['/srv/data']));
        expect(fields.rows('mount')).toEqual([
          ['/srv/data', '/dev/xvdg', 'ext4', expect.stringMatching(/^rw,/)],
        ]);
        expect(fields.all('disk')).toEqual(['/srv/data /dev/xvdg -']);
        expect((await read(listMounts([]))).all('disk')).toContain('/srv/data /dev/xvdg -');
        expect((await read(listMounts(['/etc']))).one('failed')).toMatch(/^NOT_MOUNTED /);
        expect((await read(syncMounts(['/srv/data']))).all('synced')).toEqual(['/srv/data']);
      });

      it('is frozen until it is told to thaw, and not twice', async () => {
        const token = `contract-${process.pid}-freeze`;
        await subject.host.start(token, freezeMounts(['300', '/srv/data', '/var']), { signal });
        const ready = await until(token, 'ready');
        expect(ready.all('frozen')).toEqual(['/srv/data']);
        expect(ready.one('skipped')).toMatch(/^\/var /);
        const second = await run(freezeMounts(['300', '/srv/data']));
        expect(second.exitCode).toBe(1);
        expect(second.fields.one('failed')).toMatch(/^FREEZE_FAILED /);
        await subject.host.stop(token, { signal });
        const { state, fields } = await ending(token);
        expect(state).toMatchObject({ kind: 'exited', exitCode: 143 });
        expect(fields.all('thawed')).toEqual(['/srv/data']);
        await subject.host.forget(token, { signal });
        await mark();
        expect(await kind()).toBe('file');
      });

      it('thaws by itself when its time is up', async () => {
        const done = await run(freezeMounts(['1', '/srv/data']));
        expect(done.exitCode).toBe(0);
        expect(done.fields.all('thawed')).toEqual(['/srv/data']);
      });

      it('is among all that is mounted from a disk, which is told without asking for anything', async () => {
        const all = await read(listMounts([]));
        expect(all.all('mount').filter((line) => line.startsWith('/srv/data '))).toEqual([
          expect.stringMatching(/^\/srv\/data \/dev\/xvdg ext4 rw/),
        ]);
        expect(all.rows('disk').filter(([mount]) => mount === '/srv/data')).toEqual([
          ['/srv/data', '/dev/xvdg', '-'],
        ]);
      });

      it('is unmounted with what lies on it, and mounted again as its unit says', async () => {
        await mark();
        for (const round of ['first', 'again']) {
          const gone = await run(unmountMounts(['/srv/data']));
          expect(gone, round).toMatchObject({ exitCode: 0 });
          expect(gone.fields.all('unmounted')).toEqual(['/srv/data']);
        }
        expect((await read(listMounts(['/srv/data']))).one('failed')).toMatch(/^NOT_MOUNTED /);
        expect(await kind()).toBe('absent');
        for (const round of ['first', 'again']) {
          const back = await run(mountDisks(['/srv/data', 'ext4', 'rw', '/dev/xvdg', '-']));
          expect(back, round).toMatchObject({ exitCode: 0 });
          expect(back.fields.all('mounted')).toEqual(['/srv/data']);
        }
        expect(await kind()).toBe('file');
        expect(await unit('srv-data.mount')).toBe('active enabled');
      });

      it('is mounted where no unit says how, by the disk that is named', async () => {
        await run(unmountMounts(['/srv/data']));
        const other = await run(mountDisks(['/srv', 'ext4', 'rw', '/dev/xvdg', '-']));
        expect(other.fields.all('mounted')).toEqual(['/srv']);
        expect((await read(observeFile(['/srv/belay-contract']))).one('kind')).toBe('file');
        await run(unmountMounts(['/srv']));
        await run(mountDisks(['/srv/data', 'ext4', 'rw', '/dev/xvdg', '-']));
        expect(await kind()).toBe('file');
      });
    });

    probesContract(() => ({
      host: subject.host,
      install: async (version) => {
        await subject.publish('old');
        await install(version);
      },
      write: (path, content, mode) =>
        run(setFile([newKey(), path, 'present', 'root', 'root', mode, '-', '-', '-'], Buffer.from(content))),
    }));

    describe('a command under a token', () => {
      it('begins once, is found again, and is unknown after it was forgotten', async () => {
        const token = `contract-${process.pid}-once`;
        const poll = () =>
          subject.host.poll(token, { from: { stdout: 0, stderr: 0 }, sink: forgetful, waitMs: 0, signal });
        expect(await poll()).toEqual({ kind: 'absent' });
        await subject.host.start(token, setService(['belay-demo', 'stopped', '-']), { signal });
        await subject.host.start(token, setService(['belay-demo', 'started', '-']), { signal });
        const { state, fields } = await ending(token);
        expect(state).toMatchObject({ kind: 'exited', exitCode: 0 });
        expect(fields.all('is')).toEqual(['inactive enabled']);
        await subject.host.forget(token, { signal });
        expect(await poll()).toEqual({ kind: 'absent' });
        await run(setService(['belay-demo', 'started', '-']));
      });

      it('that was stopped before it began comes to nothing', async () => {
        const token = `contract-${process.pid}-closed`;
        await subject.host.stop(token, { signal });
        await subject.host.start(token, setService(['belay-demo', 'stopped', '-']), { signal });
        expect((await ending(token)).state.kind).toBe('vanished');
        expect(await unit()).toBe('active enabled');
        await subject.host.forget(token, { signal });
      });
    });
  });
}
