/**
 * Another machine under a known name, through the real command line against real OpenSSH servers. The server's forced
 * command shows a machine-id of its own, so that a loopback server can become another machine.
 */
import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BelayFolder } from '../../cli/belay-process.ts';
import { makeSshLab, noSshd, type Sshd, type SshLab } from './sshd.ts';

const title = `who answers under a name${noSshd === undefined ? '' : ` (skipped: ${noSshd})`}`;
const [first, second] = ['a', 'b'].map((digit) => digit.repeat(32));

describe.skipIf(noSshd !== undefined)(title, { timeout: 90_000 }, () => {
  let lab: SshLab;
  let folder: BelayFolder;
  let servers: { readonly db1: Sshd; readonly db2: Sshd };
  const machine = (text: string) => writeFileSync(join(lab.folder, 'machine'), `${text}\n`);
  const cloud = (text: string) => writeFileSync(join(lab.folder, 'cloud'), `${text}\n`);
  const ran = (name: string) => existsSync(join(lab.folder, name));

  beforeAll(async () => {
    lab = makeSshLab();
    const force = join(lab.folder, 'force');
    writeFileSync(
      force,
      `#!/bin/sh
exec /bin/sh -c "$(printf %s "$SSH_ORIGINAL_COMMAND" | sed 's#/etc/machine-id#${lab.folder}/machine#g; s#/run/cloud-init/.instance-id#${lab.folder}/cloud#g')"
`,
    );
    chmodSync(force, 0o755);
    const lines = [`ForceCommand ${force}`];
    servers = { db1: await lab.start(lines), db2: await lab.start(lines) };
    lab.know(servers.db1, servers.db2);
    folder = new BelayFolder();
    hosts();
    folder.write('two.yaml', runbook('Before', 'After'));
  });
  afterAll(async () => {
    folder?.clear();
    await lab?.close();
  });

  function hosts(more: Record<string, object> = {}): void {
    const host = (name: 'db1' | 'db2') => ({
      address: '127.0.0.1',
      port: servers[name].port,
      user: lab.address(servers[name]).user,
      identityFile: lab.identityFile,
      knownHostsFile: lab.knownHosts,
      ...more[name],
    });
    folder.write('belay.yaml', JSON.stringify({ hosts: { db1: host('db1'), db2: host('db2') } }));
  }
  function runbook(...names: readonly [string, string]): string {
    const [before, after] = names.map((name) => ({
      name,
      action: 'host:command',
      inputs: { Host: 'db1', Script: `touch ${lab.folder}/$0-${name}`.replace('$0-', '') },
      undo: { none: 'the test looks at it' },
    }));
    const pause = { name: 'Wait', action: 'aws:pause', inputs: {} };
    return JSON.stringify({ schemaVersion: '0.3', mainSteps: [before, pause, after] });
  }
  /** Runs up to the pause. */
  async function upToPause(): Promise<string> {
    for (const name of ['Before', 'After']) rmSync(join(lab.folder, name), { force: true });
    const { stderr, stdout } = await folder.run(['run', 'two.yaml', '-y', '--no-wait']);
    expect(ran('Before'), stderr).toBe(true);
    const id = /\b[0-9A-HJKMNP-TV-Z]{12}\b/.exec(`${stderr}${stdout}`)?.[0] ?? '';
    const continued = await folder.run(['continue', id]);
    expect(continued.code, continued.stderr).toBe(0);
    return id;
  }

  test('another machine is refused by a later runner before anything is done on it', async () => {
    machine(first ?? '');
    cloud('');
    const id = await upToPause();
    machine(second ?? '');
    const refused = await folder.run(['resume', id]);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain(
      'db1: another machine answers under this name than before in this execution',
    );
    expect(refused.stderr).toContain(`machineId: ${second}`);
    expect(ran('After')).toBe(false);
  });

  test('a rebuilt host that belay.yaml names by its machine-id is worked on', async () => {
    machine(first ?? '');
    const id = await upToPause();
    machine(second ?? '');
    hosts({ db1: { machineId: second } });
    const resumed = await folder.run(['resume', id]);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(ran('After')).toBe(true);
    hosts();
  });

  test('an instance that is not the one of belay.yaml is refused before the first effect', async () => {
    machine(first ?? '');
    cloud('i-0fedcba9876543210');
    hosts({ db1: { instanceId: 'i-0123456789abcdef0' } });
    rmSync(join(lab.folder, 'Before'), { force: true });
    const refused = await folder.run(['run', 'two.yaml', '-y', '--no-wait']);
    expect(refused.stderr).toContain(
      'belay.yaml says that db1 is i-0123456789abcdef0, and instance i-0fedcba9876543210 answers',
    );
    expect(ran('Before')).toBe(false);
    hosts();
  });

  test('doctor names two names that are one machine, and an instance id that nobody could confirm', async () => {
    machine(first ?? '');
    cloud('');
    hosts({ db2: { instanceId: 'i-0123456789abcdef0' } });
    const { stdout, stderr } = await folder.run(['doctor']);
    const said = `${stdout}${stderr}`;
    expect(said).toMatch(/db1 and db2 are one machine/);
    expect(said).toContain('i-0123456789abcdef0 is not confirmed');
    hosts();
  });
});
