/**
 * The private folder of this process for control sockets, configurations and logs of its ssh connections. The path
 * must be short: a socket's path has at most 104 bytes, of which ssh takes 17 for a temporary name.
 */
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostFailure } from './failure.ts';
import { isPlainPath } from './ssh-paths.ts';

const folderBytesMax = 70;
const ours = /^belay-ssh-(?<pid>\d+)-/;

/** Makes the folder (0700) in the first place that is short and writable, after removing those of processes of the same user that are gone. */
export function makeSshFolder(lastResort?: string): string {
  const candidates = [process.env['XDG_RUNTIME_DIR'], tmpdir(), '/tmp', lastResort];
  for (const base of candidates) {
    // ssh puts the path of the shared configuration into a shell's command line as it is.
    if (base === undefined || !isPlainPath(base)) continue;
    if (Buffer.byteLength(base) + 'belay-ssh-4194304-XXXXXX'.length + 1 > folderBytesMax) continue;
    try {
      mkdirSync(base, { recursive: true });
      sweep(base);
      const folder = mkdtempSync(join(base, `belay-ssh-${process.pid}-`));
      chmodSync(folder, 0o700);
      return folder;
    } catch {
      // Not writable: the next candidate may be.
    }
  }
  throw hostFailure({
    host: 'ssh',
    name: 'any host',
    code: 'TOOL_MISSING',
    what: `no folder for control sockets could be made in any of ${candidates.filter(Boolean).join(', ')}`,
    next: 'Set XDG_RUNTIME_DIR or TMPDIR to a folder that may be written, with a short path of plain characters.',
  });
}

function sweep(base: string): void {
  for (const entry of readdirSync(base)) {
    const pid = Number(ours.exec(entry)?.groups?.['pid']);
    if (!Number.isInteger(pid) || isRunning(pid)) continue;
    const path = join(base, entry);
    try {
      if (lstatSync(path).uid === process.getuid?.()) rmSync(path, { recursive: true, force: true });
    } catch {
      // Somebody else has swept it.
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
