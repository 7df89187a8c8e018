/** Why a package was not changed: a lock on its version, and what kept its way back from being kept. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageAction } from '../../src/actions/host/package.ts';
import type { JsonObject } from '../../src/json.ts';
import { run, type World } from '../support/action-bed.ts';
import { Lab } from './hosts/lab.ts';
import { labHost } from './lab-host.ts';

const reason = Lab.unavailable();

describe.skipIf(reason)(
  `reasons of host:package${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  { timeout: 120_000 },
  () => {
    let lab: Lab;
    let world: World;
    const install = async (Host: string, more: JsonObject) =>
      (await run(packageAction, { Host, Names: ['belay-demo'], ...more }, world)).ending;
    beforeAll(async () => {
      lab = await Lab.up({ hosts: ['h1', 'r1'] });
      world = { hosts: { h1: labHost(lab, 'h1'), r1: labHost(lab, 'r1') } };
      await Promise.all([lab.publish('h1', 'new'), lab.publish('r1', 'new')]);
      await Promise.all([install('h1', { Version: '1.0' }), install('r1', { Version: '1.0-1' })]);
    }, 360_000);
    afterAll(() => lab?.down(), 60_000);

    test('under a versionlock the newest that is allowed is the latest, and another version is refused by the lock', async () => {
      await lab.exec(
        'r1',
        'mkdir -p /etc/dnf/plugins; echo "belay-demo-0:1.0-1.*" >/etc/dnf/plugins/versionlock.list',
      );
      const latest = await run(packageAction, { Host: 'r1', Names: ['belay-demo'] }, world);
      expect(latest.ending).toMatchObject({ kind: 'done', changes: [], outputs: { Version: '1.0-1' } });
      expect(JSON.stringify(latest.before)).toContain('held');
      expect(await install('r1', { Version: '1.1*' })).toMatchObject({
        kind: 'failed',
        code: 'VERSION_LOCKED',
        message: expect.stringContaining('versionlock says belay-demo-0:1.0-1.*; installed is 1.0-1'),
      });
      await lab.exec('r1', 'echo "!belay-demo-0:1.1-1.*" >/etc/dnf/plugins/versionlock.list');
      expect(await install('r1', {})).toMatchObject({
        kind: 'done',
        changes: [],
        outputs: { Version: '1.0-1' },
      });
      await lab.exec('r1', 'rm -f /etc/dnf/plugins/versionlock.list');
    });

    test('a disk that is full or a repository that does not answer is not a lack of a way back', async () => {
      await lab.exec(
        'h1',
        'apt-get clean; mkdir -p /var/lib/belay/packages; mount -t tmpfs -o size=4k tmpfs /var/lib/belay/packages; head -c 4096 /dev/zero >/var/lib/belay/packages/full',
      );
      expect(await install('h1', { Version: '1.1' })).toMatchObject({
        kind: 'failed',
        code: 'KEEP_FAILED',
        message: expect.stringMatching(
          /belay-demo 1\.0, installed now, could not be kept for the undo: .*No space left.*free space in the file system of/,
        ),
      });
      await lab.exec(
        'h1',
        'umount /var/lib/belay/packages; rm -rf /var/lib/belay/packages; mkdir /srv/mine && cp -rL /srv/repo/current/. /srv/mine/ && find /srv/mine -name "belay-demo_1.0_*.deb" -delete; sed -i "s#file:[^ ]*#file:/srv/mine#" $(grep -rl file: /etc/apt/sources.list /etc/apt/sources.list.d)',
      );
      const gone = await install('h1', { Version: '1.1' });
      expect(gone).toMatchObject({ kind: 'failed', code: 'KEEP_FAILED' });
      expect('message' in gone && gone.message).toMatch(
        /the repository lists it and has it no more: .*AllowNoUndo/s,
      );
    });

    test.for(['h1', 'r1'])(
      'which version is the newest is not known, and said so with the reason, on %s whose repository cannot be read',
      async (Host) => {
        await lab.exec(
          Host,
          'for f in $(grep -rlE "file:" /etc/apt/sources.list /etc/apt/sources.list.d /etc/yum.repos.d 2>/dev/null); do sed -i "s#file:[^ ]*#file:///srv/nowhere#" $f; done; rm -rf /var/cache/dnf /var/lib/apt/lists/*',
        );
        expect(await install(Host, {})).toMatchObject({
          kind: 'failed',
          code: 'LISTS_NOT_REFRESHED',
          message: expect.stringMatching(
            /which belay-demo is the newest is not known; .*could not be refreshed: (E:|Error).*; nothing was changed/s,
          ),
        });
      },
    );
  },
);
