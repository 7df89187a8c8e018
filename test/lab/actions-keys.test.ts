/** Keys of real hosts behind a bastion: appended, proven on fresh connections, removed, put back; and nobody locks himself out. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { authorizedKeys } from '../../src/actions/host/authorized-keys.ts';
import { proveKey } from '../../src/actions/ssh/prove-key.ts';
import { openHosts, type Hosts } from '../../src/transports/hosts/connect.ts';
import type { HostAddress } from '../../src/transports/host.ts';
import { observe, run, undo, type World } from '../support/action-bed.ts';
import { Lab } from './hosts/lab.ts';
import { coresOfPrivateKey, registerSecret } from '../support/secret-search/registry.ts';

const reason = Lab.unavailable();
const path = '/home/ops/.ssh/authorized_keys';

describe.skipIf(reason)(
  `keys on real hosts${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  { timeout: 90_000 },
  () => {
    let lab: Lab;
    let hosts: Hosts;
    let world: World;
    const folder = mkdtempSync(join(tmpdir(), 'belay-keys-'));
    const makeKey = (name: string) => {
      const file = join(folder, name);
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file]);
      const secret = readFileSync(file, 'utf8');
      registerSecret(`the private key ${name}`, coresOfPrivateKey(secret));
      return { line: readFileSync(`${file}.pub`, 'utf8').trim(), secret };
    };
    const fresh = makeKey('ops-v2');
    const keysOf = async (host: string) =>
      (await lab.exec(host, `cat ${path}; stat -c '%U:%G %a' ${path}`)).stdout;
    const prove = (Host: string, PrivateKey: string, Expect: string) =>
      run(proveKey, { Host, PrivateKey, Expect }, world).then(({ ending }) => ending);

    beforeAll(async () => {
      lab = await Lab.up({ hosts: ['b1', 'p1', 'p2'] });
      const { hosts: inventory } = lab.inventory();
      const addressOf = (name: string): HostAddress => {
        const entry = inventory[name];
        if (entry === undefined) throw new Error(`the lab has no ${name}`);
        const { via, ...rest } = entry;
        return {
          name,
          transport: 'ssh',
          tags: {},
          ...rest,
          ...(via === undefined ? {} : { via: [addressOf(via)] }),
        };
      };
      hosts = openHosts(new Map(Object.keys(inventory).map((name) => [name, addressOf(name)])), {
        stateDir: folder,
        sshConfig: join(folder, 'none'),
      });
      const own = readFileSync(lab.identityFile, 'utf8');
      world = {
        hosts: { p1: hosts.host('p1'), p2: hosts.host('p2') },
        secrets: [fresh.secret, own],
      };
    }, 360_000);
    afterAll(async () => {
      await hosts?.close();
      await lab?.down();
      rmSync(folder, { recursive: true, force: true });
    }, 60_000);

    test('a new key is refused, appended, accepted through the bastion, and refused again after the undo', async () => {
      const before = await keysOf('p1');
      expect(await prove('p1', fresh.secret, 'accepted')).toMatchObject({
        kind: 'failed',
        code: 'KEY_REFUSED',
      });
      const inputs = { Host: 'p1', User: 'ops', Keys: [fresh.line] };
      const appended = await run(authorizedKeys, inputs, world);
      expect(appended.ending).toMatchObject({ kind: 'done', outputs: { Path: path, KeyCount: 2 } });
      expect(await keysOf('p1')).toBe(before.replace('\nops:ops', `\n${fresh.line}\nops:ops`));
      expect(await prove('p1', fresh.secret, 'accepted')).toMatchObject({
        kind: 'done',
        outputs: { Accepted: true, PublicKey: fresh.line.split(' ').slice(0, 2).join(' ') },
      });
      expect(await prove('p1', fresh.secret, 'refused')).toMatchObject({ code: 'KEY_ACCEPTED' });
      await undo(authorizedKeys, appended, world);
      expect(await keysOf('p1')).toBe(before);
      expect(await observe(authorizedKeys, inputs, world)).toEqual(appended.before);
      expect(await prove('p1', fresh.secret, 'refused')).toMatchObject({ kind: 'done' });
    });

    test('the key of the own connection goes only when another one is proven; undo brings it back over the new one', async () => {
      const old = readFileSync(`${lab.identityFile}.pub`, 'utf8').trim();
      const remove = { Host: 'p2', User: 'ops', Keys: [old], State: 'absent' };
      await run(authorizedKeys, { Host: 'p2', User: 'ops', Keys: [fresh.line] }, world);
      const before = await keysOf('p2');
      await expect(run(authorizedKeys, remove, world)).rejects.toMatchObject({
        code: 'OWN_KEY',
        message: expect.stringContaining('by which Belay itself has logged in as ops'),
      });
      // Of another user it is not the own one; it is only the last one.
      const theirs = await run(authorizedKeys, { ...remove, User: 'limited' }, world);
      expect(theirs.ending).toMatchObject({ kind: 'failed', code: 'LAST_KEY' });
      expect(await keysOf('p2')).toBe(before);

      const proof = await prove('p2', fresh.secret, 'accepted');
      const Proven = proof.outputs?.['PublicKey'] ?? '';
      const removed = await run(authorizedKeys, { ...remove, Proven }, world);
      expect(removed.ending).toMatchObject({
        kind: 'done',
        outputs: { KeyCount: 1 },
        note: expect.stringContaining('limited has the key in /home/limited/.ssh/authorized_keys as well'),
      });
      const own = readFileSync(lab.identityFile, 'utf8');
      expect(await prove('p2', own, 'refused')).toMatchObject({ kind: 'done' });
      await undo(authorizedKeys, removed, world);
      expect(await keysOf('p2')).toBe(before);
      expect(await prove('p2', own, 'accepted')).toMatchObject({ kind: 'done' });
    });

    test('a host that cannot be reached is not a refusal', async () => {
      await lab.net('p2', 'portdrop', 22);
      expect(await prove('p2', fresh.secret, 'refused')).toMatchObject({
        kind: 'failed',
        code: 'UNDETERMINED',
        retryable: true,
      });
      await lab.net('p2', 'clear');
    });

    test('a key that is not a secret parameter is not used', async () => {
      const key = makeKey('open');
      expect(await prove('p1', key.secret, 'refused')).toMatchObject({ code: 'SECRET_WANTED' });
    });
  },
);
