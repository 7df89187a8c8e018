/**
 * runbooks/keys/recover-lost-key.yaml on a host whose whole root file system is a volume: it really is stopped, its root
 * moved to another host, mounted there and brought back; killed half-way and resumed; and taken back when the proof fails.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Desk, idOf } from '../support/command-line.ts';
import { labWorld, worldMissing, type LabWorldWithAws } from './world.ts';

const reason = worldMissing();
const runbook = join(import.meta.dirname, '../../runbooks/keys/recover-lost-key.yaml');
const path = '/home/ops/.ssh/authorized_keys';

async function untilTrue(holds: () => boolean): Promise<void> {
  for (const giveUpAt = Date.now() + 60_000; !holds(); await delay(20)) {
    if (Date.now() > giveUpAt) throw new Error('it did not become so in 60 s');
  }
}

describe.skipIf(reason)(
  `recovering a lost key${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  { timeout: 240_000 },
  () => {
    let world: LabWorldWithAws;
    let desk: Desk;
    let lost: string;
    const makeKey = (name: string) => {
      const file = join(desk.folder, name);
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file]);
      return { file, line: readFileSync(`${file}.pub`, 'utf8').trim() };
    };
    const words = (key: { readonly line: string }, privateFile: string) => {
      const parameters = {
        InstanceId: world.instanceId('e1'),
        Host: 'e1',
        Helper: 'p1',
        HelperInstanceId: world.instanceId('p1'),
        User: 'ops',
        PublicKey: key.line,
      };
      const given = Object.entries(parameters).flatMap(([name, value]) => ['-p', `${name}=${value}`]);
      return ['run', runbook, '-y', ...given, '--secret', `PrivateKey=file:${privateFile}`];
    };
    const keys = async () => (await world.lab.exec('e1', `cat ${path}; stat -c '%u:%g %a' ${path}`)).stdout;
    const effects = (name: 'volumeAttached' | 'volumeDetached' | 'hostStopped' | 'hostStarted') =>
      world.endpoint.journal.effects(name).length;
    const helperIsClean = async () =>
      (await world.lab.exec('p1', 'ls -d /mnt/belay-recover /dev/xvdh 2>/dev/null | wc -l')).stdout.trim();

    beforeAll(async () => {
      world = await labWorld({ hosts: ['b1', 'e1', 'p1'], aws: true });
      desk = new Desk({ ...world.env });
      desk.write('belay.yaml', world.inventory);
      // From here on nobody has a key to e1.
      lost = makeKey('lost').line;
      await world.lab.exec('e1', `cat >${path}`, { stdin: `${lost}\n` });
    }, 400_000);
    afterAll(async () => {
      desk?.[Symbol.dispose]();
      await world?.down();
      expect(world?.endpoint.problems).toEqual([]);
    }, 90_000);

    test('a proof that fails takes everything back: the file, the volume in its place, the host running', async () => {
      const before = await keys();
      const root = world.volumeId('e1', '/dev/xvda');
      const said = await desk.belay(words(makeKey('wanted'), makeKey('other').file));
      expect(said.stderr).toContain('KEY_REFUSED');
      expect(said.stderr).toContain('rolled back clean');
      expect(said.code).toBe(3);
      expect(await keys()).toBe(before);
      expect(world.volumeId('e1', '/dev/xvda')).toBe(root);
      expect(await helperIsClean()).toBe('0');
    });

    test('killed while the root is away, it is resumed, nothing is done twice, and the new key is let in', async () => {
      const key = makeKey('found');
      const before = ['volumeAttached', 'volumeDetached', 'hostStopped', 'hostStarted'] as const;
      const counts = before.map(effects);
      const going = desk.start(words(key, key.file));
      await untilTrue(() => effects('volumeDetached') > (counts[1] ?? 0));
      going.process.kill('SIGKILL');
      await going.said;
      const resumed = await desk.belay(['resume', idOf(going.soFar())]);
      expect(resumed.stderr).toContain('Done');
      expect(resumed.code).toBe(0);
      expect((await keys()).split('\n').slice(0, 2)).toEqual([lost, key.line]);
      expect(before.map(effects).map((count, index) => count - (counts[index] ?? 0))).toEqual([2, 2, 1, 1]);
      expect(await helperIsClean()).toBe('0');
    });
  },
);
