/**
 * A session over a master's control socket, without a process of its own: the proxy mode of PROTOCOL.mux, in which the master hands
 * on the messages of one channel (OpenSSH 7.4 and later; mux.c, channels.c). It behaves as the ssh client does: what goes wrong
 * before the command runs is said on standard error, and the exit code is 255.
 *
 * The channel is never closed by a message of ours, only by closing the socket, after which the master closes it: until OpenSSH 9.8 it
 * may take the number of such a message for that of another channel. A socket that is closed before the channel was confirmed ends the
 * master; so it stays until then.
 */
import { connect, type Socket } from 'node:net';
import { Writable } from 'node:stream';
import type { Session } from './channel.ts';
import { Fields, GarbledPacket, packetOf, PacketReader, string, uint32 } from './ssh-packets.ts';
import { ChannelOutput } from './ssh-session-output.ts';

const version = 4;
const mux = { hello: 0x00000001, proxy: 0x1000000f, isProxy: 0x8000000f } as const;
const message = {
  open: 90,
  openConfirmation: 91,
  openFailure: 92,
  windowAdjust: 93,
  data: 94,
  extendedData: 95,
  eof: 96,
  close: 97,
  request: 98,
  success: 99,
  failure: 100,
} as const;

/** How much the host may send before it is told that it was read, and in one packet. As OpenSSH has it for sessions. */
const windowBytes = 2 * 1024 * 1024;
const dataBytesMax = 32 * 1024;
/** The largest packet that a master takes or gives. */
const packetBytesMax = 256 * 1024;
const requestId = 1;
/** Our number of the channel. */
const channel = 0;
const failedCode = 255;

/** Starts one command; the session tells how that goes. */
export function openSession(socketPath: string, command: string): Session {
  const session = new MuxSession(connect(socketPath), command);
  return {
    stdin: session.stdin,
    stdout: session.output.stdout,
    stderr: session.output.stderr,
    ended: session.ended,
    kill: () => session.kill(),
    unref: () => session.unref(),
  };
}

class MuxSession {
  readonly output: ChannelOutput;
  readonly stdin: Writable;
  readonly ended: Promise<number | undefined>;
  readonly #socket: Socket;
  readonly #command: string;
  readonly #reader = new PacketReader(2, packetBytesMax);
  readonly #tellEnded: (exitCode: number | undefined) => void;
  #stage: 'greeting' | 'proxy' | 'opening' | 'open' | 'ended' = 'greeting';
  /** The number that the host gave the channel. */
  #remote = 0;
  #window = 0;
  #partMax = dataBytesMax;
  #toSend: { readonly bytes: Buffer; readonly done: () => void }[] = [];
  #exitCode: number | undefined;
  #isKilled = false;

