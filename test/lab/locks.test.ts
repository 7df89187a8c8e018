/**
 * Locks on real hosts, over ssh: two state folders, as two laptops have them, exclude each other, whatever name the host has
 * in their inventories and whoever logs in; a reboot, a lost reply and a dead laptop change nothing of that.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { parseInventory } from '../../src/inventory/index.ts';
import { openSqliteJournal } from '../../src/journal/index.ts';
import { runnersIn } from '../../src/runtime/liveness.ts';
import { LockKeeper } from '../../src/runtime/locks/keeper.ts';
import { openTransports } from '../../src/runtime/transports.ts';
import { HostFailure, type Host } from '../../src/transports/host.ts';
import { BelayFolder, idIn } from '../cli/belay-process.ts';
import { plan } from '../../src/engine/index.ts';
import { runbook } from '../support/run-toy.ts';
import { Lab } from './hosts/lab.ts';

const reason = Lab.unavailable();

const holding = (lock: string, step: string) => `
schemaVersion: '0.3'
rollback: { when: never }
locks: ['${lock}']
mainSteps:
  - ${step}
`;
const pausing = (lock: string) => holding(lock, '{ name: Look, action: aws:pause, inputs: {} }');
const passing = (lock: string) =>
  holding(lock, '{ name: Wait, action: aws:sleep, inputs: { Duration: PT1S } }');

describe.skipIf(reason)(`locks on hosts${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let lab: Lab;
  let ours: BelayFolder;
  let theirs: BelayFolder;
  beforeAll(async () => {
    lab = await Lab.up({ hosts: ['h1', 'h2', 'h3'] });
  }, 360_000);
  afterAll(() => lab?.down(), 60_000);

  beforeEach(() => {
    ours = new BelayFolder();
    theirs = new BelayFolder();
    const { hosts } = lab.inventory();
    const groups = { web: ['h{1..3}'] };
    ours.write('belay.yaml', stringify({ hosts, groups }));
    // Another laptop, another login without sudo, another name for the first host.
    const asLimited = { user: 'limited', become: 'none' };
    theirs.write(
      'belay.yaml',
      stringify({
        hosts: {
          primary: { ...hosts['h1'], ...asLimited },
          h2: { ...hosts['h2'], ...asLimited },
          h3: { ...hosts['h3'], ...asLimited },
        },
        groups: { cluster: ['primary', 'h{2..3}'] },
      }),
    );
    for (const [name, lock] of [
      ['h1', 'host:h1'],
      ['h3', 'host:h3'],
      ['web', 'cluster:web'],
      ['primary', 'host:primary'],
      ['cluster', 'cluster:cluster'],
    ] as const) {
      for (const folder of [ours, theirs]) {
        folder.write(`pause-${name}.yaml`, pausing(lock));
        folder.write(`pass-${name}.yaml`, passing(lock));
      }
    }
  });
  afterEach(async () => {
    ours.clear();
    theirs.clear();
    for (const host of ['h1', 'h2', 'h3']) {
      await lab.net(host, 'clear');
      await lab.exec(host, 'rm -rf /var/tmp/belay-lock*');
    }
  });

  const entries = async (): Promise<string[]> => {
    const found: string[] = [];
    for (const host of ['h1', 'h2', 'h3']) {
      const { stdout } = await lab.exec(
        host,
        'cd /var/tmp && ls -d belay-lock* .belay-lock* 2>/dev/null; true',
      );
      if (stdout.trim() !== '') found.push(`${host}: ${stdout.trim().replaceAll('\n', ' ')}`);
    }
    return found;
  };

  it('exclude two state folders, over a reboot, until the holder has ended', async () => {
    const first = ours.start(['run', 'pause-h1.yaml']);
    const id = idIn(await first.says('belay continue'));
    const refusal = new RegExp(
      `Refused: host:primary is held by ${id} \\(pause-h1, .+@.+\\) since .+; it belongs to another state folder: ` +
        `ask .+@.+, and only if that machine is lost: belay unlock host:primary --holder ${id}`,
    );
    expect(await theirs.run(['run', 'pass-primary.yaml'])).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(refusal),
    });
    await lab.reboot('h1');
    expect(await theirs.run(['run', 'pass-primary.yaml'])).toMatchObject({ code: 5 });
    await ours.run(['continue', id]);
    expect(await first.ended).toMatchObject({ code: 0 });
    expect(await theirs.run(['run', 'pass-primary.yaml'])).toMatchObject({ code: 0 });
    expect(await entries()).toEqual([]);
  }, 120_000);

  it('of a cluster are on every member, exclude who wants one of them, and are given back when one is refused', async () => {
    const first = ours.start(['run', 'pause-web.yaml']);
    const id = idIn(await first.says('belay continue'));
    expect(await entries()).toEqual(['h1: belay-lock', 'h2: belay-lock', 'h3: belay-lock']);
    const one = await theirs.run(['run', 'pass-h3.yaml']);
    expect(one).toMatchObject({
      code: 5,
      stderr: expect.stringContaining(`host:h3 is held by ${id} (pause-web, `),
    });
    expect(await ours.run(['run', 'pass-h3.yaml'])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining(`cluster:web is held by ${id}`),
    });
    await ours.run(['continue', id]);
    await first.ended;

    const other = theirs.start(['run', 'pause-h3.yaml']);
    const otherId = idIn(await other.says('belay continue'));
    expect(await ours.run(['run', 'pass-web.yaml'])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining(`cluster:web is held by ${otherId}`),
    });
    expect(await entries()).toEqual(['h3: belay-lock']);
    await theirs.run(['continue', otherId]);
    await other.ended;
  }, 120_000);

  it('of a cluster need a majority of its members, and of a host the host', async () => {
    await lab.net('h3', 'down');
    const first = ours.start(['run', 'pause-web.yaml']);
    const said = await first.says('belay continue');
    expect(said).toContain('h3 did not answer; a majority holds cluster:web');
    const refused = await theirs.run(['run', 'pass-cluster.yaml']);
    expect(refused).toMatchObject({ code: 5, stderr: expect.stringContaining('cluster:cluster is held by') });
    expect(await theirs.run(['run', 'pass-h3.yaml'])).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(/LOCK_UNPROVEN {2}host:h3 cannot be held: h3 \(/),
    });
    await ours.run(['continue', idIn(said)]);
    const end = await first.ended;
    expect(end).toMatchObject({ code: 0, stderr: expect.not.stringContaining('could not be given back') });

    await lab.net('h2', 'down');
    expect(await ours.run(['run', 'pass-web.yaml'])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('cluster:web cannot be held: 1 of 3 hosts answered, and it takes 2; '),
    });
    expect(await entries()).toEqual([]);
  }, 180_000);

  it('of a laptop that is lost are shown by the host itself, and freed by name', async () => {
    const first = ours.start(['run', 'pause-h1.yaml']);
    const id = idIn(await first.says('belay continue'));
    first.child.kill('SIGKILL');
    await first.ended;
    rmSync(ours.state, { recursive: true });

    const shown = JSON.parse((await theirs.run(['locks', '--hosts', '--json'])).stdout) as unknown;
    expect(shown).toMatchObject({
      locks: [
        { lock: 'host:primary', asked: 'host:h1', holder: { executionId: id, condition: 'elsewhere' } },
      ],
    });
    // Another user's entry cannot be removed without sudo: it is said, and nothing is called freed.
    const denied = await theirs.run(['unlock', 'host:primary', '--holder', id, '-y']);
    expect(denied).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('cannot be removed by limited'),
    });
    expect(await ours.run(['unlock', 'host:h1', '--holder', id.slice(0, 8), '-y'])).toMatchObject({
      code: 0,
    });
    expect(await theirs.run(['run', 'pass-primary.yaml'])).toMatchObject({ code: 0 });
  }, 120_000);

  it('whose reply was lost are found to be one’s own, or given back', async () => {
    const { inventory = null } = parseInventory({
      file: 'belay.yaml',
      text: stringify({ hosts: lab.inventory().hosts }),
    });
    const stateDir = join(ours.dir, 'keeper');
    const journal = openSqliteJournal(stateDir);
    const executionId = '01JKEEPER000';
    await journal.create({
      id: executionId,
      runbook: 'keeper',
      file: 'keeper.yaml',
      program: plan(runbook([]), () => {
        throw new Error('it has no steps');
      }),
      sha256: '',
      input: { parameters: {}, rollbackWhen: 'never', rollbackRequests: [], failAt: null },
      settings: { sandbox: false, inventoryFile: null, secrets: {}, startedBy: 'ops', usesAws: false },
      createdAt: 1,
    });
    const place = await openTransports({
      sandbox: false,
      inventory,
      stateDir,
      executionId,
      now: Date.now,
    });
    let losing = 0;
    const lossy = (host: Host): Host => ({
      ...host,
      label: host.label,
      name: host.name,
      read: async (script, options) => {
        const result = await host.read(script, options);
        losing -= 1;
        if (losing < 0) return result;
        const message = `${host.label}: the connection was lost`;
        throw new HostFailure({ code: 'CONNECTION_LOST', message, retryable: true, effect: 'unknown' });
      },
    });
    const keeper = new LockKeeper({
      executionId,
      journal,
      runners: runnersIn(stateDir),
      isSandbox: false,
      runbook: 'keeper',
      startedBy: 'ops',
      host: (name) => lossy(place.host(name)),
      targets: (selectors) => place.targets(selectors),
      now: Date.now,
    });
    const signal = AbortSignal.timeout(60_000);
    try {
      losing = 1;
      await expect(keeper.take(['host:h1'], signal)).rejects.toMatchObject({
        code: 'LOCK_UNPROVEN',
        retryable: true,
      });
      expect(await entries()).toEqual([]);
      expect(await journal.locks()).toEqual([]);

      // The giving back is lost, too: the entry stays, and the next try finds its own.
      losing = 2;
      await expect(keeper.take(['host:h1'], signal)).rejects.toMatchObject({ code: 'LOCK_UNPROVEN' });
      expect(await journal.locks()).toMatchObject([{ name: 'host:h1', hasEntry: true, isConfirmed: false }]);
      losing = 0;
      expect(await keeper.take(['host:h1'], signal)).toEqual({ kind: 'taken', unheard: [] });
      expect(await entries()).toEqual(['h1: belay-lock']);

      losing = 1;
      expect((await keeper.release(signal)).kept).toMatchObject([{ lock: 'host:h1' }]);
      expect(await keeper.release(signal)).toEqual({ kept: [] });
      expect(await entries()).toEqual([]);
    } finally {
      await place.close();
      journal.close();
    }
  }, 60_000);
});
