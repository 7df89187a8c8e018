/**
 * The inbox of the state folder: accounts that may read nothing here lay signed decisions into it. The signature decides, and never
 * whose the file is. What lies there is anybody's: it is read without following a link and without waiting, bounded in number and
 * size; what does not count is told and set aside, and nothing there ends a run.
 */
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  opendirSync,
  readdirSync,
  readSync,
  renameSync,
  rmdirSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { distrust } from '../trust.ts';
import { decodeUtf8 } from '../utf8.ts';
import { decisionBytesMax } from './decision-file.ts';

/** Entries that are looked at in one look, and files that are read in one. */
const entriesMax = 1_000;
const readMax = 50;
/** So much is kept of what did not count. */
const keptMax = 100;
/** Younger files may still be written, in ms. */
const writtenMs = 2_000;
/** Names that are remembered because they can be neither taken nor removed. */
const stuckMax = 1_000;

/** Whoever may lay a file there can neither list nor read the folder, nor touch the files of others. */
const inboxMode = 0o1733;

export function inboxOf(stateDir: string): string {
  return join(stateDir, 'inbox');
}

/** Makes the inbox, and lets others through the state folder to it: they can list nothing on the way. */
export function makeInbox(stateDir: string): void {
  const folder = inboxOf(stateDir);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if ((lstatSync(folder).mode & 0o7777) !== inboxMode) chmodSync(folder, inboxMode);
  const { mode } = statSync(stateDir);
  if ((mode & 0o001) === 0) chmodSync(stateDir, (mode & 0o7777) | 0o001);
}

export interface DropBoxPorts {
  readonly stateDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly now: () => number;
  /** Takes what a file says. Undefined: it counts; a sentence says why it does not. */
  readonly take: (text: string) => Promise<string | undefined>;
  readonly tell: (text: string) => void;
}

export class DropBox {
  readonly #ports: DropBoxPorts;
  readonly #folder: string;
  readonly #stuck = new Set<string>();
  #isRefused = false;
  #kept = 0;

  constructor(ports: DropBoxPorts) {
    this.#ports = ports;
    this.#folder = inboxOf(ports.stateDir);
  }

  /** One look. Throws what `take` throws. */
  async collect(): Promise<void> {
    for (const name of this.#names()) {
      const path = Buffer.concat([Buffer.from(`${this.#folder}/`), name]);
      const read = readDropped(path, this.#ports.now());
      if (read === undefined) continue;
      const why = 'wrong' in read ? read.wrong : await this.#ports.take(read.text);
      if (why === undefined) attempt(() => unlinkSync(path));
      else this.#setAside(path, name, why);
    }
  }

  #names(): Buffer[] {
    if (!this.#isOurs()) return [];
    const names: Buffer[] = [];
    // Its types know no names of bytes.
    const folder = opendirSync(this.#folder, { encoding: 'buffer' as BufferEncoding });
    try {
      for (let count = 0; count < entriesMax && names.length < readMax; count += 1) {
        const entry = folder.readSync();
        if (entry === null) break;
        const name = entry.name as unknown as Buffer;
        if (!this.#stuck.has(name.toString('latin1'))) names.push(name);
      }
    } finally {
      folder.closeSync();
    }
    return names;
  }

  /** A folder of somebody else's would give him what is laid there. */
  #isOurs(): boolean {
    try {
      const stats = lstatSync(this.#folder);
      const trouble = stats.isDirectory() ? distrust(this.#folder, stats, this.#ports.env) : undefined;
      if (stats.isDirectory() && trouble === undefined) return true;
      if (!this.#isRefused)
        this.#ports.tell(
          `${this.#folder} ${trouble?.why ?? 'is not a folder'}, so no decision is taken from there`,
        );
      this.#isRefused = true;
    } catch {
      // There is none.
    }
    return false;
  }

  #setAside(path: Buffer, name: Buffer, why: string): void {
    const shown = JSON.stringify(name.toString('utf8').slice(0, 100));
    const kept = this.#keep(path);
    const where = kept === undefined ? 'it was removed' : `it is kept as ${kept}`;
    if (isThere(path)) {
      if (this.#stuck.size < stuckMax) this.#stuck.add(name.toString('latin1'));
      this.#ports.tell(`${shown} in ${this.#folder} does not count: ${why}. It cannot be removed.`);
    } else this.#ports.tell(`${shown} in ${this.#folder} does not count: ${why}; ${where}`);
  }

  /** Where a regular file is kept; undefined: it is removed, or stays. */
  #keep(path: Buffer): string | undefined {
    const aside = join(this.#ports.stateDir, 'inbox-refused');
    try {
      if (lstatSync(path).isDirectory()) {
        rmdirSync(path);
        return undefined;
      }
      if (lstatSync(path).isFile() && lstatSync(path).nlink === 1) {
        mkdirSync(aside, { recursive: true, mode: 0o700 });
        if (readdirSync(aside).length < keptMax) {
          this.#kept += 1;
          const to = join(aside, `${this.#ports.now()}-${process.pid}-${this.#kept}`);
          renameSync(path, to);
          return to;
        }
      }
      unlinkSync(path);
    } catch {
      // Another runner has taken it, or it belongs to somebody who does not let go of it.
    }
    return undefined;
  }
}

/** Undefined: it is gone, or may still be written. */
function readDropped(
  path: Buffer,
  now: number,
): { readonly text: string } | { readonly wrong: string } | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return undefined;
    return { wrong: code === 'ELOOP' ? 'it is a link' : 'it cannot be read' };
  }
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) return { wrong: 'it is not a file' };
    if (stats.nlink !== 1) return { wrong: 'it has another name elsewhere' };
    if (stats.size > decisionBytesMax) return { wrong: `it is longer than ${decisionBytesMax} bytes` };
    const bytes = Buffer.alloc(decisionBytesMax + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read)
      read = readSync(descriptor, bytes, length, bytes.length - length, null);
    if (length > decisionBytesMax) return { wrong: `it is longer than ${decisionBytesMax} bytes` };
    const decoded = decodeUtf8(bytes.subarray(0, length));
    const isWhole = decoded.kind === 'text' && decoded.text.trimEnd().endsWith('}');
    if (!isWhole && Math.abs(now - stats.mtimeMs) < writtenMs) return undefined;
    return decoded.kind === 'text' ? { text: decoded.text } : { wrong: 'it is not UTF-8' };
  } catch {
    return { wrong: 'it cannot be read' };
  } finally {
    closeSync(descriptor);
  }
}

function isThere(path: Buffer): boolean {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // Another runner was faster.
  }
}
