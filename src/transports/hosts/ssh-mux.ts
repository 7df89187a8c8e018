/**
 * What an OpenSSH master is asked over its control socket without another ssh process. Source: PROTOCOL.mux of OpenSSH
 * (version 4 of the protocol since 5.6): packets with their length before them, a hello from both sides, then requests.
 */
import { connect } from 'node:net';
import { GarbledPacket, packetOf, PacketReader, uint32 } from './ssh-packets.ts';

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
  const reader = new PacketReader(8, packetBytesMax);
  let greeted = false;
  let ends = false;
  const hear = (packet: Buffer): void => {
    const type = packet.readUInt32BE(0);
    if (greeted) {
      const agrees = type === answers[request] && packet.readUInt32BE(4) === requestId;
      if (agrees && request === 'terminate') ends = true;
      else resolve(agrees);
    } else if (type === hello && packet.readUInt32BE(4) === version) {
      greeted = true;
      connection.write(packetOf(uint32(requests[request], requestId)));
    } else resolve(false);
  };
  connection.on('error', () => resolve(ends)).on('close', () => resolve(ends));
  connection.on('data', (chunk: Buffer) => {
    try {
      reader.add(chunk);
      for (let packet = reader.next(); packet !== undefined; packet = reader.next()) hear(packet);
    } catch (error) {
      if (!(error instanceof GarbledPacket)) throw error;
      resolve(false);
    }
  });
  connection.write(packetOf(uint32(hello, version)));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    connection.destroy();
  }
}
