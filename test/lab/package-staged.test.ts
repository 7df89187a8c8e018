/** src/actions/scripts/package-staged.ts: what one step of a run has fetched, a later one installs without any repository. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageAction } from '../../src/actions/host/package.ts';
import { run, undo, type World } from '../support/action-bed.ts';
import { Lab } from './hosts/lab.ts';
import { labHost } from './lab-host.ts';

const reason = Lab.unavailable();
const places = {
  h1: '/etc/apt/sources.list /etc/apt/sources.list.d /var/lib/apt/lists /var/cache/apt/archives /srv/repo',
  r1: '/etc/yum.repos.d /var/cache/dnf /srv/repo',
};
const cases = [
  { Host: 'h1', old: '1.0', version: '1.1' },
  { Host: 'r1', old: '1.0-1', version: '1.1-1' },
] as const;

describe.skipIf(reason)(
  `packages that were staged${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  { timeout: 120_000 },
  () => {
    let lab: Lab;
    let world: World;
    const away = (Host: keyof typeof places) =>
      lab.exec(Host, `for p in ${places[Host]}; do [ ! -e $p ] || mv -T $p $p.away; done`);
    const back = (Host: keyof typeof places) =>
      lab.exec(
        Host,
        `for p in ${places[Host]}; do [ ! -e $p.away ] || { rm -rf $p; mv -T $p.away $p; }; done`,
      );

    beforeAll(async () => {
      lab = await Lab.up({ hosts: ['h1', 'r1'] });
      world = { hosts: { h1: labHost(lab, 'h1'), r1: labHost(lab, 'r1') } };
      for (const { Host, old } of cases) {
        await lab.publish(Host, 'new');
        const { ending } = await run(packageAction, { Host, Names: ['belay-demo'], Version: old }, world);
        expect(ending).toMatchObject({ kind: 'done' });
      }
    }, 360_000);
    afterAll(() => lab?.down(), 60_000);

    test.for(cases)(
      'are installed on $Host though no repository is there any more, and go back again',
      async ({ Host, old, version }) => {
        const mine = { ...world, executionId: `01STAGED${Host}` };
        const ask = { Host, Names: ['belay-demo'] };
        const staged = await run(packageAction, { ...ask, Version: '1.1*', State: 'staged' }, mine);
        expect(staged.ending, staged.logged).toMatchObject({ kind: 'done', outputs: { Version: version } });
        await away(Host);
        const done = await run(packageAction, { ...ask, Version: version }, mine);
        expect(done.ending, done.logged).toMatchObject({
          kind: 'done',
          changes: [{ target: Host, subject: 'belay-demo', from: old, to: version }],
        });
        expect(await undo(packageAction, done, mine, { knowing: 'nothing' })).toMatchObject({ kind: 'done' });
        await back(Host);
        const now = await run(packageAction, { ...ask, Version: old }, mine);
        expect(now.ending, now.logged).toMatchObject({ kind: 'done', changes: [] });
      },
    );

    test.for(cases)(
      'are no longer what is meant on $Host when another version has come meanwhile: then the repository is asked',
      async ({ Host, old, version }) => {
        const mine = { ...world, executionId: `01OTHER${Host}` };
        const ask = { Host, Names: ['belay-demo'] };
        await run(packageAction, { ...ask, Version: version, State: 'staged' }, mine);
        await run(packageAction, { ...ask, Version: version }, { ...world, executionId: '01SOMEBODY' });
        const asked = await run(packageAction, { ...ask, Version: old }, mine);
        expect(asked.ending, asked.logged).toMatchObject({
          kind: 'done',
          changes: [{ target: Host, subject: 'belay-demo', from: version, to: old }],
        });
      },
    );
  },
);
