/** The sandbox's hosts beyond what real hosts share with them: what they refuse, and how time passes on them. */
import { describe, expect, it } from 'vitest';
import { parseFields } from '../../src/actions/scripts/fields.ts';
import { setFile } from '../../src/actions/scripts/file.ts';
import { checkHttp } from '../../src/actions/scripts/http.ts';
import { installPackages } from '../../src/actions/scripts/package.ts';
import { checkPostgresql } from '../../src/actions/scripts/postgresql.ts';
import { observeService, setService } from '../../src/actions/scripts/service.ts';
import { HostFailure, type Host, type HostScript } from '../../src/transports/host.ts';
import { memoryWorld, newWorld, sandboxAws, sandboxHost, sandboxIds } from '../../src/world/index.ts';
import { fakeClock } from './fake-clock.ts';

const signal = AbortSignal.timeout(60_000);
const nowhere = { write: () => undefined };
const bytes = (text: string) => new TextEncoder().encode(text);

function setUp() {
  const clock = fakeClock();
  const world = memoryWorld(newWorld(), clock);
  const hostNamed = (name: string): Host => {
    const host = sandboxHost(world, name);
    if (!host) throw new Error(`the sandbox has no ${name}`);
    return host;
  };
  const db1 = hostNamed('db1');
  const poll = (token: string, waitMs = 0, host = db1) =>
    host.poll(token, { from: { stdout: 0, stderr: 0 }, sink: nowhere, waitMs, signal });
  const run = async (script: HostScript, host = db1) => {
    const token = `t${world.now()}-${script.name ?? ''}`;
    await host.start(token, script, { signal });
    let stdout = '';
    const sink = {
      write: (stream: string, chunk: Uint8Array) =>
        void (stdout += stream === 'stdout' ? Buffer.from(chunk).toString() : ''),
    };
    await host.poll(token, { from: { stdout: 0, stderr: 0 }, sink, waitMs: 10_000, signal });
    return parseFields(stdout);
  };
  const read = async (script: HostScript, host = db1) =>
    parseFields((await host.read(script, { signal, timeoutMs: 1_000 })).stdout);
  const refusal = async (asked: Promise<unknown>): Promise<HostFailure> => {
    const outcome = await asked.then(() => undefined).catch((error: unknown) => error);
    if (outcome instanceof HostFailure) return outcome;
    throw new Error(`expected a HostFailure, got ${String(outcome)}`);
  };
  return { clock, world, aws: sandboxAws(world), hostNamed, db1, poll, run, read, refusal };
}

const check = (query = '', database = 'postgres') =>
  checkPostgresql(['postgres', '-', database, '60'], bytes(query));

describe('what the sandbox does not model', () => {
  it.each([
    ["an author's shell text", { text: 'rm -rf /' }, 'does not run shell text'],
    ['a script that it does not know', { name: 'minio/health', text: '' }, 'does not model minio/health'],
    ['SQL beyond counting', check('delete from orders'), 'does not run SQL such as "delete from orders"'],
    [
      'other hosts on the network',
      checkHttp(['http://example.com/', '5', '100', 'GET'], bytes('')),
      'does not model GET http://example.com/',
    ],
  ])('is refused by name: %s', async (_, script, named) => {
    const { db1, world, refusal, poll } = setUp();
    const before = structuredClone(world.look());
    for (const asked of [
      db1.read(script, { signal, timeoutMs: 1_000 }),
      db1.start('t1', script, { signal }),
    ]) {
      const failure = await refusal(asked);
      expect(failure).toMatchObject({ code: 'NOT_MODELLED', retryable: false, effect: 'none' });
      expect(failure.message).toContain('db1 (sandbox)');
      expect(failure.message).toContain(named);
      expect(failure.message).toContain('Nothing was changed');
    }
    expect(world.look()).toEqual(before);
    expect(await poll('t1')).toEqual({ kind: 'absent' });
  });
});

