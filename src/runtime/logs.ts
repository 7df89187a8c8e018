/**
 * Output of steps, in files of their own: `logs/STEP.TARGET.stdout` in the execution's folder. Bytes go from the host
 * to the file; memory holds one chunk. Secrets are taken out on the way.
 */
import { once } from 'node:events';
import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import type { OutputSink } from '../transports/host.ts';
import type { Redactor, StreamRedactor } from './secrets/redactor.ts';

export type Stream = 'stdout' | 'stderr';

export class LogFolder {
  readonly dir: string;
  readonly #redactor: Redactor;

  constructor(dir: string, redactor: Redactor) {
    this.dir = dir;
    this.#redactor = redactor;
  }

  /** A sink that starts the two files anew: transports read output again from its beginning after a resume. */
  open(step: string, target: string): LogSink {
    mkdirSync(this.dir, { recursive: true, mode: 0o700 });
    return new LogSink((stream) => join(this.dir, logFileName(step, target, stream)), this.#redactor);
  }
}

/** `SnapshotData.undo.Restore@db1.stdout`: the step's path and the target, without what a file name cannot hold. */
export function logFileName(step: string, target: string, stream: Stream): string {
  return `${safe(step.replaceAll('/', '.'))}@${safe(target)}.${stream}`;
}

const safe = (text: string): string => encodeURIComponent(text).replaceAll('*', '%2A');

class OpenFile {
  readonly stream: WriteStream;
  readonly redactor: StreamRedactor;
  trouble: Error | undefined;

  constructor(path: string, redactor: StreamRedactor) {
    this.stream = createWriteStream(path, { mode: 0o600 });
    this.redactor = redactor;
    this.stream.on('error', (error) => (this.trouble = error));
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#check();
    if (bytes.length > 0 && !this.stream.write(bytes))
      await Promise.race([once(this.stream, 'drain'), once(this.stream, 'close')]);
    this.#check();
  }

  /** Throws what the file system has said since. */
  #check(): void {
    if (this.trouble !== undefined) throw this.trouble;
  }
}

export class LogSink implements OutputSink {
  readonly #path: (stream: Stream) => string;
  readonly #redactor: Redactor;
  readonly #files = new Map<Stream, OpenFile>();

  constructor(path: (stream: Stream) => string, redactor: Redactor) {
    this.#path = path;
    this.#redactor = redactor;
  }

  async write(stream: Stream, chunk: Uint8Array): Promise<void> {
    const file = this.#file(stream);
    await file.write(file.redactor.push(chunk));
  }

  async close(): Promise<void> {
    for (const file of this.#files.values()) {
      if (file.trouble === undefined) await file.write(file.redactor.end());
      file.stream.end();
      if (!file.stream.closed) await once(file.stream, 'close');
      if (file.trouble !== undefined) throw file.trouble;
    }
    this.#files.clear();
  }

  #file(stream: Stream): OpenFile {
    const known = this.#files.get(stream);
    if (known !== undefined) return known;
    const file = new OpenFile(this.#path(stream), this.#redactor.stream());
    this.#files.set(stream, file);
    return file;
  }
}
