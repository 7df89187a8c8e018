/**
 * Secrets through the real command line, on a real host and against AWS: wherever they are used, they arrive; and they can be
 * read nowhere else: in no file, no output, no command line of any process, no call to AWS but the one that keeps a secret.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { labRegion, labWorld, worldMissing, type LabWorldWithAws } from '../../lab/world.ts';
import { Desk, idOf, type Said } from '../../support/command-line.ts';
import { watchMissing } from '../../support/exec-watch/exec-watch.ts';
import { base64Parts } from '../../support/secret-search/forms.ts';
import { expectNoInsides } from '../trouble/expect-trouble.ts';
import { password, privateKey, readable, readableInFolder, type Canary } from './canary.ts';
import { beginWatch, type Watched } from './process-watch.ts';

const reason = worldMissing();
/** Whom moto takes everybody for. */
const caller = 'arn:aws:sts::123456789012:user/moto';
const leaky = join(import.meta.dirname, 'leaky.yaml');

describe.skipIf(reason)(`secrets${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let world: LabWorldWithAws;
  let desk: Desk;
  let word: Canary;
  let key: Canary;
  let both: readonly Canary[];

  beforeAll(async () => {
    world = await labWorld({ hosts: ['h1'], aws: true });
  }, 360_000);
  afterAll(() => world?.down(), 60_000);
  beforeEach(() => {
    desk = new Desk(world.env);
    desk.write('belay.yaml', {
      hosts: {
        h1: world.lab.inventory().hosts['h1'],
        cloud: { transport: 'ssm', instanceId: world.instanceId('h1') },
      },
    });
    [word, key] = [password(), privateKey()];
    both = [word, key];
  });
  afterEach(() => desk[Symbol.dispose]());

  const needles = (): string[] =>
    both.flatMap(({ cores }) => cores.flatMap((core) => [core, ...base64Parts(core)]));

  /** Everything that Belay says and keeps, and what stayed on the host and with AWS. */
  async function expectNowhere(id: string, said: readonly Said[]): Promise<void> {
    const told = said.map((one, index) => ({ what: `output ${index + 1}`, ...one }));
    for (const words of [['show', id], ['show', id, '--json'], ['logs', id], ['list', '--json'], ['list']])
      told.push({ what: words.join(' '), ...(await desk.belay(words)) });
    const found = told.flatMap(({ what, stdout, stderr }) =>
      `${stdout}\n${stderr}`
        .split('\n')
        .flatMap((line) => readable(Buffer.from(line), both).map((how) => `${what}: ${how}: ${line}`)),
    );
    expect(found).toEqual([]);
    for (const { stdout, stderr } of told) {
      expect(readable(Buffer.from(`${stdout}\n${stderr}`), both)).toEqual([]);
      expectNoInsides(stderr);
    }
    expect(readableInFolder(desk.state, both)).toEqual([]);
    const journal = world.endpoint.journal.entries();
    expect(readable(Buffer.from(JSON.stringify(journal)), both)).toEqual([]);
    expect(await onHost()).toBe('');
  }

  /** Files of the host in which a part of a secret stands, and lines of its log. */
  async function onHost(): Promise<string> {
    const patterns = needles().join('\n');
    const { stdout } = await world.lab.exec(
      'h1',
      `cat >/dev/shm/needles
       grep -rlaF -f /dev/shm/needles /etc /home /root /run /srv /tmp /usr/local /var 2>/dev/null
       journalctl --no-pager -o export -a | grep -aF -f /dev/shm/needles
       rm /dev/shm/needles`,
      { stdin: `${patterns}\n` },
    );
    return stdout;
  }

  /** From the start to the question, from the answer to the end; and the command lines that were seen meanwhile. */
  async function runLeaky(
    host: string,
    secrets: readonly string[],
    env: Record<string, string>,
  ): Promise<{ id: string; said: Said[]; watched: Watched }> {
    const watch = await beginWatch(needles());
    try {
      const words = secrets.flatMap((secret) => ['--secret', secret]);
      const first = await desk.belay(
        ['run', leaky, '-p', `Host=${host}`, '-p', `Approver=${caller}`, ...words, '--no-wait'],
        { env },
      );
      expect({ code: first.code, stderr: first.stderr }).toEqual({ code: 6, stderr: first.stderr });
      expect(first.stderr).toContain('Shall *** fail now?');
      const id = idOf(first);
      const file = await world.lab.exec('h1', 'cat /etc/evidence.secret; stat -c %a /etc/evidence.secret');
      expect(file.stdout).toBe(`${word.value}\n${key.value}600\n`);
      const answer = await desk.belay(['approve', id]);
      expect(answer.code).toBe(0);
      const second = await desk.belay(['resume', id], { env });
      return { id, said: [first, answer, second], watched: await watch.end() };
    } catch (error) {
      await watch.end();
      throw error;
    }
  }

  function expectArrived(id: string, said: readonly Said[]): void {
    const log = readFileSync(join(desk.state, 'executions', id, 'logs', printed(id)), 'utf8');
    for (const [name, { value }] of Object.entries({ password: word, key }))
      expect(log).toContain(`${name} ${createHash('sha256').update(value).digest('hex')}`);
    expect(log).toContain('plain *** and user:***@db');
    expect(log).toContain('halves***\n');
    expect(said.at(-1)?.stderr).toContain("login as 'admin' with '***' was refused");
  }

  function printed(id: string): string {
    const names = readdirSync(join(desk.state, 'executions', id, 'logs'));
    return names.find((name) => name.startsWith('Print') && name.endsWith('.stdout')) ?? '';
  }

  test('of the environment and of a file are used everywhere, and can be read nowhere', async () => {
    const file = desk.write('key.pem', key.value);
    const { id, said, watched } = await runLeaky('h1', ['Password=env:DB_PASSWORD', `Key=file:${file}`], {
      DB_PASSWORD: word.value,
    });
    expect(said.at(-1)?.code).toBe(3);
    expect((await world.lab.exec('h1', 'ls /etc/evidence.secret')).code).not.toBe(0);
    expectArrived(id, said);
    expect(watched.caught).toEqual([]);
    expect(watched.looked).toBeGreaterThan(100);
    await expectNowhere(id, said);
    console.log(watched.how);
  }, 120_000);

  test('of Parameter Store and of Secrets Manager are used everywhere, and can be read nowhere', async () => {
    await aws('ssm', 'AmazonSSM.PutParameter', {
      Name: '/evidence/word',
      Value: word.value,
      Type: 'SecureString',
      Overwrite: true,
    });
    // A name of its own: a second try of the test meets the endpoint of the first.
    const name = `evidence/key-${randomUUID()}`;
    await aws('secretsmanager', 'secretsmanager.CreateSecret', {
      Name: name,
      SecretString: key.value,
    });
    const { id, said, watched } = await runLeaky(
      'h1',
      ['Password=ssm:/evidence/word', `Key=secretsmanager:${name}`],
      {},
    );
    expect(said.at(-1)?.code).toBe(3);
    expectArrived(id, said);
    expect(watched.caught).toEqual([]);
    await expectNowhere(id, said);
  }, 120_000);

  test('are not sent over SSM, whose parameters AWS keeps: nothing is sent', async () => {
    const runbook = (action: string, inputs: object): string =>
      desk.write('cloud.yaml', {
        schemaVersion: '0.3',
        parameters: { Password: { type: 'String', secret: true } },
        mainSteps: [{ name: 'Send', action, inputs, undo: { none: 'it is refused' } }],
      });
    const cases = [
      ['host:command', { Host: 'cloud', Script: 'true', Env: { PASSWORD: '{{ Password }}' } }],
      ['host:file', { Host: 'cloud', Path: '/etc/evidence.secret', Content: '{{ Password }}' }],
      [
        'aws:runCommand',
        {
          DocumentName: 'AWS-RunShellScript',
          InstanceIds: [world.instanceId('h1')],
          Parameters: { commands: ['echo {{ Password }}'] },
        },
      ],
    ] as const;
    for (const [action, inputs] of cases) {
      runbook(action, inputs);
      const said = await desk.belay(['run', 'cloud.yaml', '--secret', 'Password=env:PW'], {
        env: { PW: word.value },
      });
      expect(said.stderr).toMatch(/SECRET_OVER_SSM|SECRET_IN_COMMAND|EXPRESSION_IN_COMMAND|SECRET_PARAMETER/);
      expect([1, 2]).toContain(said.code);
      expectNoInsides(said.stderr);
      expect(readable(Buffer.from(said.stdout + said.stderr), both)).toEqual([]);
    }
    expect(readable(Buffer.from(JSON.stringify(world.endpoint.journal.entries())), both)).toEqual([]);
    expect(readableInFolder(desk.state, both)).toEqual([]);
  }, 120_000);

  test('do not stand in what a killed runner left, and are read anew: a missing one ends 6 and says what to supply', async () => {
    desk.write('slow.yaml', {
      schemaVersion: '0.3',
      parameters: { Password: { type: 'String', secret: true }, Key: { type: 'String', secret: true } },
      // What Slow prints of the password is read by another runner, which has another password: it is withheld.
      mainSteps: Object.entries({ Slow: '', Again: 'echo "$PASSWORD"; ' }).map(([name, print]) => ({
        name,
        action: 'host:command',
        undo: { none: 'it prints' },
        inputs: {
          Host: 'h1',
          Env: { PASSWORD: '{{ Password }}', KEY: '{{ Key }}' },
          ShowOutput: true,
          Script: `${print}echo "$KEY"; sleep 2; printf "%s" "$PASSWORD" | sha256sum`,
        },
      })),
    });
    const file = desk.write('key.pem', key.value);
    const env = { PW: word.value };
    const going = desk.start(
      ['run', 'slow.yaml', '--secret', 'Password=env:PW', '--secret', `Key=file:${file}`],
      { env },
    );
    await going.writes(/▸ Slow/);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    going.process.kill('SIGKILL');
    const killed = await going.said;
    expect(readableInFolder(desk.state, both)).toEqual([]);
    const id = idOf(killed);

    const missing = await desk.belay(['resume', id]);
    expect(missing.code).toBe(6);
    for (const part of [
      'MISSING_SECRET',
      `${id} waits for a secret`,
      'Password: the environment variable PW is not set',
      `belay resume ${id}`,
    ])
      expect(missing.stderr).toContain(part);
    expectNoInsides(missing.stderr);

    const other = password();
    both = [word, key, other];
    const resumed = await desk.belay(['resume', id], { env: { PW: other.value } });
    expect({ code: resumed.code, stderr: resumed.stderr }).toEqual({ code: 0, stderr: resumed.stderr });
    const { stdout } = await desk.belay(['logs', id]);
    const hashes = [...stdout.matchAll(/^[0-9a-f]{64}/gm)].map(([hash]) => hash);
    expect(hashes).toEqual([createHash('sha256').update(other.value).digest('hex')]);
    expect(stdout).toContain('the output is withheld: the step was given another value of Password');
    await expectNowhere(id, [killed, missing, resumed]);
  }, 120_000);

  test('do not come into the sandbox, whose world is a file', async () => {
    desk.write('write.yaml', {
      schemaVersion: '0.3',
      parameters: { Password: { type: 'String', secret: true } },
      mainSteps: [
        {
          name: 'Write',
          action: 'host:file',
          inputs: { Host: 'db1', Path: '/etc/app.secret', Content: 'x={{ Password }}' },
        },
      ],
    });
    const said = await desk.belay(['run', 'write.yaml', '--sandbox', '--secret', 'Password=-'], {
      stdin: `${word.value}\n`,
    });
    expect({ code: said.code, stderr: said.stderr }).toEqual({ code: 0, stderr: said.stderr });
    expect(readableInFolder(desk.state, both)).toEqual([]);
  });

  test('would be found: the watch sees a short-lived process of a host, and the search sees every form', async () => {
    const planted = password({ isPlanted: true });
    const [core = ''] = planted.cores;
    const isPolled = watchMissing() !== undefined;
    const watch = await beginWatch([core]);
    await world.lab.exec('h1', ['sh'], {
      stdin: `sh -c '${isPolled ? 'sleep 0.3' : ':'}' ${core}; cat /proc/1/comm\n`,
    });
    const { caught } = await watch.end();
    expect(caught.join('\n')).toContain(`sh -c ${isPolled ? 'sleep 0.3' : ':'} ${core}`);
    const forms = [
      planted.value,
      JSON.stringify(planted.value),
      encodeURIComponent(planted.value),
      Buffer.from(planted.value).toString('hex'),
      ...['', 'x', 'xy'].map((before) => Buffer.from(before + planted.value).toString('base64')),
      Buffer.from(planted.value)
        .toString('base64')
        .replaceAll(/(.{20})/g, '$1\n'),
    ];
    for (const form of forms) expect(readable(Buffer.from(`.. ${form} ..`), [planted])).not.toEqual([]);
    desk.write('state/deep/file', `x${planted.value}`);
    expect(readableInFolder(desk.state, [planted])).not.toEqual([]);
    both = [planted];
    await world.lab.exec('h1', ['tee', '/var/tmp/planted'], {
      stdin: Buffer.from(planted.value).toString('base64'),
    });
    expect(await onHost()).toBe('/var/tmp/planted\n');
    await world.lab.exec('h1', ['rm', '/var/tmp/planted']);
  }, 60_000);

  async function aws(service: string, target: string, params: object): Promise<void> {
    const answer = await fetch(world.endpoint.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': target,
        authorization: `AWS4-HMAC-SHA256 Credential=lab/20260101/${labRegion}/${service}/aws4_request, SignedHeaders=host, Signature=0`,
      },
      body: JSON.stringify(params),
    });
    if (!answer.ok) throw new Error(`${target}: ${answer.status} ${await answer.text()}`);
  }
});
