/** Reads, of some objects, what every drive of their set holds now: each xl.meta, and the parts beside it. */
import { readBytesMax } from '../../../transports/host.ts';
import type { ActionContext } from '../../define-action.ts';
import { readFields } from '../../scripts/fields.ts';
import { minioHeads } from '../../scripts/minio.ts';
import type { LocalDrive } from './drives.ts';
import type { Piece } from './judge.ts';
import { metaBytesIn, versionsIn } from './xl-meta.ts';

/** Enough for some twenty versions; a file with more is read again, alone. */
const headBytes = 8 * 1024;
/** In base64 it fits in one answer of a host. */
const headBytesMax = Math.floor((readBytesMax * 3) / 4) - 64 * 1024;
/** Files that are read by one question. */
const filesMax = Math.floor(readBytesMax / (headBytes * 2));

interface Wanted {
  readonly object: string;
  readonly set: string;
}
interface Question {
  readonly index: number;
  readonly object: string;
  readonly drive: LocalDrive;
}

/** In the order of the objects. A drive without any piece is left out. */
export async function readPieces(
  objects: readonly Wanted[],
  hosts: readonly { readonly name: string; readonly drives: readonly LocalDrive[] }[],
  context: ActionContext,
): Promise<Piece[][]> {
  const pieces: Piece[][] = objects.map(() => []);
  await Promise.all(
    hosts.map(async ({ name, drives }) => {
      const questions = objects.flatMap(({ object, set }, index) =>
        drives.filter((drive) => drive.set === set).map((drive): Question => ({ index, object, drive })),
      );
      for (let from = 0; from < questions.length; from += filesMax) {
        const asked = questions.slice(from, from + filesMax);
        for (const [at, piece] of (await ask(name, asked, headBytes, context)).entries()) {
          const { index = 0 } = asked[at] ?? {};
          if (piece !== undefined) pieces[index]?.push(piece);
        }
      }
    }),
  );
  return pieces;
}

async function ask(
  host: string,
  questions: readonly Question[],
  bytesMax: number,
  context: ActionContext,
): Promise<(Piece | undefined)[]> {
  const words = questions.flatMap(({ drive, object }) => [
    drive.path,
    Buffer.from(object, 'latin1').toString('utf8'),
  ]);
  const fields = await readFields(
    context.host(host),
    minioHeads([String(bytesMax), ...words]),
    context,
    60_000,
  );
  const heads = new Map(
    fields.rows('head').map(([number = '', text = '']) => [Number(number), Buffer.from(text, 'base64')]),
  );
  const parts = Map.groupBy(fields.rows('part'), ([number]) => Number(number));
  const pieces: (Piece | undefined)[] = [];
  for (const [number, question] of questions.entries()) {
    const head = heads.get(number);
    const own = new Map((parts.get(number) ?? []).map(([, bytes, place = '']) => [place, Number(bytes)]));
    if (head === undefined) {
      pieces.push(undefined);
      continue;
    }
    const isCut =
      bytesMax < headBytesMax && head.byteLength === bytesMax && (metaBytesIn(head) ?? 0) > bytesMax;
    const [whole] = isCut ? await ask(host, [question], headBytesMax, context) : [];
    pieces.push(whole ?? { drive: question.drive.id, host, versions: versionsIn(head), parts: own });
  }
  return pieces;
}
