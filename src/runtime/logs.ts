/**
 * Output of steps, in files of their own: `logs/STEP.TARGET.stdout` in the execution's folder. Bytes go from the host
 * to the file; memory holds one chunk. Secrets are taken out on the way.
 */
import { once } from 'node:events';
import { constants, createWriteStream, mkdirSync, openSync, type WriteStream } from 'node:fs';
import { dirname, join } from 'node:path';
import { asJournalFailure, journalFailure } from '../journal/index.ts';
import type { OutputSink } from '../transports/host.ts';
import type { Redactor, StreamRedactor } from './secrets/redactor.ts';

export type Stream = 'stdout' | 'stderr';

/** Bytes of one stream of a step on one target that are kept: a host that never stops talking must not fill the disk. */
export const logBytesMax = 4 * 1024 ** 3;

function cutSentence(bytesMax: number): string {
  return `\n[belay: the log ends here: more than ${bytesMax} bytes (logBytesMax) were written]\n`;
}

const nothing = new Uint8Array();

/** A link that somebody laid in the way is not followed. */
const newFile = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;

export class LogFolder {
  readonly dir: string;
  readonly #redactor: Redactor;

  constructor(dir: string, redactor: Redactor) {
    this.dir = dir;
    this.#redactor = redactor;
  }

  /**
   * A sink that starts the two files anew: transports read output again from its beginning after a resume. A later
   * attempt has files of its own and leaves those of the earlier ones.
   */
  open(step: string, target: string, attempt: number): LogSink {
    asJournalFailure(this.dir, () => mkdirSync(this.dir, { recursive: true, mode: 0o700 }));
    const name = attempt > 1 ? `${target}#${attempt}` : target;
    return new LogSink((stream) => join(this.dir, logFileName(step, name, stream)), this.#redactor);
  }
}

/**
 * `SnapshotData.undo.Restore@db1.stdout`: the step's path and the target, without what a file name cannot hold. `Stop@db1`, which
 * is Stop on one of many hosts, has its host as the target.
 */
export function logFileName(path: string, target: string, stream: Stream): string {
  const [host = target] = target.split('#');
  const step = host !== '' && path.endsWith(`@${host}`) ? path.slice(0, -host.length - 1) : path;
  return `${safe(step.replaceAll('/', '.'))}@${safe(target)}.${stream}`;
}

const safe = (text: string): string => encodeURIComponent(text).replaceAll('*', '%2A');

class OpenFile {
  readonly redactor: StreamRedactor;
  readonly #path: string;
  readonly #bytesMax: number;
  readonly #stream: WriteStream;
  #length = 0;
  #isCut = false;
  #trouble: Error | undefined;
  /** Called when the file has taken what it was given, or never will. */
  #freed: () => void = () => undefined;

  constructor(path: string, redactor: StreamRedactor, bytesMax: number) {
    this.redactor = redactor;
    this.#bytesMax = bytesMax;
    this.#path = path;
    this.#stream = createWriteStream(path, {
      fd: asJournalFailure(dirname(path), () => openSync(path, newFile, 0o600)),
    });
    this.#stream.on('error', (error) => (this.#trouble = error));
    for (const event of ['drain', 'close']) this.#stream.on(event, () => this.#freed());
  }

  /** Resolves when the file takes more. Throws JournalFailure. */
  async write(whole: Uint8Array): Promise<void> {
    this.#check();
    const bytes = this.#fitting(whole);
    if (bytes.length > 0 && !this.#stream.write(bytes))
      await new Promise<void>((resolve) => (this.#freed = resolve));
    this.#check();
  }

  /** Writes the rest and closes. Throws JournalFailure. */
  async end(): Promise<void> {
    if (this.#trouble === undefined) await this.write(this.redactor.end());
    this.#stream.end();
    if (!this.#stream.closed) await once(this.#stream, 'close');
    this.#check();
  }

  /** What still has room, and with the first that has none the sentence that says so. */
  #fitting(bytes: Uint8Array): Uint8Array {
    if (bytes.length === 0 || this.#isCut) return nothing;
    const room = this.#bytesMax - this.#length;
    this.#length += bytes.length;
    if (bytes.length <= room) return bytes;
    this.#isCut = true;
    return Buffer.concat([bytes.subarray(0, room), Buffer.from(cutSentence(this.#bytesMax))]);
  }

  /** Throws what the file system has said since: output that cannot be kept ends the runner, and a resume reads it again. */
  #check(): void {
    if (this.#trouble !== undefined) throw journalFailure(dirname(this.#path), this.#trouble);
  }
}

export class LogSink implements OutputSink {
  readonly #path: (stream: Stream) => string;
  readonly #bytesMax: number;
  readonly #redactor: Redactor;
  readonly #files = new Map<Stream, OpenFile>();

  constructor(path: (stream: Stream) => string, redactor: Redactor, bytesMax: number = logBytesMax) {
    this.#path = path;
    this.#bytesMax = bytesMax;
    this.#redactor = redactor;
  }

  async write(stream: Stream, chunk: Uint8Array): Promise<void> {
    const file = this.#file(stream);
    await file.write(file.redactor.push(chunk));
  }

  async close(): Promise<void> {
    for (const file of this.#files.values()) await file.end();
    this.#files.clear();
  }

  #file(stream: Stream): OpenFile {
    const known = this.#files.get(stream);
    if (known !== undefined) return known;
    const file = new OpenFile(this.#path(stream), this.#redactor.stream(), this.#bytesMax);
    this.#files.set(stream, file);
    return file;
  }
}
