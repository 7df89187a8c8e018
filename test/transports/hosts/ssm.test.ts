/** The ssm transport against a fake of Run Command that really runs the commands. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { Host, HostAddress } from '../../../src/transports/host.ts';
import { openHosts } from '../../../src/transports/hosts/connect.ts';
import { defaultShell } from '../../../src/transports/hosts/protocol/shell.ts';
import { SsmNetwork } from '../../../src/transports/hosts/ssm.ts';
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
    const [host, other] = [1, 2].map(() => new SsmNetwork(fake.aws).host(address, options));
    if (host === undefined || other === undefined) throw new Error('two hosts were made');
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
    const host = new SsmNetwork(fake.aws).host(address, options);
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

describe('several hosts over ssm that are asked the same at once', () => {
  const fakes: SsmFake[] = [];
  const hosts: Host[] = [];
  afterEach(async () => {
    await Promise.all(hosts.splice(0).map((host) => host.close()));
    for (const fake of fakes.splice(0)) fake.close();
  });
  const open = (count: number, known = count) => {
    const ids = Array.from(
      { length: count },
      (_, index) => `i-${(index + 1).toString(16).padStart(17, '0')}`,
    );
    const fake = ssmFake(...ids.slice(0, known));
    fakes.push(fake);
    const network = new SsmNetwork(fake.aws);
    const all = ids.map((id) => network.host({ ...address, name: id, instanceId: id }, options));
    hosts.push(...all);
    return { fake, all };
  };
  const targetsOf = ({ sent }: SsmFake): number[] =>
    sent.map(({ InstanceIds }) => (Array.isArray(InstanceIds) ? InstanceIds.length : 0));

  it(
    'are asked by one command of each wave of 50, and by one listing for all of it',
    { timeout: 120_000 },
    async () => {
      const { fake, all } = open(60);
      const asking = all.map((host) => read(host, { text: 'echo "$1"', args: ['seen'] }));
      expect(new Set((await Promise.all(asking)).map(({ stdout }) => stdout))).toEqual(new Set(['seen\n']));
      expect(targetsOf(fake)).toEqual([50, 10]);
      expect(fake.calls.filter((call) => call === 'GetCommandInvocation')).toEqual([]);
    },
  );

  it('have a command begun, waited for and read by one command, and forget it by another when all is done', async () => {
    const { fake, all } = open(6);
    const file = join(folder, newToken());
    const script = { text: 'echo "$BELAY_TOKEN" >>"$1"; echo "of $BELAY_TOKEN"; exit 3', args: [file] };
    const tokens = all.map(() => newToken());
    const endings = await Promise.all(
      all.map(async (host, index) => {
        const token = tokens[index] ?? '';
        await host.start(token, script, { signal: never });
        const ending = await untilEnd(host, token);
        await host.forget(token, { signal: never });
        return ending;
      }),
    );
    expect(targetsOf(fake)).toEqual([6]);
    for (const [index, { state, stdout }] of endings.entries()) {
      expect(stdout).toBe(`of ${tokens[index] ?? ''}\n`);
      expect(state).toMatchObject({ kind: 'exited', exitCode: 3 });
    }
    expect(readFileSync(file, 'utf8').trim().split('\n').toSorted()).toEqual(tokens.toSorted());
    await Promise.all(hosts.splice(0).map((host) => host.close()));
    expect(targetsOf(fake)).toEqual([6, 6]);
    expect(
      readdirSync(join(folder, `belay-${process.getuid?.()}`)).filter((name) => tokens.includes(name)),
    ).toEqual([]);
  });

  it('do not fail for one that Systems Manager does not know', async () => {
    const { fake, all } = open(5, 4);
    const asked = await Promise.allSettled(all.map((host) => read(host, 'echo seen')));
    expect(asked.map(({ status }) => status)).toEqual([...Array(4).fill('fulfilled'), 'rejected']);
    expect(await failureOf(read(all[4] ?? raise(), 'true'))).toMatchObject({
      code: 'UNREACHABLE',
      effect: 'none',
    });
    expect(Math.max(...targetsOf(fake))).toBeGreaterThan(1);
  });

  it('are asked one by one where their agents do not say where they are', async () => {
    const { fake, all } = open(3);
    for (const host of all) fake.unnamed.add(host.name);
    const asked = () => Promise.all(all.map((host) => read(host, 'echo seen')));
    expect((await asked()).map(({ stdout }) => stdout)).toEqual(['seen\n', 'seen\n', 'seen\n']);
    expect(targetsOf(fake)).toEqual([3, 1, 1, 1]);
    await asked();
    expect(targetsOf(fake)).toEqual([3, 1, 1, 1, 1, 1, 1]);
  });

  it('bring long output whole, and each its own', async () => {
    const { all } = open(3);
    const text = 'i=0; while [ $i -lt 2000 ]; do echo "$1 $i"; i=$((i+1)); done';
    const asked = await Promise.all(all.map((host) => read(host, { text, args: ['line'] })));
    const whole = Array.from({ length: 2_000 }, (_, index) => `line ${index}\n`).join('');
    for (const { stdout } of asked) expect(stdout).toBe(whole);
  });

  it('are waited for each by itself: one that is given up keeps nobody waiting', async () => {
    const { all } = open(3);
    const [slow = raise(), ...others] = all;
    const given = new AbortController();
    const waiting = failureOf(slow.read({ text: 'echo seen' }, { signal: given.signal, timeoutMs: 60_000 }));
    const asking = others.map((host) => read(host, 'echo seen'));
    given.abort();
    expect(await waiting).toMatchObject({ code: 'CANCELLED' });
    expect((await Promise.all(asking)).map(({ stdout }) => stdout)).toEqual(['seen\n', 'seen\n']);
  });
});

function raise(): never {
  throw new Error('there is no such host');
}

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
