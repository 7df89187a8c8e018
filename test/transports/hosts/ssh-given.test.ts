/** What belay.yaml accepts reaches OpenSSH byte for byte: users, addresses and paths of every kind, against real servers. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parseInventory } from '../../../src/inventory/index.ts';
import type { HostAddress } from '../../../src/transports/host.ts';
import { SshNetwork } from '../../../src/transports/hosts/ssh.ts';
import { failureOf, never, read } from '../../contract/host/command.ts';
import { makeSshLab, noSshd, type Sshd, type SshLab } from './sshd.ts';

const title = `what ssh is given${noSshd === undefined ? '' : ` (skipped: ${noSshd})`}`;
const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === '::1'),
);

describe.skipIf(noSshd !== undefined)(title, { timeout: 60_000 }, () => {
  let lab: SshLab;
  let server: Sshd;
  const networks: SshNetwork[] = [];

  beforeAll(async () => {
    lab = makeSshLab();
    server = await lab.start(hasIpv6 ? ['ListenAddress ::1'] : []);
    lab.know(server);
  });
  afterEach(async () => {
    for (const network of networks.splice(0)) await network.close();
  });
  afterAll(() => lab?.close());

  /** The host as belay.yaml gives it to the transport. */
  function addressOf(host: object): HostAddress {
    const { inventory, diagnostics } = parseInventory({
      file: 'belay.yaml',
      text: JSON.stringify({ hosts: { db1: host } }),
    });
    const address = inventory?.address('db1');
    if (address === undefined) throw new Error(diagnostics.map(({ message }) => message).join('; '));
    return address;
  }
  const open = (host: object) => {
    const network = new SshNetwork({ config: lab.config });
    networks.push(network);
    return network.host(addressOf(host));
  };
  const base = () => ({ address: '127.0.0.1', port: server.port, identityFile: lab.identityFile });

  test.each([
    `a "quoted" key, it's`,
    'back\\slash\\',
    '%h ${HOME} $HOME $(id)',
    '-oProxyCommand=#*glob?[a-z];&|',
    'smile \u{1f511} line\nbreak\ttab',
  ])('a key and a known_hosts file in a folder called %j are used', async (name) => {
    const folder = join(lab.folder, `paths ${name}`);
    mkdirSync(folder, { recursive: true });
    const [identityFile, knownHostsFile] = [join(folder, 'key'), join(folder, 'known')];
    copyFileSync(lab.identityFile, identityFile);
    copyFileSync(`${lab.identityFile}.pub`, `${identityFile}.pub`);
    writeFileSync(knownHostsFile, `${server.known} ${server.hostKey}\n`);
    lab.know();
    try {
      expect((await read(open({ ...base(), identityFile, knownHostsFile }), 'echo in')).stdout).toBe('in\n');
      const missing = await failureOf(
        read(open({ ...base(), identityFile: `${identityFile}-not-there`, knownHostsFile }), 'true'),
      );
      expect(missing.code).toBe('AUTH_REFUSED');
      expect(missing.message).not.toContain('/link');
    } finally {
      lab.know(server);
    }
  });

  test.each(['CORP\\jdoe', 'jdoe@corp.example', 'CORP\\\\jdoe', 'CORP\\njdoe'])(
    'the user %j is the one that the server hears of',
    async (user) => {
      const before = server.log().length;
      const host = open({ ...base(), user });
      expect(await failureOf(read(host, 'true'))).toMatchObject({ code: 'AUTH_REFUSED', effect: 'none' });
      // sshd writes a backslash as two.
      const heard = /Invalid user (.*) from/.exec(server.log().slice(before))?.[1];
      expect(heard?.replaceAll('\\\\', '\\')).toBe(user);
      const text = await import('node:fs').then(({ readFileSync }) => readFileSync(lab.identityFile, 'utf8'));
      const proof = await host.proveKey({ privateKey: text }, { signal: never, timeoutMs: 20_000 });
      expect(proof.verdict).toBe('refused');
      const heardAgain = [
        ...server
          .log()
          .slice(before)
          .matchAll(/Invalid user (.*) from/g),
      ].at(-1)?.[1];
      expect(heardAgain?.replaceAll('\\\\', '\\')).toBe(user);
    },
  );

  test.skipIf(!hasIpv6)('IPv6 addresses are taken with and without brackets, and with a zone', async () => {
    writeFileSync(
      lab.knownHosts,
      ['[::1]', '[::ffff:127.0.0.1]'].map((name) => `${name}:${server.port} ${server.hostKey}\n`).join(''),
    );
    for (const address of ['::1', '[::1]', '::ffff:127.0.0.1']) {
      const host = open({ ...base(), address });
      expect((await read(host, 'echo six')).stdout, address).toBe('six\n');
    }
    // The C library takes zones for addresses of a link alone, and says so of the whole address.
    const zoned = await failureOf(read(open({ ...base(), address: '[::1%lo]' }), 'true'));
    expect(zoned.message).toContain('the name ::1%lo cannot be resolved');
    const unknown = open({ ...base(), address: '::1' });
    lab.know();
    const failure = await failureOf(read(unknown, 'true'));
    expect(failure.message).toContain(`ssh-keyscan -p ${server.port} ::1`);
    lab.know(server);
  });

  test('what the inventory accepts, the transport never refuses by throwing something else than a failure of the host', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.string({ unit: fc.constantFrom(...Array.from(`a1.-_@\\:[]%"'$ {}/~\u{1f511}`)), maxLength: 8 }),
    );
    const hostOf = fc.record(
      { address: text, user: text, identityFile: text, knownHostsFile: text },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(hostOf, async (host) => {
        const { inventory, diagnostics } = parseInventory({
          file: 'belay.yaml',
          text: JSON.stringify({ hosts: { db1: { ...host, port: 1 } } }),
        });
        const address = inventory?.address('db1');
        if (address === undefined) {
          expect(diagnostics.length).toBeGreaterThan(0);
          expect(diagnostics.every(({ start }) => start.line === 1 && start.column > 1)).toBe(true);
          return;
        }
        const network = new SshNetwork({ config: lab.config });
        try {
          // A name of no server: nothing that was made up here is connected to.
          const here = { ...address, address: address.address === undefined ? '127.0.0.1' : address.address };
          const isNumber = /^[\d.:x%a-f]*$/i.test(here.address);
          const target = isNumber || !here.address.includes('.') ? { ...here, address: '127.0.0.1' } : here;
          const failure = await failureOf(read(network.host(target), 'true'));
          expect(failure.effect).toBe('none');
          expect(failure.message).not.toMatch(/bad configuration|missing argument|no argument|unknown key/i);
        } finally {
          await network.close();
        }
      }),
      { numRuns: 15 },
    );
  });
});
