/**
 * Hosts that cannot be reached or say no, through the real command line against real ones: the sentence says what, on
 * what, why and what to do; the exit code is 1 (failed, nothing was changed); and nothing was changed, by the hosts' own word.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Lab } from '../../lab/hosts/lab.ts';
import { Desk, type Said } from '../../support/command-line.ts';
import { expectTrouble } from './expect-trouble.ts';

const reason = Lab.unavailable();

describe.skipIf(reason)(`a host${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let lab: Lab;
  let desk: Desk;
  let deaf: Server;
  const callers = new Set<Socket>();

  beforeAll(async () => {
    lab = await Lab.up({ hosts: ['b1', 'h1', 'h2', 'p1'] });
    desk = new Desk();
    deaf = createServer((socket) => {
      callers.add(socket);
      socket.on('error', () => undefined);
    });
    deaf.listen(0, '127.0.0.1');
    await once(deaf, 'listening');
    desk.write('belay.yaml', { hosts: hosts() });
    for (const [name, host] of Object.entries({ command: 'command', file: 'file' }))
      desk.write(`${name}.yaml`, runbook(host));
  }, 360_000);

  afterAll(async () => {
    for (const socket of callers) socket.destroy();
    deaf?.close();
    desk?.[Symbol.dispose]();
    await lab?.down();
  }, 60_000);

  /** The same hosts under the names of their troubles. */
  function hosts(): Record<string, object> {
    const { b1, h1, h2, p1 } = lab.inventory().hosts;
    const { port } = deaf.address() as { port: number };
    const nobody = lab.address('h1').replace(/\d+$/, '99');
    const keyOf = (host: string): string =>
      readFileSync(lab.knownHosts, 'utf8')
        .split('\n')
        .find((line) => line.split(' ')[0]?.split(',').includes(lab.address(host)))
        ?.split(' ')
        .slice(1)
        .join(' ') ?? '';
    const changed = desk.write('changed_hosts', `${lab.address('h1')} ${keyOf('h2')}\n`);
    const empty = desk.write('no_hosts', '');
    return {
      good: { ...h1 },
      nobody: { ...h1, address: nobody },
      refusing: { ...h1, port: 2222 },
      deaf: { ...h1, address: '127.0.0.1', port },
      frozen: { ...h2 },
      rogue: { ...h1, identityFile: lab.rogueKey },
      limited: { ...h1, user: 'limited' },
      changed: { ...h1, knownHostsFile: changed },
      unknown: { ...h1, knownHostsFile: empty },
      b1: { ...b1 },
      nobastion: { ...b1, address: nobody },
      behind: { ...p1, via: 'nobastion' },
      gone: { ...p1, address: lab.address('p1').replace(/\d+$/, '99'), via: 'b1' },
      keyless: { ...h1, identityFile: join(desk.folder, 'no-such-key') },
    };
  }

  function runbook(kind: string): object {
    const step =
      kind === 'file'
        ? { action: 'host:file', inputs: { Host: '{{ Host }}', Path: '/srv/evidence', Content: 'x' } }
        : {
            action: 'host:command',
            inputs: { Host: '{{ Host }}', Script: 'touch /srv/evidence' },
            undo: { none: 'the test looks at it' },
          };
    return {
      schemaVersion: '0.3',
      parameters: { Host: { type: 'String' } },
      mainSteps: [{ name: 'Act', ...step }],
    };
  }

  const run = (kind: string, host: string): Promise<Said> =>
    desk.belay(['run', `${kind}.yaml`, '-p', `Host=${host}`]);

  /** What a run could have left: the file, and the folders of commands. */
  async function traces(host: string): Promise<string> {
    const { stdout } = await lab.exec(
      host,
      'ls -d /srv/evidence /var/lib/belay/* /home/*/.belay/* /var/tmp/belay-*/* 2>/dev/null; true',
    );
    return stdout;
  }

  describe.concurrent('that cannot be worked on', () => {
    const cases: readonly (readonly [
      host: string,
      title: string,
      code: string,
      ...says: (string | RegExp)[],
    ])[] = [
      [
        'nobody',
        'that nobody is',
        'UNREACHABLE',
        /connecting to 10\.\d+\.0\.99 port 22 failed: (No route to host|Connection timed out)/,
      ],
      ['refusing', 'without sshd on that port', 'UNREACHABLE', 'port 2222 failed: Connection refused'],
      [
        'deaf',
        'that accepts and never answers',
        'NO_REPLY',
        'accepts connections and never answers',
        'It may be frozen',
      ],
      [
        'rogue',
        'that does not know the key',
        'AUTH_REFUSED',
        'permission denied',
        'Check user and identityFile',
      ],
      [
        'keyless',
        'whose key file is not there',
        'AUTH_REFUSED',
        'no-such-key',
        'Check user and identityFile',
      ],
      ['limited', 'whose account may not use sudo', 'SUDO_REFUSED', 'sudo refused', 'NOPASSWD'],
      [
        'changed',
        'whose key changed',
        'HOST_KEY_CHANGED',
        /Expected SHA256:\S+, got SHA256:\S+/,
        /ssh-keygen -R \S+ -f \S*changed_hosts/,
      ],
      ['unknown', 'whose key is not known', 'HOST_KEY_UNKNOWN', 'accepts no key by itself', 'ssh-keyscan'],
      ['behind', 'whose bastion nobody is', 'UNREACHABLE', 'bastion nobastion', /10\.\d+\.0\.99/],
      [
        'gone',
        'that its bastion cannot reach',
        'UNREACHABLE',
        'b1 is connected and cannot reach it',
        'No route to host',
      ],
    ];
    test.for(cases)(
      '%s: one %s is told, and nothing is changed',
      { timeout: 60_000 },
      async ([host, , code, ...says]) => {
        const kind = host === 'limited' || host === 'changed' ? 'file' : 'command';
        expectTrouble(
          await run(kind, host),
          1,
          `Act  ${host}`,
          code,
          ...says,
          `Nothing was changed on ${host}`,
        );
      },
    );
  });

  test('that was frozen is told, and goes on when it is thawed', async () => {
    await lab.freeze('h2');
    try {
      expectTrouble(
        await run('command', 'frozen'),
        1,
        'NO_REPLY',
        'never answers',
        'Nothing was changed on frozen',
      );
    } finally {
      await lab.thaw('h2');
    }
    expect(await traces('h2')).toBe('');
    expect((await run('command', 'frozen')).code).toBe(0);
    expect(await traces('h2')).toBe('/srv/evidence\n');
  }, 90_000);

  test('was not touched by any of these', async () => {
    expect(await traces('h1')).toBe('');
    expect(await traces('p1')).toBe('');
  });

  test('that is as it should be is worked on by the same runbook, and no ssh stays behind', async () => {
    const said = await run('command', 'good');
    expect(said.code).toBe(0);
    expect(await traces('h1')).toBe('/srv/evidence\n');
    const left = execFileSync('ps', ['-eo', 'args='], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => /^ssh\b/.test(line) && line.includes(lab.address('h1')));
    expect(left).toEqual([]);
  }, 60_000);

  test('where a step fails after a good one ends 3: the good one is undone', async () => {
    desk.write('two.yaml', {
      schemaVersion: '0.3',
      mainSteps: [
        { name: 'Write', action: 'host:file', inputs: { Host: 'good', Path: '/srv/first', Content: 'x' } },
        { name: 'Act', action: 'host:file', inputs: { Host: 'limited', Path: '/srv/second', Content: 'x' } },
      ],
    });
    expectTrouble(
      await desk.belay(['run', 'two.yaml']),
      3,
      'SUDO_REFUSED',
      '↶ Write',
      'rolled back clean',
      'belay logs',
    );
    const { stdout } = await lab.exec('h1', 'ls -d /srv/first /srv/second 2>/dev/null; true');
    expect(stdout).toBe('');
  }, 60_000);
});