describe('a host', () => {
  it('is found by its name and by its instance id', () => {
    const { world } = setUp();
    expect(sandboxHost(world, 'db1')).toMatchObject({ transport: 'ssh', instanceId: sandboxIds.db1 });
    expect(sandboxHost(world, sandboxIds.db1)).toMatchObject({ name: sandboxIds.db1, transport: 'ssm' });
    expect(sandboxHost(world, 'db9')).toBeUndefined();
  });

  it('cannot be reached while its instance is stopped, and a command that ran then left no result', async () => {
    const { aws, clock, db1, poll, refusal } = setUp();
    await db1.start('t1', setService(['postgresql@15-main', 'stopped', '-']), { signal });
    const instances = { InstanceIds: [sandboxIds.db1] };
    await aws.call({ service: 'ec2', operation: 'StopInstances', params: instances });
    expect(await refusal(poll('t1'))).toMatchObject({ code: 'UNREACHABLE', retryable: true });
    clock.pass(1_000);
    await aws.call({ service: 'ec2', operation: 'StartInstances', params: instances });
    clock.pass(1_000);
    expect(await poll('t1')).toMatchObject({
      kind: 'vanished',
      reason: expect.stringContaining('went down'),
    });
  });

  it('comes back from a reboot with another boot id and its enabled units running', async () => {
    const { aws, clock, world, read, refusal } = setUp();
    const bootId = world.look().hosts['db1']?.bootId;
    const params = { InstanceIds: [sandboxIds.db1] };
    await aws.call({ service: 'ec2', operation: 'RebootInstances', params });
    expect(await refusal(read(check()))).toMatchObject({ code: 'UNREACHABLE' });
    clock.pass(1_000);
    expect((await read(check())).one('ready')).toBe('0');
    expect(world.look().hosts['db1']?.bootId).not.toBe(bootId);
  });
});

describe('a command', () => {
  it('runs for a while and is waited for', async () => {
    const { db1, poll } = setUp();
    await db1.start('t1', setService(['postgresql@15-main', 'stopped', '-']), { signal });
    expect(await poll('t1')).toMatchObject({ kind: 'running' });
    expect(await poll('t1', 10_000)).toMatchObject({ kind: 'exited', exitCode: 0 });
  });

  it('that is stopped ends by TERM, and its output is not repeated from the offset on', async () => {
    const { db1, poll } = setUp();
    await db1.start('t1', installPackages(['k', 'no', 'latest', 'libpq5']), { signal });
    await expect(db1.forget('t1', { signal })).rejects.toMatchObject({ code: 'STILL_RUNNING' });
    await db1.stop('t1', { signal });
    expect(await poll('t1')).toMatchObject({ kind: 'exited', exitCode: 143 });

    await db1.start('t2', setService(['postgresql', 'stopped', '-']), { signal });
    const first = await poll('t2', 10_000);
    if (first.kind !== 'exited') throw new Error(`it is ${first.kind}`);
    let more = 0;
    const counting = { write: () => void (more += 1) };
    await db1.poll('t2', { from: first.next, sink: counting, waitMs: 0, signal });
    expect(more).toBe(0);
  });

  it('leaves neither its environment nor its input in the state', async () => {
    const { db1, world } = setUp();
    const script = setService(['postgresql@15-main', 'stopped', '-']);
    const env = { PASSWORD: 'hunter2' };
    await db1.start('t1', { ...script, env, stdin: bytes('hunter3') }, { signal });
    expect(JSON.stringify(world.look())).not.toMatch(/hunter[23]/);
  });

  it('is not begun when it was cancelled before', async () => {
    const { db1, poll, refusal } = setUp();
    const script = setService(['postgresql@15-main', 'stopped', '-']);
    const failure = await refusal(db1.start('t1', script, { signal: AbortSignal.abort() }));
    expect(failure).toMatchObject({ code: 'CANCELLED', effect: 'none' });
    expect(await poll('t1')).toEqual({ kind: 'absent' });
  });
});

