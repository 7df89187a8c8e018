/** A session over a control socket: a real OpenSSH master answers in ssh.test.ts; here, one that does as each test likes. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Session } from '../../../src/transports/hosts/channel.ts';
import { Fields, packetOf, PacketReader, string, uint32 } from '../../../src/transports/hosts/ssh-packets.ts';
import { openSession } from '../../../src/transports/hosts/ssh-session.ts';

const hello = packetOf(uint32(1, 4));
const isProxy = packetOf(uint32(0x8000000f, 1));
const confirmation = (window: number, part = 32_768): Buffer => said(91, uint32(0, 7, window, part));
const windowBytes = 2 * 1024 * 1024;

/** A message of the host's as the master hands it on. */
function said(kind: number, ...parts: readonly Uint8Array[]): Buffer {
  return packetOf(Buffer.from([0, kind]), ...parts);
}
const request = (what: string, wantsReply: number, ...parts: readonly Uint8Array[]): Buffer =>
  said(98, uint32(0), string(what), Buffer.from([wantsReply]), ...parts);
const output = (bytes: Uint8Array | string): Buffer => said(94, uint32(0), string(bytes));
const close = said(97, uint32(0));

interface Heard {
  readonly kind: number;
  readonly fields: Fields;
}

interface Master {
  readonly session: Session;
  readonly socket: Socket;
  /** The next message that the session sends over its channel. */
  readonly heard: () => Promise<Heard>;
  /** Resolves when the session has closed the socket. */
  readonly closed: Promise<unknown>;
}

/** Up to the moment at which the session has asked for its channel. */
async function withMaster(
  act: (master: Master) => Promise<void>,
  greeting = [hello, isProxy],
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'belay-session-'));
  const server = createServer().listen(join(folder, 's'));
  await once(server, 'listening');
  const session = openSession(join(folder, 's'), 'echo');
  const [socket] = (await once(server, 'connection')) as [Socket];
  const reader = new PacketReader(2, 1_000_000);
  const packets: Buffer[] = [];
  let more: () => void = () => {};
  socket
    .on('error', () => {})
    .on('data', (chunk: Buffer) => {
      reader.add(chunk);
      for (let packet = reader.next(); packet !== undefined; packet = reader.next()) packets.push(packet);
      more();
    });
  const next = async (): Promise<Buffer> => {
    for (;;) {
      const packet = packets.shift();
      if (packet !== undefined) return packet;
      await new Promise<void>((resolve) => {
        more = resolve;
      });
    }
  };
  const heard = async (): Promise<Heard> => {
    const fields = new Fields(await next());
    fields.byte();
    return { kind: fields.byte(), fields };
  };
  try {
    for (const packet of greeting) {
      await next();
      socket.write(packet);
    }
    await act({ session, socket, heard, closed: once(socket, 'close') });
  } finally {
    session.kill();
    socket.destroy();
    server.close();
    rmSync(folder, { recursive: true });
  }
}

/** Up to the command, which has been taken. */
const opened = (act: (master: Master) => Promise<void>, window = windowBytes): Promise<void> =>
  withMaster(async (master) => {
    expect((await master.heard()).kind).toBe(90);
    master.socket.write(confirmation(window));
    const { kind, fields } = await master.heard();
    expect([kind, fields.uint32(), fields.string().toString()]).toEqual([98, 7, 'exec']);
    await act(master);
  });

test('what the command prints and its exit code come through', () =>
  opened(async ({ session, socket }) => {
    const both = Promise.all([text(session.stdout), text(session.stderr)]);
    socket.write(Buffer.concat([said(99, uint32(0)), output('out'), said(95, uint32(0, 1), string('err'))]));
    socket.write(Buffer.concat([request('exit-status', 0, uint32(3)), said(96, uint32(0)), close]));
    expect(await session.ended).toBe(3);
    expect(await both).toEqual(['out', 'err']);
  }));

test('what the host asks to see whether it lives is answered, or the host would end the connection', () =>
  opened(async ({ socket, heard }) => {
    socket.write(request('keepalive@openssh.com', 1));
    expect((await heard()).kind).toBe(100);
  }));

