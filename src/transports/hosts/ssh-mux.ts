/**
 * What an OpenSSH master is asked over its control socket without another ssh process. Source: PROTOCOL.mux of OpenSSH
 * (version 4 of the protocol since 5.6): packets with their length before them, a hello from both sides, then requests.
 */
import { connect } from 'node:net';

const version = 4;
const hello = 0x00000001;
const requests = { alive: 0x10000004, terminate: 0x10000005 } as const;
const answers = { alive: 0x80000005, terminate: 0x80000001 } as const;
const requestId = 1;
/** The largest packet that is expected back holds three numbers; a refusal holds a sentence. */
const packetBytesMax = 4_096;
const answerMsMax = 10_000;

/**
 * Whether the master does as it is asked; one that is to end has ended then. False: nobody listens, it refuses, it says something
 * else, or nothing within ten seconds. Never rejects.
 */
export async function askMaster(socket: string, request: keyof typeof requests): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const connection = connect(socket);
  const timer = setTimeout(() => resolve(false), answerMsMax);
  let said = Buffer.alloc(0);
  let greeted = false;
  let ends = false;
  connection.on('error', () => resolve(ends)).on('close', () => resolve(ends));
  connection.on('data', (chunk: Buffer) => {
    said = Buffer.concat([said, chunk]);
    for (let packet = firstOf(said); packet !== undefined; packet = firstOf(said)) {
      if (packet === 'garbled') return resolve(false);
      said = said.subarray(4 + packet.byteLength);
      const type = packet.readUInt32BE(0);
      if (greeted) {
        const agrees = type === answers[request] && packet.readUInt32BE(4) === requestId;
        if (!agrees || request === 'alive') return resolve(agrees);
        ends = true;
        return;
      }
      if (type !== hello || packet.readUInt32BE(4) !== version) return resolve(false);
      greeted = true;
      connection.write(packetOf(requests[request], requestId));
    }
  });
  connection.write(packetOf(hello, version));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    connection.destroy();
  }
}

function packetOf(type: number, value: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32BE(8, 0);
  bytes.writeUInt32BE(type, 4);
  bytes.writeUInt32BE(value, 8);
  return bytes;
}

/** Undefined: the first packet has not come whole. */
function firstOf(said: Buffer): Buffer | 'garbled' | undefined {
  if (said.byteLength < 4) return undefined;
  const size = said.readUInt32BE(0);
  if (size < 8 || size > packetBytesMax) return 'garbled';
  return said.byteLength < 4 + size ? undefined : said.subarray(4, 4 + size);
}
