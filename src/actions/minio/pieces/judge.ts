/**
 * What the pieces of one object on the drives of its erasure set mean. Of a version that fewer drives hold than are
 * needed to read it, MinIO's heal removes what is left; so it is told here, before a heal is asked for. Source:
 * minio/minio cmd/erasure-healing.go (isObjectDangling).
 */
import type { PieceVersion } from './xl-meta.ts';

/** What one drive holds of an object. */
export interface Piece {
  readonly drive: string;
  readonly host: string;
  /** Undefined: its xl.meta is damaged. */
  readonly versions: readonly PieceVersion[] | undefined;
  /** Bytes by the place below the object's folder: `FOLDER/part.1`. */
  readonly parts: ReadonlyMap<string, number>;
}

export interface Verdict {
  /** 32 hexadecimal digits; all 0: the one that has no version. */
  readonly version: string;
  /**
   * `remains`: only drives of one host hold it, and so few as may be away, as after a deletion while that host was away.
   * `torn`: pieces on several hosts, and fewer than are needed: pieces were lost.
   */
  readonly kind: 'remains' | 'torn';
  readonly has: number;
  readonly needs: number;
  /** The same as long as nothing of it changes. */
  readonly print: string;
}

export interface SetSize {
  readonly drives: number;
  /** Of objects that do not say it themselves. */
  readonly parity: number;
  /** Drives of the set that nobody could look at: they may hold the piece that is missing. */
  readonly unseen: number;
}

/** Nothing: every version can be read, or made whole. */
export function judgePieces(pieces: readonly Piece[], set: SetSize): readonly Verdict[] {
  const damaged = pieces.filter(({ versions }) => versions === undefined).length;
  const ids = new Set(pieces.flatMap(({ versions }) => (versions ?? []).map(({ id }) => id)));
  if (ids.size === 0 && damaged > 0) {
    const needs = set.drives - set.parity;
    return [{ version: '0'.repeat(32), kind: 'torn', has: 0, needs, print: `damaged on ${damaged}` }];
  }
  return [...ids].flatMap((id) => judgeVersion(id, pieces, set));
}

interface Held {
  readonly piece: Piece;
  readonly version: PieceVersion;
}

function judgeVersion(id: string, pieces: readonly Piece[], set: SetSize): Verdict[] {
  const held: Held[] = pieces.flatMap((piece) => {
    const version = piece.versions?.find((one) => one.id === id);
    return version === undefined ? [] : [{ piece, version }];
  });
  const writes = Map.groupBy(held, ({ version }) => version.write);
  const best = [...writes.values()].toSorted(
    (left, right) => right.length - left.length || (timeOf(left) < timeOf(right) ? 1 : -1),
  )[0];
  if (best?.[0] === undefined) return [];
  const { version } = best[0];
  const needs =
    version.kind === 'marker'
      ? set.drives - Math.floor((set.drives + 1) / 2)
      : version.data || set.drives - set.parity;
  const has = usable(best);
  if (has + set.unseen >= needs) return [];
  const print = [...writes]
    .map(
      ([write, of]) =>
        `${write} on ${of
          .map(({ piece }) => piece.drive)
          .toSorted()
          .join()}`,
    )
    .toSorted()
    .join('; ');
  const hosts = new Set(held.map(({ piece }) => piece.host));
  const kind = held.length <= set.parity && hosts.size === 1 ? 'remains' : 'torn';
  return [{ version: id, kind, has, needs, print: `${print}; ${has}` }];
}

const timeOf = (held: readonly Held[]): bigint => held[0]?.version.modifiedAt ?? 0n;

/** How many of them have every part, each as long as on most of the others. */
function usable(held: readonly Held[]): number {
  const parts = held[0]?.version.parts;
  if (parts === undefined) return held.length;
  const places = parts.numbers.map((number) => `${parts.folder}/part.${number}`);
  const lengths = new Map(
    places.map((place) => [place, mostCommon(held.map(({ piece }) => piece.parts.get(place)))]),
  );
  return held.filter(({ piece }) =>
    places.every((place) => piece.parts.has(place) && piece.parts.get(place) === lengths.get(place)),
  ).length;
}

function mostCommon(lengths: readonly (number | undefined)[]): number | undefined {
  const counts = Map.groupBy(
    lengths.filter((length) => length !== undefined),
    (length) => length,
  );
  return [...counts].toSorted(([, left], [, right]) => right.length - left.length)[0]?.[0];
}
