/** Packets as OpenSSH has them on a control socket and in its protocol for channels: a length, then so many bytes; numbers are big-endian. */

/** The start of the input that is not a packet: too long, or too short for its kind. */
export class GarbledPacket extends Error {
  override readonly name = 'GarbledPacket';
}

/** Gathers bytes and gives the packets in them, whole. */
export class PacketReader {
  readonly #bytesMin: number;
  readonly #bytesMax: number;
  #said: Buffer = Buffer.alloc(0);

  constructor(bytesMin: number, bytesMax: number) {
    this.#bytesMin = bytesMin;
    this.#bytesMax = bytesMax;
  }

  add(chunk: Buffer): void {
    this.#said = this.#said.byteLength === 0 ? chunk : Buffer.concat([this.#said, chunk]);
  }

  /** Undefined: the next packet has not come whole. Throws GarbledPacket. */
  next(): Buffer | undefined {
    if (this.#said.byteLength < 4) return undefined;
    const size = this.#said.readUInt32BE(0);
    if (size < this.#bytesMin || size > this.#bytesMax) throw new GarbledPacket(`a packet of ${size} bytes`);
    if (this.#said.byteLength < 4 + size) return undefined;
    const packet = this.#said.subarray(4, 4 + size);
    this.#said = this.#said.subarray(4 + size);
    return packet;
  }
}

/** With its length before it. */
export function packetOf(...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([uint32(body.byteLength), body]);
}

export function uint32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => bytes.writeUInt32BE(value, 4 * index));
  return bytes;
}

export function string(bytes: Uint8Array | string): Buffer {
  const buffer = Buffer.from(bytes);
  return Buffer.concat([uint32(buffer.byteLength), buffer]);
}

/** Reads the fields of one packet, first to last; every read throws GarbledPacket where the packet has no such bytes. */
export class Fields {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  byte(): number {
    return this.#take(1).readUInt8(0);
  }

  uint32(): number {
    return this.#take(4).readUInt32BE(0);
  }

  string(): Buffer {
    return this.#take(this.uint32());
  }

  #take(size: number): Buffer {
    const end = this.#at + size;
    if (end > this.#bytes.byteLength) throw new GarbledPacket('a packet that is cut short');
    const part = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return part;
  }
}
