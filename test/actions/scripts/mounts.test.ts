/** What is mounted where, asked of a findmnt as Enterprise Linux 7 has it: it knows no -M, and lists. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { mountsText } from '../../../src/actions/scripts/mounts.ts';

const folder = mkdtempSync(join(tmpdir(), 'belay-mounts-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A findmnt 2.23 that prints this; without lines it fails, as where /proc is closed. */
function findmnt(lines: readonly string[]): void {
  const list = join(folder, 'list');
  writeFileSync(list, lines.map((line) => `${line}\n`).join(''));
  const file = join(folder, 'findmnt');
  writeFileSync(
    file,
    `#!/bin/sh
case " $* " in *" -M "* | *" -T "*) echo "findmnt: invalid option -- 'M'" >&2; exit 1 ;; esac
[ -s ${list} ] || exit 1
cat ${list}
`,
  );
  chmodSync(file, 0o755);
}

function shell(program: string) {
  const text = `set -u; PATH=${folder}:$PATH; fail() { echo "failed $*"; exit 3; }\n${mountsText}\n${program}`;
  const { stdout, status } = spawnSync('/bin/sh', ['-c', text], { encoding: 'utf8' });
  return { said: stdout.trim().split('\n'), status };
}

beforeEach(() =>
  findmnt([
    '/ /dev/vda1 ext4',
    '/data /dev/vdb xfs',
    '/data /dev/vdc xfs',
    '/data/pg\\x20wal /dev/vdd[/wal] xfs',
    '/database /dev/vde xfs',
  ]),
);

test('a mount is found by its very point, the topmost last, also with a blank in it', () => {
  expect(shell('mounts_at /data SOURCE,FSTYPE').said).toEqual(['/dev/vdb xfs', '/dev/vdc xfs']);
  expect(shell("mounts_at '/data/pg wal' SOURCE,FSTYPE").said).toEqual(['/dev/vdd[/wal] xfs']);
  expect(shell('mounts_at /dat SOURCE,FSTYPE')).toEqual({ said: [''], status: 0 });
});

test('a link to a mount is the mount that it leads to', () => {
  const point = join(folder, 'point');
  mkdirSync(point, { recursive: true });
  symlinkSync(point, join(folder, 'link'));
  findmnt(['/ /dev/vda1 ext4', `${point} /dev/vdb xfs`]);
  expect(shell(`mounts_at ${folder}/link SOURCE,FSTYPE`).said).toEqual(['/dev/vdb xfs']);
});

test('a path lies in the deepest mount above it, and a name that begins alike is none', () => {
  expect(shell('mount_over /data/base/1 SOURCE,FSTYPE').said).toEqual(['/data /dev/vdc xfs']);
  expect(shell("mount_over '/data/pg wal/1' SOURCE,FSTYPE").said).toEqual([
    '/data/pg\\x20wal /dev/vdd[/wal] xfs',
  ]);
  expect(shell('mount_over /database SOURCE,FSTYPE').said).toEqual(['/database /dev/vde xfs']);
  expect(shell('mount_over /datax SOURCE,FSTYPE').said).toEqual(['/ /dev/vda1 ext4']);
});

test('where nothing can be listed, nothing is called not mounted', () => {
  expect(shell('is_mounted /data && echo yes').said).toEqual(['yes']);
  expect(shell('is_mounted /dat || echo no').said).toEqual(['no']);
  findmnt([]);
  expect(shell('is_mounted /data || echo no')).toEqual({
    said: ['failed NO_TOOL findmnt cannot list what is mounted'],
    status: 3,
  });
  expect(shell('mounts_at /data SOURCE').status).not.toBe(0);
});
