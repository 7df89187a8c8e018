/**
 * What one drive says of an object: the versions in its xl.meta. Only what tells whether pieces belong together is read.
 * Source: minio/minio cmd/xl-storage-format-v2.go (format 1.3).
 */
import { PackedReader, type Packed } from './message-pack.ts';

export interface PieceVersion {
  /** 32 hexadecimal digits; all 0: the one that has no version. */
  readonly id: string;
  readonly kind: 'object' | 'marker';
  /** The same on every drive that holds the same write. */
  readonly write: string;
  /** Nanoseconds since 1970. */
  readonly modifiedAt: bigint;
  /** How many drives are needed to read it; 0: the file does not say. */
  readonly data: number;
  /** The folder of its parts, and their numbers. Undefined: its bytes are in the xl.meta, or it has none here. */
  readonly parts?: { readonly folder: string; readonly numbers: readonly number[] };
}

const headBytes = 8;
/** What a version of this kind is to MinIO. */
const kinds = { 1: 'object', 2: 'marker', 3: 'object' } as const;
const freeVersion = 1;
const usesDataFolder = 2;
const inlineData = 4;

/** How many bytes of the file hold the versions. Undefined: it is not an xl.meta that is known here. */
export function metaBytesIn(head: Uint8Array): number | undefined {
  if (Buffer.from(head.subarray(0, 4)).toString('latin1') !== 'XL2 ' || head.byteLength < headBytes + 5)
    return undefined;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (view.getUint16(4, true) !== 1 || view.getUint16(6, true) < 3) return undefined;
  switch (view.getUint8(headBytes)) {
    case 0xc4:
      return headBytes + 2 + view.getUint8(headBytes + 1);
    case 0xc5:
      return headBytes + 3 + view.getUint16(headBytes + 1);
    case 0xc6:
      return headBytes + 5 + view.getUint32(headBytes + 1);
    default:
      return undefined;
  }
}

/** Undefined: damaged, cut off, or of a format that is not known here. */
export function versionsIn(file: Uint8Array): readonly PieceVersion[] | undefined {
  const bytes = metaBytesIn(file);
  if (bytes === undefined || bytes > file.byteLength) return undefined;
  try {
    const meta = new PackedReader(file.subarray(headBytes)).next();
    if (!(meta instanceof Uint8Array)) return undefined;
    const reader = new PackedReader(meta);
    reader.next();
    reader.next();
    const count = reader.next();
    if (typeof count !== 'number') return undefined;
    const versions: PieceVersion[] = [];
    for (let index = 0; index < count; index += 1) {
      const version = versionFrom(reader.next(), reader.next());
      if (version === undefined) return undefined;
      if (version !== 'free') versions.push(version);
    }
    return versions;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function versionFrom(head: Packed, body: Packed): PieceVersion | 'free' | undefined {
  if (!(head instanceof Uint8Array) || !(body instanceof Uint8Array)) return undefined;
  const fields = new PackedReader(head).next();
  if (!Array.isArray(fields)) return undefined;
  const [id, time, signature, type, flags, , data] = fields as readonly Packed[];
  if (!(id instanceof Uint8Array) || !(signature instanceof Uint8Array) || typeof flags !== 'number')
    return undefined;
  if (flags & freeVersion) return 'free';
  const kind = kinds[type as keyof typeof kinds];
  if (kind === undefined || (typeof time !== 'bigint' && typeof time !== 'number')) return undefined;
  const parts =
    flags & usesDataFolder && !(flags & inlineData) ? partsIn(new PackedReader(body).next()) : undefined;
  return {
    id: hex(id),
    kind,
    write: `${time} ${hex(signature)}`,
    modifiedAt: BigInt(time),
    data: typeof data === 'number' ? data : 0,
    ...(parts === undefined ? {} : { parts }),
  };
}

function partsIn(body: Packed): PieceVersion['parts'] {
  if (!(body instanceof Map)) return undefined;
  const object: unknown = body.get('V2Obj');
  if (!(object instanceof Map)) return undefined;
  const [folder, numbers]: unknown[] = [object.get('DDir'), object.get('PartNums')];
  if (!(folder instanceof Uint8Array) || !Array.isArray(numbers)) return undefined;
  const name = hex(folder).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return { folder: name, numbers: numbers.filter((number) => typeof number === 'number') };
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