  constructor(socket: Socket, command: string) {
    const { promise, resolve } = Promise.withResolvers<number | undefined>();
    this.ended = promise;
    this.#tellEnded = resolve;
    this.#socket = socket;
    this.#command = command;
    this.output = new ChannelOutput(windowBytes, (bytes) => this.#say(message.windowAdjust, uint32(bytes)));
    this.stdin = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        if (this.#stage === 'ended') {
          done();
          return;
        }
        this.#toSend.push({ bytes: chunk, done });
        this.#send();
      },
      final: (done) => {
        this.#say(message.eof);
        done();
      },
      destroy: (error, done) => {
        this.#dropInput();
        done(error);
      },
    });
    this.stdin.on('error', () => {});
    socket.on('error', () => {}).on('close', () => this.#masterGone());
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.write(packetOf(uint32(mux.hello, version)));
  }

  kill(): void {
    this.#isKilled = true;
    if (this.#stage !== 'opening') this.#end(undefined);
  }

  unref(): void {
    this.#socket.unref();
  }

  #take(chunk: Buffer): void {
    try {
      this.#reader.add(chunk);
      for (let packet = this.#reader.next(); packet !== undefined; packet = this.#reader.next()) {
        if (this.#stage === 'ended') return;
        this.#hear(new Fields(packet));
      }
    } catch (error) {
      if (!(error instanceof GarbledPacket)) throw error;
      this.#lost(`the master of the connection answered with ${error.message}`);
    }
  }

  #hear(packet: Fields): void {
    switch (this.#stage) {
      case 'greeting':
        if (packet.uint32() !== mux.hello || packet.uint32() !== version) {
          throw new GarbledPacket('another version of its protocol');
        }
        this.#stage = 'proxy';
        this.#socket.write(packetOf(uint32(mux.proxy, requestId)));
        return;
      case 'proxy':
        if (packet.uint32() !== mux.isProxy || packet.uint32() !== requestId) {
          throw new GarbledPacket('a refusal: it hands on no channel');
        }
        this.#stage = 'opening';
        this.#write(message.open, string('session'), uint32(channel, windowBytes, dataBytesMax));
        return;
      case 'opening':
      case 'open':
        packet.byte();
        this.#answer(packet.byte(), packet);
        return;
      case 'ended':
        return;
      default:
        this.#stage satisfies never;
    }
  }

  #answer(kind: number, packet: Fields): void {
    if (packet.uint32() !== channel) throw new GarbledPacket('a message for another channel');
    if (this.#stage === 'opening') {
      this.#opened(kind, packet);
      return;
    }
    switch (kind) {
      case message.windowAdjust:
        this.#window = Math.min(this.#window + packet.uint32(), 2 ** 32 - 1);
        this.#send();
        return;
      case message.data:
        this.#give('stdout', packet.string());
        return;
      case message.extendedData:
        packet.uint32();
        this.#give('stderr', packet.string());
        return;
      case message.request:
        this.#asked(packet);
        return;
      case message.failure:
        this.#lost('the host refused to run a command');
        return;
      case message.close:
        this.#end(this.#exitCode ?? failedCode);
        return;
      case message.eof:
      case message.success:
        return;
      default:
        throw new GarbledPacket(`a message of the kind ${kind}`);
    }
  }

  #opened(kind: number, packet: Fields): void {
    if (kind === message.openFailure) {
      packet.uint32();
      this.#lost(`Session open refused by peer: ${packet.string().toString('utf8')}`);
      return;
    }
    if (kind !== message.openConfirmation) throw new GarbledPacket(`a message of the kind ${kind}`);
    this.#remote = packet.uint32();
    this.#window = packet.uint32();
    this.#partMax = Math.max(1, Math.min(packet.uint32(), dataBytesMax));
    this.#stage = 'open';
    if (this.#isKilled) {
      this.#end(undefined);
      return;
    }
    this.#say(message.request, string('exec'), Buffer.from([1]), string(this.#command));
    this.#send();
    if (this.stdin.writableFinished) this.#say(message.eof);
  }

  /** What the host asks of us, its keep-alive included, which has to be answered. */
  #asked(packet: Fields): void {
    const what = packet.string().toString('latin1');
    const wantsReply = packet.byte() !== 0;
    if (what === 'exit-status') this.#exitCode = packet.uint32() & 0xff;
    else if (what === 'exit-signal') this.#exitCode = failedCode;
    else if (wantsReply) this.#say(message.failure);
  }

  #give(stream: 'stdout' | 'stderr', bytes: Buffer): void {
    if (!this.output.give(stream, bytes)) throw new GarbledPacket('more bytes than it was allowed');
  }

  /** As much of the input as the host takes now. */
  #send(): void {
    while (this.#stage === 'open') {
      const [next] = this.#toSend;
      if (next === undefined) return;
      const part = next.bytes.subarray(0, Math.min(this.#window, this.#partMax));
      if (part.byteLength === 0 && next.bytes.byteLength > 0) return;
      if (part.byteLength > 0) this.#say(message.data, string(part));
      this.#window -= part.byteLength;
      const rest = next.bytes.subarray(part.byteLength);
      if (rest.byteLength > 0) this.#toSend[0] = { bytes: rest, done: next.done };
      else {
        this.#toSend.shift();
        next.done();
      }
    }
  }

  /** Of the open channel; before it is open nothing is said. */
  #say(kind: number, ...parts: readonly Uint8Array[]): void {
    if (this.#stage === 'open') this.#write(kind, uint32(this.#remote), ...parts);
  }

  #write(kind: number, ...parts: readonly Uint8Array[]): void {
    this.#socket.write(packetOf(Buffer.from([0, kind]), ...parts));
  }

  #masterGone(): void {
    if (this.#stage === 'open') this.#end(failedCode);
    else this.#lost('the master of the connection has gone');
  }

  #lost(why: string): void {
    if (this.#stage === 'ended') return;
    this.output.note(`${why}\n`);
    this.#end(failedCode);
  }

  #end(exitCode: number | undefined): void {
    if (this.#stage === 'ended') return;
    this.#stage = 'ended';
    this.#socket.destroy();
    this.output.end();
    this.#dropInput();
    this.#tellEnded(exitCode);
  }

  /** A command that ends early leaves its input unread; that is told by its end, and not by a write. */
  #dropInput(): void {
    for (const { done } of this.#toSend.splice(0)) done();
  }
}
