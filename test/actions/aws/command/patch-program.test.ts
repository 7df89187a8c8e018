/** AWS-RunPatchBaseline's program with package managers that say what they are told to. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { patchProgram } from '../../../../src/actions/aws/command/patch-program.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'belay-patch-'));
  mkdirSync(join(folder, 'bin'));
  for (const tool of ['sh', 'sed', 'awk', 'grep', 'cat']) {
    const path = execFileSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim();
    symlinkSync(path, join(folder, 'bin', tool));
  }
});
afterEach(() => rmSync(folder, { recursive: true }));

function tool(name: string, body: string): void {
  const file = join(folder, 'bin', name);
  writeFileSync(file, `#!/bin/sh\necho "${name} $*" >>"${folder}/asked"\n${body}\n`);
  chmodSync(file, 0o755);
}

function patch(operation: string, reboot = 'NoReboot') {
  const text = `operation='${operation}' reboot='${reboot}'\n${patchProgram}`;
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', text], {
    env: { PATH: join(folder, 'bin') },
    encoding: 'utf8',
  });
  return { status, stdout, stderr, asked: readFileSync(join(folder, 'asked'), 'utf8').trim().split('\n') };
}

const apt = `case "$*" in
  *-s*upgrade*) echo 'Reading...'; echo 'Inst libssl3 [3.0.1] (3.0.2 Debian)'; echo 'Inst curl [7] (8 Debian)'; echo 'Conf curl (8 Debian)' ;;
  *update*) exit \${UPDATE:-0} ;;
esac`;
const dnf = `case "$*" in
  *check-update*) echo; echo 'openssl.x86_64   1:3.0.7-27.el9   baseos'; echo 'kernel.x86_64  5.14  baseos'; echo 'Obsoleting Packages'; echo 'a.noarch 1 x'; exit 100 ;;
esac`;

test('Scan with apt lists what is behind, and asks for no change', () => {
  tool('apt-get', apt);
  const { status, stdout, asked } = patch('Scan');
  expect([status, stdout]).toEqual([
    0,
    'operation Scan: 2 packages are behind their repositories\nlibssl3\ncurl\n',
  ]);
  expect(asked).toEqual(['apt-get -q update', 'apt-get -s -q upgrade']);
});

test('Install with apt upgrades what is behind, and keeps configuration files', () => {
  tool('apt-get', apt);
  const { status, asked } = patch('Install');
  expect(status).toBe(0);
  expect(asked.at(-1)).toBe(
    'apt-get -q -y -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold upgrade',
  );
});

test('Install changes nothing where nothing is behind', () => {
  tool('apt-get', 'exit 0');
  const { status, stdout, asked } = patch('Install');
  expect([status, stdout]).toEqual([0, 'operation Install: 0 packages are behind their repositories\n']);
  expect(asked).toEqual(['apt-get -q update', 'apt-get -s -q upgrade']);
});

test('lists that cannot be refreshed are a failure, and nothing is claimed of packages', () => {
  tool('apt-get', apt.replace('${UPDATE:-0}', '100'));
  expect(patch('Scan')).toMatchObject({
    status: 1,
    stdout: '',
    stderr: 'the lists of packages cannot be refreshed\n',
  });
});

test('an upgrade that fails is a failure', () => {
  tool('apt-get', `${apt}\ncase "$*" in *-y*) exit 100 ;; esac`);
  expect(patch('Install')).toMatchObject({ status: 1, stderr: 'the packages could not be upgraded\n' });
});

test('Scan and Install with dnf', () => {
  tool('dnf', dnf);
  expect(patch('Scan')).toMatchObject({
    status: 0,
    stdout: 'operation Scan: 2 packages are behind their repositories\nopenssl.x86_64\nkernel.x86_64\n',
  });
  expect(patch('Install').asked.at(-1)).toBe('dnf -q -y upgrade');
});

test('a reboot that is due ends it with 194 where it is asked for, and is only told otherwise', () => {
  tool('dnf', dnf);
  tool('needs-restarting', 'exit 1');
  expect(patch('Install', 'RebootIfNeeded')).toMatchObject({ status: 194 });
  const told = patch('Install', 'NoReboot');
  expect(told.status).toBe(0);
  expect(told.stdout).toContain('a reboot is needed');
});

test('dnf that cannot tell is a failure', () => {
  tool('dnf', 'exit 1');
  expect(patch('Scan')).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('cannot be told') as string,
  });
});

test('a host with neither is told so', () => {
  tool('apk', 'exit 0');
  writeFileSync(join(folder, 'asked'), '');
  expect(patch('Scan')).toMatchObject({ status: 1, stderr: 'this host has neither apt nor dnf\n' });
});