test('input goes out as far as the host takes it, and its end after it', () =>
  opened(async ({ session, socket, heard }) => {
    session.stdin.end('0123456789');
    const part = async (): Promise<string> => {
      const { kind, fields } = await heard();
      return kind === 94 ? `${fields.uint32()} ${fields.string().toString()}` : String(kind);
    };
    expect(await part()).toBe('7 0123');
    socket.write(said(93, uint32(0, 100)));
    expect([await part(), await part()]).toEqual(['7 456789', '96']);
  }, 4));

test('a host may send on when it was read, and not before', () =>
  opened(async ({ session, socket, heard }) => {
    const part = Buffer.alloc(32_768);
    for (let sent = 0; sent < windowBytes; sent += part.byteLength) socket.write(output(part));
    let read = 0;
    session.stdout.on('data', (chunk: Buffer) => {
      read += chunk.byteLength;
    });
    let allowed = 0;
    while (allowed < windowBytes / 2) {
      const { kind, fields } = await heard();
      expect([kind, fields.uint32()]).toEqual([93, 7]);
      allowed += fields.uint32();
    }
    expect(read).toBeGreaterThanOrEqual(windowBytes / 2);
  }));

test('one that sends more than it was allowed is cut off', () =>
  opened(async ({ session, socket, closed }) => {
    for (let sent = 0; sent <= windowBytes; sent += 32_768) socket.write(output(Buffer.alloc(32_768)));
    expect(await session.ended).toBe(255);
    await closed;
  }));

test.each([
  ['a session that the host refuses', said(92, uint32(0, 1), string('open failed'), string('')), /refused/],
  ['an answer of another kind', said(94, uint32(0), string('x')), /of the kind 94/],
  ['one for another channel', said(91, uint32(1, 7, 1, 1)), /another channel/],
  ['one that is cut short', said(91, uint32(0)), /cut short/],
])('%s ends it as a failure of ssh itself', (_name, answer, why) =>
  withMaster(async ({ session, socket, heard }) => {
    await heard();
    socket.write(answer);
    expect(await session.ended).toBe(255);
    expect(await text(session.stderr)).toMatch(why);
  }),
);

test('one that is given up while the host opens it keeps its socket until the host has answered: without, the master would end', () =>
  withMaster(async ({ session, socket, heard, closed }) => {
    expect((await heard()).kind).toBe(90);
    session.kill();
    let isClosed = false;
    void closed.then(() => {
      isClosed = true;
    });
    // A master that is asked meanwhile still has it.
    await new Promise((resolve) => setImmediate(resolve));
    expect(isClosed).toBe(false);
    socket.write(confirmation(1));
    expect(await session.ended).toBeUndefined();
    await closed;
  }));

test('a master that goes, refuses or speaks another version ends it, and says so before the command began', async () => {
  for (const greeting of [[packetOf(uint32(1, 5))], [hello, packetOf(uint32(0x80000003, 1), string('no'))]]) {
    await withMaster(async ({ session }) => {
      expect(await session.ended).toBe(255);
      expect(await text(session.stderr)).toMatch(/^the master of the connection answered with /);
    }, greeting);
  }
  await withMaster(async ({ session, socket }) => {
    socket.destroy();
    expect(await session.ended).toBe(255);
    expect(await text(session.stderr)).toBe('the master of the connection has gone\n');
  });
  await opened(async ({ session, socket }) => {
    socket.destroy();
    expect(await session.ended).toBe(255);
    expect(await text(session.stderr)).toBe('');
  });
  const session = openSession(join(tmpdir(), 'belay-no-such-socket'), 'echo');
  expect(await session.ended).toBe(255);
});

test('no bytes make it throw or wait for ever', async () => {
  const message = fc
    .tuple(fc.integer({ min: 80, max: 110 }), fc.uint8Array({ maxLength: 40 }))
    .map(([kind, bytes]) => said(kind, uint32(0), bytes));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(message, fc.uint8Array({ maxLength: 60 }))), async (bytes) => {
      await opened(async ({ session, socket }) => {
        for (const some of bytes) socket.write(some);
        socket.end();
        expect(typeof (await session.ended)).toBe('number');
      });
    }),
    { numRuns: 30 },
  );
});
