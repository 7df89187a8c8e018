/** The ssh transport on whole systemd hosts: real sudo, a real bastion, a reboot, a host that freezes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostAddress } from '../../../src/transports/host.ts';
import type { Hosts } from '../../../src/transports/hosts/connect.ts';
import { openHosts } from '../../../src/transports/hosts/connect.ts';
import { failureOf, never, newToken, read, untilEnd } from '../../contract/host/command.ts';
import { hostContract } from '../../contract/host.ts';
import { Lab } from '../../lab/hosts/lab.ts';

const reason = Lab.unavailable();

/** The lab's inventory as addresses; `user` and `become` stand in for what it says. */
function open(
  lab: Lab,
  { user = 'ops', become = 'sudo' }: { user?: string; become?: 'none' | 'sudo' } = {},
): Hosts {
  const { hosts } = lab.inventory();
  const addressOf = (name: string): HostAddress => {
    const host = hosts[name];
    if (host === undefined) throw new Error(`the lab has no host ${name}`);
    const { via, ...said } = host;
    const bastions = via === undefined ? {} : { via: [{ ...addressOf(via), user: 'ops' }] };
    return { ...said, ...bastions, name, transport: 'ssh', user, become, tags: {} };
  };
  const addresses = new Map(Object.keys(hosts).map((name) => [name, addressOf(name)]));
  return openHosts(addresses, { stateDir: lab.stateFolder });
}

function contractOn(name: string, options: { become: 'none' | 'sudo' }): void {
  const title = `${name} of the lab${options.become === 'sudo' ? ' as root by sudo' : ' as an ordinary user'}`;
  hostContract(
    title,
    async () => {
      const lab = await Lab.up({ hosts: name === 'db1' ? ['b1', name] : [name] });
      const [mine, theirs] = [open(lab, options), open(lab, options)];
      return {
        host: mine.host(name),
        other: theirs.host(name),
        listener: { port: 22, greeting: /^SSH-2\.0-/ },
        close: async () => {
          await mine.close();
          await theirs.close();
          await lab.down();
        },
      };
    },
    { fast: false, timeoutMs: 360_000, ...(reason === undefined ? {} : { skip: reason }) },
  );
}

contractOn('r1', { become: 'sudo' });
contractOn('db1', { become: 'none' });

describe.skipIf(reason !== undefined)(
  `hosts over ssh in the lab${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    let lab: Lab;
    beforeAll(async () => {
      lab = await Lab.up({ hosts: ['h1'] });
    }, 360_000);
    afterAll(() => lab?.down(), 60_000);

    it('refuse when sudo asks for a password', { timeout: 60_000 }, async () => {
      const hosts = open(lab, { user: 'limited' });
      const failure = await failureOf(read(hosts.host('h1'), 'id'));
      expect(failure).toMatchObject({ code: 'SUDO_REFUSED', retryable: false, effect: 'none' });
      expect((await read(hosts.host('h1'), { text: 'id -un', withoutBecome: true })).stdout).toBe(
        'limited\n',
      );
      await hosts.close();
    });

    it('stop answering when frozen, which is told from a lost connection', { timeout: 180_000 }, async () => {
      const hosts = open(lab);
      const host = hosts.host('h1');
      const token = newToken();
      await host.start(token, { text: 'sleep 1; echo asleep; sleep 8; echo thawed' }, { signal: never });
      const from = { stdout: 0, stderr: 0 };
      // Frozen only once the poll has been heard: a poll that never reached the host would have had no effect.
      const heard = Promise.withResolvers<void>();
      const sink = { write: () => heard.resolve() };
      const polling = failureOf(host.poll(token, { from, sink, waitMs: 30_000, signal: never }));
      await Promise.race([heard.promise, polling]);
      await lab.freeze('h1');
      try {
        expect(await polling).toMatchObject({ code: 'NO_REPLY', retryable: true, effect: 'unknown' });
        expect(await failureOf(read(host, 'true'))).toMatchObject({ code: 'NO_REPLY', effect: 'none' });
      } finally {
        await lab.thaw('h1');
      }
      expect((await untilEnd(host, token)).stdout).toBe('asleep\nthawed\n');
      await host.forget(token, { signal: never });
      await hosts.close();
    });

    it('tell a command that a reboot ended', { timeout: 120_000 }, async () => {
      const hosts = open(lab);
      const token = newToken();
      await hosts.host('h1').start(token, { text: 'echo before; sleep 600' }, { signal: never });
      await lab.reboot('h1');
      const ending = await untilEnd(hosts.host('h1'), token);
      expect(ending.stdout).toBe('before\n');
      expect(ending.state.kind === 'vanished' && ending.state.reason).toContain('the host was rebooted');
      await hosts.close();
    });
  },
);
