/**
 * The list of all pieces on one node's drives, made there by a detached command, carried here through gzip, and kept in a
 * file until it is read: memory does not grow with the number of objects.
 */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import type { Host, OutputOffsets } from '../../../transports/host.ts';
import { ActionFailure } from '../../define-action.ts';
import { lastLines } from '../../scripts/fields.ts';
import { minioPieces } from '../../scripts/minio.ts';

const waitOnHostMs = 10_000;
const stderrBytesMax = 4_096;

/** Names and places keep their bytes: one character is one byte. */
export interface PieceRecord {
  readonly object: string;
  /** `xl.meta`, or a part: `FOLDER/part.1`. */
  readonly place: string;
  readonly bytes: number;
  /** Which of the drives that were listed. */
  readonly drive: number;
}

/**
 * Writes the list into `file`. `token` names the command on the host; it is forgotten there at the end, however it ends.
 * Rejects with HostFailure, and with ActionFailure DRIVES_UNREADABLE.
 */
export async function fetchListing(
  host: Host,
  drives: readonly string[],
  file: string,
  { token, signal }: { readonly token: string; readonly signal: AbortSignal },
): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  try {
    await host.start(token, minioPieces(drives), { signal });
    let said = '';
    let from: OutputOffsets = { stdout: 0, stderr: 0 };
    const sink = {
      write: async (stream: 'stdout' | 'stderr', chunk: Uint8Array): Promise<void> => {
        if (stream === 'stdout') await handle.writeFile(chunk);
        else if (said.length < stderrBytesMax) said += Buffer.from(chunk).toString('utf8');
      },
    };
    for (;;) {
      const state = await host.poll(token, { from, sink, waitMs: waitOnHostMs, signal });
      if (state.kind === 'running') {
        from = state.next;
        continue;
      }
      if (state.kind === 'exited' && state.exitCode === 0) return;
      const why =
        state.kind === 'exited' ? lastLines(said) || `exit code ${state.exitCode}` : 'the command vanished';
      throw new ActionFailure({
        code: 'DRIVES_UNREADABLE',
        message: `${host.label}: the pieces on its drives cannot be listed: ${why}`,
        retryable: state.kind !== 'exited',
      });
    }
  } finally {
    await handle.close();
    // The signal may be what ended it; the host is tidied up all the same.
    const tidy = AbortSignal.timeout(30_000);
    await host.stop(token, { signal: tidy }).catch(() => undefined);
    await host.forget(token, { signal: tidy }).catch(() => undefined);
  }
}

/** In the order of their objects. Throws ActionFailure DRIVES_UNREADABLE where the list is none. */
export async function* recordsIn(file: string): AsyncGenerator<PieceRecord> {
  let rest = '';
  for await (const chunk of createReadStream(file).pipe(createGunzip())) {
    const lines = (rest + (chunk as Buffer).toString('latin1')).split('\0');
    rest = lines.pop() ?? '';
    for (const line of lines) yield recordOf(line);
  }
}

function recordOf(line: string): PieceRecord {
  const [object, place, bytes, drive, ...more] = line.split('//');
  if (object === undefined || place === undefined || more.length > 0 || !/^\d+$/.test(`${bytes}${drive}`)) {
    throw new ActionFailure({
      code: 'DRIVES_UNREADABLE',
      message: `the list of pieces holds a record that is none: ${JSON.stringify(line.slice(0, 200))}`,
    });
  }
  return { object, place, bytes: Number(bytes), drive: Number(drive) };
}

/** All records of one object, from several lists that are sorted alike. `from` tells the list. */
export async function* objectsIn(lists: readonly AsyncGenerator<PieceRecord>[]): AsyncGenerator<{
  readonly object: string;
  readonly records: readonly (PieceRecord & { readonly from: number })[];
}> {
  const heads = await Promise.all(
    lists.map(async (list) => (await list.next()).value as PieceRecord | undefined),
  );
  for (;;) {
    const keys = heads.flatMap((head) => (head === undefined ? [] : [`${head.object}//`]));
    if (keys.length === 0) return;
    const least = keys.reduce((left, right) => (left < right ? left : right));
    const records: (PieceRecord & { readonly from: number })[] = [];
    for (const [from, list] of lists.entries()) {
      for (let head = heads[from]; head !== undefined && `${head.object}//` === least; head = heads[from]) {
        records.push({ ...head, from });
        heads[from] = (await list.next()).value as PieceRecord | undefined;
      }
    }
    yield { object: least.slice(0, -2), records };
  }
}
