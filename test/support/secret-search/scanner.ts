/**
 * Finds any of many needles in one pass over a stream of bytes, however the stream is cut and wherever white space stands in it: a hash of
 * eight bytes rolls along, and only where a needle begins with such eight is it compared.
 */
const width = 8;
const slots = 1 << 22;
const power = powerOf(width - 1);

export interface Needle<Meaning> {
  /** At least eight bytes, no white space. */
  readonly bytes: Buffer;
  readonly meaning: Meaning;
}

export class Needles<Meaning> {
  readonly longest: number;
  readonly #isPossible = new Uint8Array(slots / 8);
  readonly #byHash = new Map<number, Needle<Meaning>[]>();

  constructor(needles: readonly Needle<Meaning>[]) {
    this.longest = needles.reduce((most, { bytes }) => Math.max(most, bytes.length), width);
    for (const needle of needles) {
      if (needle.bytes.length < width)
        throw new RangeError(`a needle of ${needle.bytes.length} bytes is too short to search for`);
      const hash = hashOf(needle.bytes);
      const slot = hash & (slots - 1);
      this.#isPossible[slot >> 3] = (this.#isPossible[slot >> 3] ?? 0) | (1 << (slot & 7));
      this.#byHash.set(hash, [...(this.#byHash.get(hash) ?? []), needle]);
    }
  }

  /** Every needle that stands in `bytes[0, length)`. */
  *in(bytes: Buffer, length: number): Generator<Meaning> {
    if (length < width) return;
    let hash = hashOf(bytes);
    for (let at = 0; ; at += 1) {
      const slot = hash & (slots - 1);
      if (((this.#isPossible[slot >> 3] ?? 0) & (1 << (slot & 7))) !== 0)
        for (const { bytes: needle, meaning } of this.#byHash.get(hash) ?? [])
          if (at + needle.length <= length && needle.compare(bytes, at, at + needle.length) === 0)
            yield meaning;
      if (at + width >= length) return;
      const gone = Math.imul(bytes[at] ?? 0, power);
      hash = (Math.imul(hash - gone, 31) + (bytes[at + width] ?? 0)) | 0;
    }
  }
}

/** A stream without its white space, cut into pieces that overlap by the longest needle. */
export class Scanner<Meaning> {
  readonly found = new Set<Meaning>();
  readonly #needles: Needles<Meaning>;
  readonly #skipsEscapes: boolean;
  #piece = Buffer.alloc(1 << 18);
  #length = 0;
  #isEscaped = false;

  /** `skipsEscapes`: the two characters `\n`, `\r` and `\t` of JSON are white space too. */
  constructor(needles: Needles<Meaning>, skipsEscapes: boolean) {
    this.#needles = needles;
    this.#skipsEscapes = skipsEscapes;
  }

  add(chunk: Buffer): void {
    for (let index = 0; index < chunk.length; index += 1) {
      const byte = chunk[index] ?? 0;
      if (byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)) continue;
      if (this.#isEscaped) {
        this.#isEscaped = false;
        if (byte === 0x6e || byte === 0x72 || byte === 0x74) continue;
      }
      if (this.#skipsEscapes && byte === 0x5c) {
        this.#isEscaped = true;
        continue;
      }
      this.#piece[this.#length] = byte;
      this.#length += 1;
      if (this.#length === this.#piece.length) this.#search(this.#needles.longest - 1);
    }
  }

  end(): ReadonlySet<Meaning> {
    this.#search(0);
    return this.found;
  }

  #search(overlap: number): void {
    for (const meaning of this.#needles.in(this.#piece, this.#length)) this.found.add(meaning);
    this.#piece.copyWithin(0, this.#length - overlap, this.#length);
    this.#length = Math.min(overlap, this.#length);
  }
}

function hashOf(bytes: Buffer): number {
  let hash = 0;
  for (let index = 0; index < width; index += 1) hash = (Math.imul(hash, 31) + (bytes[index] ?? 0)) | 0;
  return hash;
}

function powerOf(times: number): number {
  let value = 1;
  for (let index = 0; index < times; index += 1) value = Math.imul(value, 31);
  return value;
}
