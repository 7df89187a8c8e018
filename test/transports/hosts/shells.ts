/** The POSIX shells of this machine, each with a PATH on which `sh` is that very shell. */
import { execFileSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostShell } from '../../../src/transports/hosts/protocol/shell.ts';
import { defaultShell } from '../../../src/transports/hosts/protocol/shell.ts';

export interface ShellHere {
  readonly name: string;
  readonly shell: HostShell;
  readonly skip?: string;
}

export function shellsHere(folder: string): ShellHere[] {
  return [{ name: '/bin/sh', shell: defaultShell }, named('bash', '/bin/bash', folder), busybox(folder)];
}

/** As `sh`, because bash behaves as a POSIX shell only under that name. */
function named(name: string, path: string, folder: string): ShellHere {
  if (!isExecutable(path)) return { name, shell: defaultShell, skip: `${path} is not installed` };
  const bin = join(folder, name);
  mkdirSync(bin);
  symlinkSync(path, join(bin, 'sh'));
  return { name, shell: { ...defaultShell, sh: join(bin, 'sh'), path: `${bin}:${defaultShell.path}` } };
}

/** Bash as it was before 5.1: its here-documents are files, and no pipes. Undefined where there is no bash that can be told so. */
export function withFilesForDocuments(folder: string): HostShell | undefined {
  const sh = join(folder, 'sh');
  writeFileSync(sh, '#!/bin/bash\nBASH_COMPAT=50 exec -a sh /bin/bash "$@"\n', { mode: 0o755 });
  const program = '{ [ -p /proc/self/fd/5 ] && echo pipe || echo file; } 5<<end\none\nend\n';
  const isFile =
    isExecutable('/bin/bash') && execFileSync(sh, ['-c', program], { encoding: 'utf8' }) === 'file\n';
  return isFile ? { ...defaultShell, sh, path: `${folder}:${defaultShell.path}` } : undefined;
}

/** With BusyBox's own tools first; bash and awk by path stay the system's. BELAY_TEST_BUSYBOX names a binary elsewhere. */
function busybox(folder: string): ShellHere {
  const name = 'busybox';
  const path = [process.env['BELAY_TEST_BUSYBOX'], '/bin/busybox', '/usr/bin/busybox'].find(
    (candidate) => candidate !== undefined && isExecutable(candidate),
  );
  if (path === undefined) return { name, shell: defaultShell, skip: 'busybox is not installed' };
  const bin = join(folder, name);
  mkdirSync(bin);
  const applets = execFileSync(path, ['--list'], { encoding: 'utf8' }).trim().split('\n');
  for (const applet of applets) symlinkSync(path, join(bin, applet));
  return { name, shell: { ...defaultShell, sh: join(bin, 'sh'), path: `${bin}:${defaultShell.path}` } };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
