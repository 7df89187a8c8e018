/**
 * One step over many hosts, on real ones over ssh: who is meant, how many may fail, hosts that are down, that lie, or that have two
 * names, the undo of each, and a runner that is killed in the middle; and the runbook hosts/roll-out-file.
 */
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/json.ts';
import { newExecutionId } from '../../src/runtime/execution-id.ts';
import { BelayFolder, idIn, type Ended } from '../cli/belay-process.ts';
import { makeSshLab, noSshd, type SshLab } from '../transports/hosts/sshd.ts';
import { Lab } from './hosts/lab.ts';

const reason = Lab.unavailable() ?? noSshd;
const names = ['h1', 'h2', 'h3', 'h4'] as const;
const path = '/root/over-hosts';

describe.skipIf(reason)(`Hosts over ssh${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let lab: Lab;
  let liars: SshLab;
  let folder: BelayFolder;

  beforeAll(async () => {
    lab = await Lab.up({ hosts: names });
    liars = makeSshLab();
    const lie = join(liars.folder, 'lie');
    // It says honestly who it is, and then something that makes no sense.
    writeFileSync(
      lie,
      '#!/bin/sh\ncase $SSH_ORIGINAL_COMMAND in *readlink*) /bin/sh -c "$SSH_ORIGINAL_COMMAND" </dev/null; IFS= read -r go ;; esac\nhead -c 300000 /dev/urandom; head -c 9000000 /dev/urandom >&2; sleep 60\n',
    );
    chmodSync(lie, 0o755);
    const liar = await liars.start([`ForceCommand ${lie}`]);
    liars.know(liar);
    folder = new BelayFolder();
    const { hosts } = lab.inventory();
    const { user, port } = liars.address(liar);
    const tags: Record<string, string> = { h1: 'web', h2: 'db', h3: 'db', h4: 'web' };
    const entries = names.map((name) => [name, { ...hosts[name], tags: { Role: tags[name] } }]);
    const nobody = lab.address('h1').replace(/\d+$/, '99');
    folder.write(
      'belay.yaml',
      JSON.stringify({
        hosts: {
          ...Object.fromEntries(entries),
          down: { ...hosts['h1'], address: nobody },
          twin: hosts['h2'],
          liar: {
            address: '127.0.0.1',
            port,
            user,
            identityFile: liars.identityFile,
            knownHostsFile: liars.knownHosts,
          },
        },
        groups: { web: ['h4', 'h1'] },
      }),
    );
  }, 360_000);
  afterAll(async () => {
    folder?.clear();
    await liars?.close();
    await lab?.down();
  }, 60_000);

  beforeEach(async () => {
    for (const name of names) await lab.exec(name, `rm -rf ${path}*; echo of-${name} >${path}`);
  });

  const contents = async (): Promise<Record<string, string>> =>
    Object.fromEntries(
      await Promise.all(
        names.map(async (name) => [name, (await lab.exec(name, `cat ${path}`)).stdout.trim()] as const),
      ),
    );
  const untouched = Object.fromEntries(names.map((name) => [name, `of-${name}`]));
  const put = (inputs: JsonObject) => ({
    name: 'Put',
    action: 'host:file',
    inputs: { Path: path, Content: 'new\n', ...inputs },
  });
  const fail = {
    name: 'Fail',
    action: 'host:command',
    inputs: { Host: 'h1', Command: ['false'] },
    undo: { none: 'it does nothing' },
  };
  const run = (...mainSteps: object[]): Promise<Ended> => {
    folder.write(
      'r.yaml',
      JSON.stringify({
        schemaVersion: '0.3',
        rollback: { when: 'onFailure', timeoutSeconds: 300 },
        mainSteps,
      }),
    );
    return folder.run(['run', 'r.yaml', '-y', '--json']);
  };
  const eventsOf = ({ stdout }: Ended): readonly JsonObject[] =>
    stdout
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as JsonObject);

  test(
    'group, tag, range and list are one list, each host once, and all of it is undone',
    { timeout: 120_000 },
    async () => {
      const ended = await run(
        put({ Hosts: ['group:web', 'tag:Role=db', 'h{1..4}', 'h2'], MaxConcurrency: 2, MaxErrors: '50%' }),
        fail,
      );
      expect(ended.code, ended.stderr).toBe(3);
      expect(await contents()).toEqual(untouched);
      const said = eventsOf(ended).filter(({ type, step }) => type === 'TurnEnded' && step === 'Put');
      expect(said.map(({ target }) => JSON.stringify(target)).toSorted()).toEqual(
        names.map((name) => JSON.stringify(name)),
      );
      expect(said.every(({ of }) => of === 4)).toBe(true);
    },
  );

  test.each([1, '34%'])(
    'a host that is down and one that may fail: with MaxErrors %s the others are done, and it is named',
    { timeout: 120_000 },
    async (MaxErrors) => {
      const ended = await run(put({ Hosts: ['h1', 'down', 'h2'], MaxErrors }));
      expect(ended.code, ended.stderr).toBe(0);
      expect(ended.stdout).toContain('2 of 3 hosts done, failed: down');
      expect(await contents()).toEqual({ ...untouched, h1: 'new', h2: 'new' });
    },
  );

  test(
    'without an error to spare nothing is begun behind the host that is down, and what was done is undone',
    { timeout: 120_000 },
    async () => {
      const ended = await run(put({ Hosts: ['h1', 'down', 'h2'], MaxConcurrency: 3 }));
      expect(ended.code, ended.stderr).toBe(3);
      expect(ended.stdout).toMatch(/Put failed on 1 of 3 hosts \(down: .*; 1 not begun\)/);
      expect(await contents()).toEqual(untouched);
    },
  );

  test('a host that answers nonsense fails by itself', { timeout: 120_000 }, async () => {
    const ended = await run(put({ Hosts: ['liar', 'h1', 'h2'], MaxErrors: 1 }));
    expect(ended.code, ended.stderr).toBe(0);
    expect(`${ended.stdout}${ended.stderr}`).not.toMatch(/bug in Belay/i);
    expect(ended.stdout).toContain('2 of 3 hosts done, failed: liar');
    expect(await contents()).toEqual({ ...untouched, h1: 'new', h2: 'new' });
  });

  test(
    'two names of one machine: nothing is done under the second, and what the first got is undone',
    { timeout: 120_000 },
    async () => {
      const ended = await run(put({ Hosts: ['h1', 'h2', 'twin', 'h3'] }));
      expect(ended.code, ended.stderr).toBe(3);
      expect(ended.stdout).toContain('twin is the same machine as h2');
      expect(await contents()).toEqual(untouched);
      const most = await run(put({ Hosts: ['h1', 'h2', 'twin'], MaxErrors: 1 }));
      expect(most.code, most.stderr).toBe(0);
      expect(most.stdout).toMatch(/2 of 3 hosts done, failed: (?:twin|h2)/);
      expect(await contents()).toEqual({ ...untouched, h1: 'new', h2: 'new' });
    },
  );

  test(
    'the shipped roll-out puts the file everywhere, has the service read it, and a rollback takes all of it back',
    { timeout: 180_000 },
    async () => {
      const unit = '[Service]\\nExecStart=/bin/sleep infinity\\n';
      for (const name of names)
        await lab.exec(
          name,
          `printf '${unit}' >/etc/systemd/system/idle.service; systemctl daemon-reload; systemctl start idle`,
        );
      const started = async (): Promise<string[]> =>
        Promise.all(
          names.map(
            async (name) =>
              (await lab.exec(name, 'systemctl show -p ExecMainStartTimestampMonotonic idle')).stdout,
          ),
        );
      const before = await started();
      const given = {
        Hosts: '["h{1..4}"]',
        Path: path,
        Content: 'rolled out',
        Service: 'idle',
        State: 'restarted',
        MaxConcurrency: '50%',
        MaxErrors: '1',
        Soak: 'PT1S',
      };
      const runbook = join(import.meta.dirname, '..', '..', 'runbooks', 'hosts', 'roll-out-file.yaml');
      const words = Object.entries(given).flatMap(([name, value]) => ['-p', `${name}=${value}`]);
      const ended = await folder.run(['run', runbook, '-y', ...words]);
      expect(ended.code, ended.stderr).toBe(0);
      expect(await contents()).toEqual(Object.fromEntries(names.map((name) => [name, 'rolled out'])));
      const between = await started();
      expect(between.filter((one, index) => one === before[index])).toEqual([]);
      const back = await folder.run(['rollback', idIn(ended.stderr), '-y']);
      expect(back.code, back.stderr).toBe(0);
      expect(await contents()).toEqual(untouched);
      expect((await started()).filter((one, index) => one === between[index])).toEqual([]);
    },
  );

  test(
    'a runner that is killed forward and in undo is taken over: each host is acted on and undone once',
    { timeout: 240_000 },
    async () => {
      const mark = (word: string, inputs: JsonObject) => ({
        action: 'host:command',
        inputs: { ...inputs, Script: `echo ${word} >>${path}.marks; sleep 0.5` },
      });
      folder.write(
        'kill.yaml',
        JSON.stringify({
          schemaVersion: '0.3',
          rollback: { when: 'onFailure', timeoutSeconds: 300 },
          mainSteps: [
            {
              name: 'Mark',
              ...mark('do', { Hosts: ['h{1..4}'], MaxConcurrency: 2, MaxErrors: '100%' }),
              undo: [{ name: 'Back', ...mark('undo', { Host: '{{ inputs.Host }}' }) }],
            },
            fail,
          ],
        }),
      );
      const id = newExecutionId(Date.now());
      const marks = async (): Promise<string[]> =>
        Promise.all(
          names.map(async (name) => (await lab.exec(name, `cat ${path}.marks 2>/dev/null; true`)).stdout),
        );
      const count = async (): Promise<number> => (await marks()).join('').split('\n').length - 1;
      let running = folder.start(['run', 'kill.yaml', '-y', '--id', id]);
      for (const wanted of [1, 3, 6]) {
        const hasEnded = (): boolean => running.child.exitCode !== null;
        while ((await count()) < wanted && !hasEnded()) await delay(20);
        if (hasEnded()) break;
        const gone = once(running.child, 'exit');
        running.child.kill('SIGKILL');
        const [code] = (await gone) as [number | null];
        if (code !== null) break;
        running = folder.start(['resume', id]);
      }
      const { code, stderr } = await running.ended;
      expect(code, stderr).toBe(3);
      expect(await marks()).toEqual(names.map(() => 'do\nundo\n'));
    },
  );
});
