/** What package managers get up to: dependencies, holds, conflicts, lost old versions, and being stopped half-way. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageAction } from '../../src/actions/host/package.ts';
import type { Json, JsonObject } from '../../src/json.ts';
import { effectOf, newToken, observe, run, undo, type World } from '../support/action-bed.ts';
import { contextOf } from '../support/action-context.ts';
import { Lab } from './hosts/lab.ts';
import { labHost } from './lab-host.ts';

const reason = Lab.unavailable();

/** A repository of its own beside the lab's, made of what stands here: name, version and further control lines. */
const extras: readonly {
  readonly name: string;
  readonly version: string;
  readonly control: string;
  readonly postinst?: string;
}[] = [
  { name: 'belay-extra', version: '1.0', control: 'Depends: belay-demo (>= 1.1)' },
  { name: 'belay-rival', version: '1.0', control: 'Conflicts: belay-demo' },
  { name: 'belay-slow', version: '1.0', control: '' },
  { name: 'belay-slow', version: '2.0', control: '', postinst: 'sleep 60' },
];

const repositoryScript = `
set -e
rm -rf /srv/extra && mkdir -p /srv/extra && cd /srv/extra
add() {
  t=$(mktemp -d); chmod 755 "$t"; mkdir "$t/DEBIAN"
  printf 'Package: %s\\nVersion: %s\\nArchitecture: all\\nMaintainer: lab <lab@localhost>\\nDescription: a package of a test\\n%s' "$1" "$2" "\${3:+$3\\n}" | sed 's/\\\\n/\\n/' >"$t/DEBIAN/control"
  if [ -n "$4" ]; then printf '#!/bin/sh\\n%s\\n' "$4" >"$t/DEBIAN/postinst"; chmod 755 "$t/DEBIAN/postinst"; fi
  f=$1_$2_all.deb
  dpkg-deb --root-owner-group -Zgzip -b "$t" "$f" >/dev/null
  { cat "$t/DEBIAN/control"; printf 'Filename: ./%s\\nSize: %s\\nSHA256: %s\\n\\n' "$f" "$(stat -c %s "$f")" "$(sha256sum "$f" | cut -d ' ' -f 1)"; } >>Packages
}
: >Packages
`;

