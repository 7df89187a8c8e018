/** A disk of its own size for a state folder, which can be filled, emptied, made larger and closed for writing. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, rmdirSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Why no disk can be mounted here; undefined when one can. */
export function noMounts(): string | undefined {
  if (process.getuid?.() !== 0) return 'mounting a small disk needs root';
  const probe = mkdtempSync(join(tmpdir(), 'belay-mount-'));
  try {
    mount('-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', probe);
    execFileSync('umount', [probe]);
    return undefined;
  } catch {
    return 'this machine lets nobody mount a disk';
  } finally {
    rmdirSync(probe);
  }
}

export class SmallDisk implements Disposable {
  readonly folder: string;

  constructor(folder: string, size: string) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
    mount('-t', 'tmpfs', '-o', `size=${size},mode=700`, 'tmpfs', folder);
  }

  /** Takes every byte that is left. */
  fill(): void {
    const file = openSync(join(this.folder, 'filler'), 'a');
    try {
      for (const bytes of [64 * 1024, 4096, 512, 1]) writeUntilFull(file, Buffer.alloc(bytes));
    } finally {
      closeSync(file);
    }
  }

  makeRoom(): void {
    rmSync(join(this.folder, 'filler'), { force: true });
  }

  remount(option: string): void {
    mount('-o', `remount,${option}`, this.folder);
  }

  [Symbol.dispose](): void {
    execFileSync('umount', [this.folder]);
  }
}

function mount(...words: readonly string[]): void {
  execFileSync('mount', words, { stdio: ['ignore', 'ignore', 'pipe'] });
}

function writeUntilFull(file: number, bytes: Uint8Array): void {
  for (;;) {
    try {
      writeSync(file, bytes);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return;
      throw error;
    }
  }
}
