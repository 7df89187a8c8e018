/**
 * runbooks/keys/rotate-key-pair.yaml on a fleet behind a bastion: one host that refuses the new key ends it with everything as
 * before; a run that is killed while the old key goes is resumed, and ends with the old key refused everywhere.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Desk, idOf } from '../support/command-line.ts';
import { labWorld, worldMissing, type LabWorldWithAws } from './world.ts';

const reason = worldMissing();
const runbook = join(import.meta.dirname, '../../runbooks/keys/rotate-key-pair.yaml');
const fleet = ['p1', 'p2', 'p3', 'p4'];
const options = ['IdentitiesOnly=yes', 'IdentityAgent=none', 'BatchMode=yes', 'StrictHostKeyChecking=yes'];
const path = '/home/ops/.ssh/authorized_keys';

describe.skipIf(reason)(
  `rotating a key pair${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  { timeout: 240_000 },
  () => {
    let world: LabWorldWithAws;
    let desk: Desk;
    let old: { readonly file: string; readonly line: string };
    let fresh: { readonly file: string; readonly line: string };
    const makeKey = (name: string) => {
      const file = join(desk.folder, name);
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file]);
      return { file, line: readFileSync(`${file}.pub`, 'utf8').trim() };
    };
    const words = () => {
      const parameters = {
        Targets: 'p{1..4}',
        User: 'ops',
        KeyName: 'ops',
        OldPublicKey: old.line,
        NewPublicKey: fresh.line,
      };
      const given = Object.entries(parameters).flatMap(([name, value]) => ['-p', `${name}=${value}`]);
      const secrets = { OldPrivateKey: old.file, NewPrivateKey: fresh.file };
      const files = Object.entries(secrets).flatMap(([name, file]) => ['--secret', `${name}=file:${file}`]);
      return ['run', runbook, '-y', ...given, ...files];
    };
    const filesOf = async () =>
      Promise.all(
        fleet.map(
          async (host) => (await world.lab.exec(host, `cat ${path}; stat -c '%U %a' ${path}`)).stdout,
        ),
      );
    /** From outside, by OpenSSH itself. */
    const letsIn = (host: string, file: string) =>
      spawnSync('ssh', [
        '-F',
        'none',
        '-i',
        file,
        ...options.flatMap((option) => ['-o', option]),
        '-o',
        `UserKnownHostsFile=${world.lab.knownHosts}`,
        '-o',
        `ProxyCommand=ssh -F ${world.lab.sshConfig} -W %h:%p b1`,
        `ops@${world.lab.address(host)}`,
        'true',
      ]).status === 0;

    beforeAll(async () => {
      world = await labWorld({ hosts: ['b1', ...fleet], aws: true });
      desk = new Desk({ ...world.env });
      desk.write('belay.yaml', world.inventory);
      old = makeKey('ops-v1');
      fresh = makeKey('ops-v2');
      for (const host of fleet) {
        await world.lab.exec(host, `cat >>${path}`, { stdin: `no-x11-forwarding ${old.line}\n` });
      }
    }, 400_000);
    afterAll(async () => {
      desk?.[Symbol.dispose]();
      await world?.down();
      expect(world?.endpoint.problems).toEqual([]);
    }, 90_000);

    test('a key that one host refuses: every file as before, no key pair left, and the host is named', async () => {
      const before = await filesOf();
      await world.lab.exec('p3', 'cat >/etc/ssh/revoked', { stdin: `${fresh.line}\n` });
      await world.lab.exec(
        'p3',
        'echo "RevokedKeys /etc/ssh/revoked" >/etc/ssh/sshd_config.d/revoked.conf; systemctl reload ssh',
      );
      const said = await desk.belay(words());
      expect(said.stderr).toMatch(/p3.*sshd refuses the key/);
      expect(said.stderr).toContain('rolled back clean');
      expect(said.code).toBe(3);
      expect(await filesOf()).toEqual(before);
      expect(world.endpoint.journal.effects('keyPairImported')).toHaveLength(1);
      expect(world.endpoint.journal.effects('keyPairDeleted')).toHaveLength(1);
      await world.lab.exec('p3', 'rm /etc/ssh/sshd_config.d/revoked.conf; systemctl reload ssh');
    });

    test('killed while the old key goes, it is resumed in the turn and ends with the old key refused everywhere', async () => {
      const going = desk.start(words());
      await untilTrue(async () => (await filesOf()).some((text) => !text.includes(old.line)));
      going.process.kill('SIGKILL');
      await going.said;
      expect((await filesOf()).every((text) => text.includes(fresh.line))).toBe(true);
      const resumed = await desk.belay(['resume', idOf(going.soFar())]);
      expect(resumed.stderr).toContain('Done');
      expect(resumed.code).toBe(0);
      for (const text of await filesOf()) {
        expect(text.split('\n').filter((line) => line === fresh.line)).toHaveLength(1);
        expect(text).not.toContain(old.line);
      }
      expect(letsIn('p4', fresh.file)).toBe(true);
      expect(letsIn('p4', old.file)).toBe(false);
    });
  },
);

async function untilTrue(holds: () => Promise<boolean>): Promise<void> {
  for (const giveUpAt = Date.now() + 120_000; !(await holds()); await delay(30)) {
    if (Date.now() > giveUpAt) throw new Error('it did not become so in 120 s');
  }
}
