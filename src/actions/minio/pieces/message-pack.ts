/**
 * Reads MessagePack as MinIO writes it into xl.meta: bounded, and nothing but what the bytes say. Source:
 * https://github.com/msgpack/msgpack/blob/master/spec.md. Integers of 64 bits are bigints, extensions are bytes.
 */
export type Packed =
  | number
  | bigint
  | string
  | boolean
  | null
  | Uint8Array
  | readonly Packed[]
  | ReadonlyMap<string, Packed>;

const depthMax = 16;

export class PackedReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The next value. Throws RangeError where the bytes end before it does, or nest too deep. */
  next(depth = 0): Packed {
    if (depth > depthMax) throw new RangeError('the values nest too deep');
    const tag = this.#uint(1);
    if (tag < 0x80) return tag;
    if (tag < 0x90) return this.#map(tag & 0x0f, depth);
    if (tag < 0xa0) return this.#array(tag & 0x0f, depth);
    if (tag < 0xc0) return this.#text(tag & 0x1f);
    if (tag >= 0xe0) return tag - 0x100;
    switch (tag) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.#take(this.#uint(2 ** (tag - 0xc4)));
      case 0xc7:
      case 0xc8:
      case 0xc9:
        return this.#take(this.#uint(2 ** (tag - 0xc7)) + 1);
      case 0xca:
        return this.#view.getFloat32(this.#step(4));
      case 0xcb:
        return this.#view.getFloat64(this.#step(8));
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.#uint(2 ** (tag - 0xcc));
      case 0xcf:
        return this.#view.getBigUint64(this.#step(8));
      case 0xd0:
        return this.#view.getInt8(this.#step(1));
      case 0xd1:
        return this.#view.getInt16(this.#step(2));
      case 0xd2:
        return this.#view.getInt32(this.#step(4));
      case 0xd3:
        return this.#view.getBigInt64(this.#step(8));
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.#take(2 ** (tag - 0xd4) + 1);
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#text(this.#uint(2 ** (tag - 0xd9)));
      case 0xdc:
      case 0xdd:
        return this.#array(this.#uint(2 ** (tag - 0xdc + 1)), depth);
      case 0xde:
      case 0xdf:
        return this.#map(this.#uint(2 ** (tag - 0xde + 1)), depth);
      default:
        throw new RangeError(`0x${tag.toString(16)} begins no value`);
    }
  }

  #step(bytes: number): number {
    const from = this.#at;
    if (from + bytes > this.#bytes.byteLength) throw new RangeError('the bytes end within a value');
    this.#at += bytes;
    return from;
  }

  #uint(bytes: number): number {
    const from = this.#step(bytes);
    if (bytes === 1) return this.#view.getUint8(from);
    return bytes === 2 ? this.#view.getUint16(from) : this.#view.getUint32(from);
  }

  #take(bytes: number): Uint8Array {
    const from = this.#step(bytes);
    return this.#bytes.subarray(from, from + bytes);
  }

  #text(bytes: number): string {
    return Buffer.from(this.#take(bytes)).toString('utf8');
  }

  #array(length: number, depth: number): Packed[] {
    const values: Packed[] = [];
    for (let index = 0; index < length; index += 1) values.push(this.next(depth + 1));
    return values;
  }

  #map(length: number, depth: number): Map<string, Packed> {
    const values = new Map<string, Packed>();
    for (let index = 0; index < length; index += 1) {
      const key = this.next(depth + 1);
      values.set(typeof key === 'string' ? key : '', this.next(depth + 1));
    }
    return values;
  }
}