describe('a PostgreSQL server', () => {
  it('answers with the version that was installed when it last started', async () => {
    const { run, read, world } = setUp();
    expect((await read(check())).one('version')).toBe('15.18 (Debian 15.18-0+deb12u1)');
    await world.change((state) => {
      // An administrator who replaced the files by hand: the server runs on with the old ones.
      const packages = state.volumes[sandboxIds.db1Root]?.contents.system?.packages;
      const newest = state.repository['postgresql-15']?.at(-1);
      if (packages && newest)
        packages['postgresql-15'] = { release: newest, held: false, status: 'installed' };
    });
    expect((await read(check())).one('version')).toBe('15.18 (Debian 15.18-0+deb12u1)');
    await run(setService(['postgresql@15-main', 'restarted', '-']));
    expect((await read(check())).one('version')).toBe('15.20 (Debian 15.20-0+deb12u1)');
  });

  it('is upgraded together with what it needs, and started by its scripts', async () => {
    const { run, read } = setUp();
    await run(setService(['postgresql@15-main', 'stopped', '-']));
    const fields = await run(installPackages(['k', 'no', '15.20*', 'postgresql-15']));
    expect(fields.all('change').toSorted()).toEqual([
      'libpq5 15.18-0+deb12u1 15.20-0+deb12u1',
      'postgresql-15 15.18-0+deb12u1 15.20-0+deb12u1',
      'postgresql-client-15 15.18-0+deb12u1 15.20-0+deb12u1',
    ]);
    expect((await read(check())).one('version')).toBe('15.20 (Debian 15.20-0+deb12u1)');
  });

  it('does not lose its library to a downgrade', async () => {
    const { run } = setUp();
    await run(installPackages(['k1', 'no', '15.20*', 'postgresql-15']));
    const fields = await run(installPackages(['k2', 'no', '15.18*', 'libpq5']));
    expect(fields.one('failed')).toMatch(/^WOULD_REMOVE this would remove postgresql-15/);
  });

  it('is not upgraded when the old version could not be put back', async () => {
    const { run, world } = setUp();
    await world.change((state) => {
      const offered = state.repository['postgresql-15'] ?? [];
      state.repository['postgresql-15'] = offered.slice(1);
    });
    const args = ['15.20*', 'postgresql-15', 'postgresql-client-15', 'libpq5'];
    const refused = await run(installPackages(['k', 'no', ...args]));
    expect(refused.one('failed')).toMatch(/^UNDO_NOT_POSSIBLE postgresql-15 15\.18/);
    expect(refused.all('change')).toEqual([]);
    const allowed = await run(installPackages(['k', 'yes', ...args]));
    expect(allowed.all('change')).toHaveLength(3);
  });

  it('of a release that does not start fails the package, and the service says why', async () => {
    const { run, world } = setUp();
    await world.change((state) => {
      const newest = state.repository['postgresql-15']?.pop();
      if (!newest) return;
      const broken = { when: 'start', message: 'FATAL:  could not load library' } as const;
      state.repository['postgresql-15']?.push({ ...newest, broken });
    });
    const fields = await run(installPackages(['k', 'no', '15.20*', 'postgresql-15']));
    expect(fields.one('failed')).toMatch(/^INSTALL_FAILED .*could not load library/);
    const started = await run(setService(['postgresql@15-main', 'started', '-']));
    expect(started.one('failed')).toMatch(/^SERVICE_FAILED .*could not load library/);
  });

  it.each([
    ['select 1', '1'],
    ['select count(*) from orders;', '200000'],
    ['SELECT count(*) FROM pg_database', '3'],
  ])('answers %s', async (query, answer) => {
    const { read } = setUp();
    const encoded = (await read(check(query))).one('answer') ?? '';
    expect(Buffer.from(encoded, 'base64').toString()).toBe(`${answer}\n`);
  });

  it('says what is wrong with the data, and that a table is gone', async () => {
    const { read, world } = setUp();
    expect((await read(check('select count(*) from nothing'))).one('queryError')).toContain(' 42P01: ');
    await world.change((state) => {
      const data = state.volumes[sandboxIds.db1Data]?.contents.postgres;
      if (data) data.hurt = 'XX001: invalid page in block 7 of relation base/5/16384';
    });
    expect((await read(check('select count(*) from orders'))).one('queryError')).toContain(' XX001: ');
  });

  it('is not there when it is stopped, and not for a database that does not exist', async () => {
    const { run, read } = setUp();
    expect((await read(check('', 'nosuch'))).one('version')).toBeUndefined();
    await run(setService(['postgresql', 'stopped', '-']));
    expect((await read(observeService(['postgresql@15-main']))).one('ActiveState')).toBe('inactive');
    expect((await read(check())).one('ready')).toBe('2');
  });
});

describe('a web server', () => {
  it('serves the files of its folder to every host of the sandbox, while it runs', async () => {
    const { hostNamed, read, run } = setUp();
    const ask = async (url: string) => {
      const fields = await read(checkHttp([url, '5', '1000', 'GET'], bytes('')));
      const body = Buffer.from(fields.one('body') ?? '', 'base64').toString();
      return fields.one('unreachable') ?? `${fields.one('status')} ${body}`;
    };
    expect(await ask('http://web1/')).toBe('200 <h1>web1</h1>\n');
    expect(await ask('http://10.0.2.10/nothing')).toMatch(/^404 /);
    const args = ['k', '/var/www/html/health', 'present', '-', '-', '-', '-', '-', '-'];
    await run(setFile(args, bytes('fine\n')), hostNamed('web1'));
    expect(await ask('http://web1/health')).toBe('200 fine\n');
    expect(await ask('http://db1/')).toContain('Connection refused');
    await run(setService(['nginx', 'stopped', '-']), hostNamed('web1'));
    expect(await ask('http://web1/')).toContain('Connection refused');
  });
});
