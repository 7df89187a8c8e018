/** The ssm transport against a fake of Run Command that really runs the commands. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { Host, HostAddress } from '../../../src/transports/host.ts';
import { openHosts } from '../../../src/transports/hosts/connect.ts';
import { defaultShell } from '../../../src/transports/hosts/protocol/shell.ts';
import { ssmHost } from '../../../src/transports/hosts/ssm.ts';
import { failureOf, never, newToken, read, run, untilEnd } from '../../contract/host/command.ts';
import { hostContract } from '../../contract/host.ts';
import type { SsmFake } from './ssm-fake.ts';
import { ssmFake } from './ssm-fake.ts';

const instanceId = 'i-0123456789abcdef0';
const address: HostAddress = { name: 'db1', transport: 'ssm', instanceId, become: 'none', tags: {} };
const folder = mkdtempSync(join(tmpdir(), 'belay-ssm-test-'));
const options = { shell: { ...defaultShell, stateBase: folder }, streamBytesMax: 100_000 };
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

hostContract(
  'a host over ssm',
  () => {
    const fake = ssmFake(instanceId);
    const [host, other] = [ssmHost(address, fake.aws, options), ssmHost(address, fake.aws, options)];
    return Promise.resolve({
      host,
      other,
      close: async () => {
        await host.close();
        await other.close();
        fake.close();
      },
    });
  },
  {
    parts: ['read', 'start', 'follow', 'stop'],
    fast: false,
    streamBytesMax: options.streamBytesMax,
    timeoutMs: 120_000,
  },
);

describe('a host over ssm', () => {
  const fakes: SsmFake[] = [];
  const hosts: Host[] = [];
  afterEach(async () => {
    for (const host of hosts.splice(0)) await host.close();
    for (const fake of fakes.splice(0)) fake.close();
  });
  const open = (): { fake: SsmFake; host: Host } => {
    const fake = ssmFake(instanceId);
    const host = ssmHost(address, fake.aws, options);
    fakes.push(fake);
    hosts.push(host);
    return { fake, host };
  };

  it('refuses to carry a connection, and says how the host can be reached for it', async () => {
    const { host } = open();
    const dialling = host.dial({ address: '127.0.0.1', port: 9000 }, { signal: never, timeoutMs: 1_000 });
    const failure = await failureOf(dialling);
    expect(failure).toMatchObject({ code: 'DIAL_FORBIDDEN', retryable: false, effect: 'none' });
    expect(failure.message).toContain('transport: ssh');
  });

  it('says that it carries no secrets, and refuses them before anything is sent', async () => {
    const { fake, host } = open();
    expect([host.carriesSecrets, host.label]).toEqual([false, `db1 (${instanceId} over SSM)`]);
    const key = { privateKey: 'none is looked at' };
    await expect(
      host.proveKey(key, { signal: new AbortController().signal, timeoutMs: 1_000 }),
    ).rejects.toMatchObject({ code: 'NOT_OVER_SSH', effect: 'none' });
    const script = { text: 'true', env: { PASSWORD: 'hunter2' }, secret: true };
    for (const asking of [read(host, script), host.start(newToken(), script, { signal: never })]) {
      const failure = await failureOf(asking);
      expect(failure).toMatchObject({ code: 'SECRET_OVER_SSM', retryable: false, effect: 'none' });
      expect(failure.message).not.toContain('hunter2');
      expect(failure.message).toContain('Nothing was changed on db1.');
    }
    expect(fake.calls).toEqual([]);
  });

  it('names the token in the comment, and makes an ordinary read one command', async () => {
    const { fake, host } = open();
    expect((await read(host, { name: 'service/observe', text: 'echo seen' })).stdout).toBe('seen\n');
    expect(fake.sent.map(({ Comment }) => Comment)).toEqual([
      expect.stringMatching(/^belay read service\/observe \w{24}$/),
    ]);
    const token = newToken();
    await host.start(token, { text: 'true' }, { signal: never });
    expect(fake.sent.at(-1)?.['Comment']).toMatch(new RegExp(`^belay start ${token} \\w{24}$`));
    await untilEnd(host, token);
    await host.forget(token, { signal: never });
  });

  it('fetches output beyond one reply in pieces', async () => {
    const { fake, host } = open();
    const { stdout } = await read(host, 'i=0; while [ $i -lt 10000 ]; do echo "line $i"; i=$((i+1)); done');
    expect(stdout).toBe(Array.from({ length: 10_000 }, (_, index) => `line ${index}\n`).join(''));
    expect(fake.sent.length).toBeGreaterThan(5);
  });

  it('waits for an invocation that the service does not know of yet', async () => {
    const { fake, host } = open();
    fake.unknownMs = 1500;
    expect((await read(host, 'echo known')).stdout).toBe('known\n');
    expect(fake.sent).toHaveLength(1);
  });

  it('looks for a command whose reply was lost instead of sending it again', async () => {
    const { fake, host } = open();
    const token = newToken();
    fake.unknownMs = 900;
    fake.fault('SendCommand', 'lost-reply');
    const file = join(folder, 'lost-reply');
    await host.start(token, { text: 'echo ran >>"$1"; echo out', args: [file] }, { signal: never });
    expect((await untilEnd(host, token)).stdout).toBe('out\n');
    expect(
      fake.sent.filter(({ Comment }) => JSON.stringify(Comment).startsWith('"belay start')),
    ).toHaveLength(1);
    expect(readFileSync(file, 'utf8')).toBe('ran\n');
    await host.forget(token, { signal: never });
  });

  it('sends again what never arrived, and runs it once', { timeout: 60_000 }, async () => {
    const { fake, host } = open();
    const file = join(folder, 'lost-request');
    fake.fault('SendCommand', 'lost-request');
    const ending = await run(host, { text: 'echo ran >>"$1"; echo out', args: [file] });
    expect(ending.stdout).toBe('out\n');
    expect(readFileSync(file, 'utf8')).toBe('ran\n');
  });

  it('waits out throttling', async () => {
    const { fake, host } = open();
    fake.fault('SendCommand', 'throttled', 'throttled');
    fake.fault('GetCommandInvocation', 'throttled');
    expect((await read(host, 'echo patient')).stdout).toBe('patient\n');
  });

  it.each([
    ['denied', 'AUTH_REFUSED', 'ssm:SendCommand'],
    ['not-connected', 'UNREACHABLE', 'not connected to Systems Manager'],
    ['undeliverable', 'NO_REPLY', 'did not take the command'],
  ] as const)('tells why when the command is %s', async (fault, code, words) => {
    const { fake, host } = open();
    fake.fault('SendCommand', fault);
    const failure = await failureOf(read(host, 'true'));
    expect(failure).toMatchObject({ code, effect: 'none' });
    expect(failure.message).toContain(words);
    expect(failure.message).toContain('Nothing was changed on db1.');
  });

  it('refuses what does not fit into SendCommand', async () => {
    const { fake, host } = open();
    const noise = Array.from({ length: 120_000 }, () => Math.random().toString(36).slice(2, 3)).join('');
    const failure = await failureOf(host.start(newToken(), { text: `: '${noise}'` }, { signal: never }));
    expect(failure).toMatchObject({ code: 'INPUT_TOO_LARGE', effect: 'none' });
    expect(fake.sent).toEqual([]);
  });
});

describe('the hosts of an inventory', () => {
  const addresses = new Map<string, HostAddress>([
    ['here', { name: 'here', transport: 'local', become: 'none', tags: {} }],
    ['db1', address],
  ]);

  it('are opened by name, once each, over the transport that their address names', async () => {
    const fake = ssmFake(instanceId);
    const hosts = openHosts(addresses, { stateDir: folder, aws: () => fake.aws });
    expect(hosts.host('here').transport).toBe('local');
    expect(hosts.host('db1').transport).toBe('ssm');
    expect(hosts.host('db1')).toBe(hosts.host('db1'));
    expect(fake.calls).toEqual([]);
    await hosts.close();
    fake.close();
  });

  it('are refused when nobody knows them, or AWS is not there to reach them', async () => {
    const hosts = openHosts(addresses, { stateDir: folder });
    expect(() => hosts.host('nowhere')).toThrow(/no host has this name; known are here, db1/);
    expect(() => hosts.host('db1')).toThrow(/AWS is not configured/);
    await hosts.close();
  });
});