describe.skipIf(reason)(
  `host:package against apt${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  { timeout: 120_000 },
  () => {
    let lab: Lab;
    let world: World;
    const sh = async (text: string) => {
      const { stdout, stderr, code } = await lab.exec('h1', text);
      return code === 0 ? stdout.trim() : `exit ${code}: ${stderr.trim()}`;
    };
    const version = (name: string) =>
      sh(`dpkg-query -W -f '\${Version} \${db:Status-Abbrev}' ${name} 2>/dev/null || echo absent`);
    const install = (Names: readonly string[], more: JsonObject = {}) =>
      run(packageAction, { Host: 'h1', Names, ...more }, world);

    beforeAll(async () => {
      lab = await Lab.up({ hosts: ['h1'] });
      world = { hosts: { h1: labHost(lab, 'h1') } };
      const adds = extras.map(
        ({ name, version, control, postinst }) =>
          `add '${name}' '${version}' '${control}' '${postinst ?? ''}'`,
      );
      const made = await lab.exec(
        'h1',
        `${repositoryScript}${adds.join('\n')}\necho 'deb [trusted=yes] file:/srv/extra ./' >/etc/apt/sources.list.d/extra.list`,
      );
      expect(made.stderr).toBe('');
      await lab.publish('h1', 'new');
      expect((await install(['belay-demo'], { Version: '1.0' })).ending).toMatchObject({ kind: 'done' });
    }, 360_000);
    afterAll(async () => {
      await lab?.down();
    }, 60_000);

    test('what an upgrade drags along is reported, and goes back with it', async () => {
      const done = await install(['belay-extra']);
      expect(done.ending.changes).toEqual([
        { target: 'h1', subject: 'belay-extra', from: null, to: '1.0' },
        { target: 'h1', subject: 'belay-demo', from: '1.0', to: '1.1' },
      ]);
      expect(await undo(packageAction, done, world, { knowing: 'nothing' })).toMatchObject({ kind: 'done' });
      expect([await version('belay-extra'), await version('belay-demo')]).toEqual(['absent', '1.0 ii']);
    });

    test('a package that drives out another is refused, and nothing is changed', async () => {
      const done = await install(['belay-rival']);
      expect(done.ending).toMatchObject({
        kind: 'failed',
        code: 'WOULD_REMOVE',
        message: expect.stringContaining('would remove belay-demo'),
      });
      expect([await version('belay-rival'), await version('belay-demo')]).toEqual(['absent', '1.0 ii']);
    });

    test('what an upgrade keeps for its undo outlives the next one, however old the repository says that it is', async () => {
      // apt gives what it downloads the mirror's time: what was published long ago is old in the moment in which it is kept.
      await sh(`
set -e
rm -rf /srv/web; mkdir /srv/web; cp -L /srv/repo/current/*.deb /srv/extra/*.deb /srv/web/; cd /srv/web
{ zcat -f /srv/repo/current/Packages*; echo; cat /srv/extra/Packages; } >Packages
touch -d '200 days ago' *.deb
systemd-run -q --unit mirror python3 -m http.server 8000 --bind 127.0.0.1 -d /srv/web
for i in $(seq 50); do curl -sf -o /dev/null http://127.0.0.1:8000/Packages && break; sleep 0.1; done
mkdir /run/lists; mv /etc/apt/sources.list /etc/apt/sources.list.d/* /run/lists/
echo 'deb [trusted=yes] http://127.0.0.1:8000/ ./' >/etc/apt/sources.list; rm -rf /var/lib/apt/lists/* /var/cache/belay
apt-get clean; apt-get -q update`);
      const first = await install(['belay-demo'], { Version: '1.1' });
      expect(first.ending).toMatchObject({ kind: 'done' });
      expect((await install(['belay-slow'], { Version: '1.0' })).ending).toMatchObject({ kind: 'done' });
      // A clock that is set right after a boot without one makes everything that is kept old as well.
      await sh('find /var/lib/belay -exec touch -d 2000-01-01 {} +');
      const other = await install(['belay-extra']);
      expect(other.ending).toMatchObject({ kind: 'done' });
      await sh('systemctl stop mirror; apt-get clean');
      expect(await undo(packageAction, other, world)).toMatchObject({ kind: 'done' });
      expect(await undo(packageAction, first, world)).toMatchObject({ kind: 'done' });
      expect(await version('belay-demo')).toBe('1.0 ii');
      await sh(
        'rm /etc/apt/sources.list; mv /run/lists/sources.list /etc/apt/; mv /run/lists/* /etc/apt/sources.list.d/; apt-get -q update',
      );
      expect(await sh('ls -d /var/lib/belay/packages/*.held 2>/dev/null | wc -l')).toBe('0');
    });

    test('a hold of the package itself is respected afterwards, a hold of another one is not overridden', async () => {
      await sh('apt-mark hold belay-demo');
      const dragged = await install(['belay-extra']);
      expect(dragged.ending).toMatchObject({
        kind: 'failed',
        message: expect.stringContaining('belay-demo'),
      });
      expect(await version('belay-demo')).toBe('1.0 hi');
      const named = await install(['belay-demo'], { Version: '1.1' });
      expect(named.ending).toMatchObject({ kind: 'done' });
      expect(await version('belay-demo')).toBe('1.1 hi');
      await undo(packageAction, named, world);
      expect(await version('belay-demo')).toBe('1.0 hi');
      await sh('apt-mark unhold belay-demo');
    });

    test('a version that could not be brought back is not replaced, unless that is accepted', async () => {
      await sh(
        'rm -rf /var/cache/belay /var/cache/apt/archives/*.deb; cp -rL /srv/repo /run/thin; find /run/thin -name "belay-demo_1.0*" -delete; mount --bind /run/thin /srv/repo',
      );
      const refused = await install(['belay-demo'], { Version: '1.1' });
      expect(refused.ending).toMatchObject({
        kind: 'failed',
        code: 'KEEP_FAILED',
        message: expect.stringMatching(/has it no more: .*AllowNoUndo/),
      });
      expect(await version('belay-demo')).toBe('1.0 ii');
      const accepted = await install(['belay-demo'], { Version: '1.1', AllowNoUndo: true });
      expect(accepted.ending).toMatchObject({ kind: 'done' });
      const stuck = await undo(packageAction, accepted, world);
      expect(stuck).toMatchObject({
        kind: 'failed',
        code: 'UNDO_FAILED',
        message: expect.stringMatching(/: belay-demo is 1\.1, was 1\.0; .*belay-demo_1\.0/),
      });
      await sh('umount /srv/repo');
      expect(await undo(packageAction, accepted, world)).toMatchObject({ kind: 'done' });
      expect(await version('belay-demo')).toBe('1.0 ii');
    });

    test('stopped in the middle of a maintainer script, it is put back whole', async () => {
      await install(['belay-slow'], { Version: '1.0' });
      const inputs = { Host: 'h1', Names: ['belay-slow'], Version: '2.0' };
      const before = await observe(packageAction, inputs, world);
      const effect = effectOf(packageAction, inputs);
      if (effect.kind !== 'begun') throw new Error('an installation is begun');
      const token = newToken();
      await using context = await contextOf(world, token);
      const handle: Json = await effect.begin(inputs, before, context);
      await expect.poll(() => version('belay-slow'), { timeout: 30_000 }).toMatch(/^2\.0 i[FU]/);
      await delay(300);
      await effect.stop?.(handle, inputs, context);
      expect(await sh('pgrep -c "^(apt-get|dpkg)" || true')).toBe('0');
      const stopped = {
        inputs,
        before,
        handle,
        token,
        logged: '',
        ending: { kind: 'failed', code: 'TIMED_OUT', message: '' },
      } as const;
      const began = Date.now();
      expect(await undo(packageAction, stopped, world)).toMatchObject({ kind: 'done' });
      expect(Date.now() - began, 'the slow script must not run once more').toBeLessThan(30_000);
      expect(await version('belay-slow')).toBe('1.0 ii');
      expect(await sh('dpkg --audit')).toBe('');
    });

    test('a second attempt does not take what the first one left for what was there before', async () => {
      await lab.publish('h1', 'broken');
      const inputs = { Host: 'h1', Names: ['belay-extra', 'belay-demo'], Version: '1.*' };
      const before = await observe(packageAction, inputs, world);
      const again = { ...packageAction, observe: async () => before };
      const first = await run(again, inputs, world);
      expect(first.ending).toMatchObject({ kind: 'failed', code: 'INSTALL_FAILED' });
      const second = await run(again, inputs, world);
      expect(second.ending).toMatchObject({ kind: 'failed' });
      expect(await undo(packageAction, second, world)).toMatchObject({ kind: 'done' });
      expect([await version('belay-extra'), await version('belay-demo')]).toEqual(['absent', '1.0 ii']);
    });
  },
);
