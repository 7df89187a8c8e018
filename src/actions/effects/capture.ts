/** Keeps the part of a command's output that an action needs, and passes all of it on to the step's log. */
import { outputText, type OutputText } from './output-text.ts';
import type { OutputOffsets, OutputSink } from '../../transports/host.ts';

/** How much of the end of standard error is kept, for messages. */
const tailBytesMax = 4_096;

export interface Capture {
  readonly sink: OutputSink;
  /** How far the output has been taken in, whatever became of the call that brought it. */
  next(): OutputOffsets;
  /** The first bytes of standard output, at most `bytesMax`. */
  stdout(): string;
  /** The first bytes of standard error, at most `bytesMax`. */
  stderr(): string;
  /** The same of either stream, and whether it holds bytes that are no text. */
  text(stream: 'stdout' | 'stderr'): OutputText;
  /** The last 4 KiB of standard error. */
  stderrTail(): string;
}

export function captureOutput(log: OutputSink, bytesMax: number): Capture {
  const heads = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
  const kept = { stdout: 0, stderr: 0 };
  const taken = { stdout: 0, stderr: 0 };
  let tail = Buffer.alloc(0);
  const sink: OutputSink = {
    write(stream, chunk) {
      taken[stream] += chunk.length;
      const room = bytesMax - kept[stream];
      if (room > 0) {
        // A copy: the transport may use its buffer again.
        heads[stream].push(Uint8Array.from(chunk.subarray(0, room)));
        kept[stream] += Math.min(room, chunk.length);
      }
      if (stream === 'stderr') {
        const joined = Buffer.concat([tail, chunk]);
        tail = joined.length > tailBytesMax ? Buffer.from(joined.subarray(-tailBytesMax)) : joined;
      }
      return log.write(stream, chunk);
    },
  };
  return {
    sink,
    next: () => ({ ...taken }),
    stdout: () => Buffer.concat(heads.stdout).toString('utf8'),
    stderr: () => Buffer.concat(heads.stderr).toString('utf8'),
    text: (stream) => outputText(Buffer.concat(heads[stream]), taken[stream] > kept[stream]),
    stderrTail: () => outputText(tail).text,
  };
}
