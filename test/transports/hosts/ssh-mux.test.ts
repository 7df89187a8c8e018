/** A master's control socket: a real OpenSSH master answers in transports/hosts/ssh.test.ts; here, whatever else may listen. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { askMaster } from '../../../src/transports/hosts/ssh-mux.ts';

const words = (...numbers: number[]): Buffer => {
  const bytes = Buffer.alloc(4 * numbers.length);
  numbers.forEach((number, index) => bytes.writeUInt32BE(number, 4 * index));
  return bytes;
};
const hello = words(8, 1, 4);
const requests = { alive: 0x10000004, terminate: 0x10000005 } as const;

/** Answers each hello by one thing and each request by another; what was asked comes back as well. */
async function asked(
  request: keyof typeof requests,
  greeting: Uint8Array,
  answer: Uint8Array | 'close',
): Promise<{ readonly holds: boolean; readonly heard: Buffer }> {
  const folder = mkdtempSync(join(tmpdir(), 'belay-mux-'));
  let heard = Buffer.alloc(0);
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      const before = heard.byteLength;
      heard = Buffer.concat([heard, chunk]);
      if (before < 12 && heard.byteLength >= 12) socket.write(greeting);
      if (heard.byteLength < 24) return;
      if (answer === 'close') socket.end();
      else for (const byte of answer) socket.write(Buffer.from([byte]));
      // A master that ends closes what it has open.
      if (answer !== 'close' && (answer.byteLength < 12 || request === 'terminate')) socket.end();
    });
    if (greeting.byteLength < 12) socket.end(greeting);
  }).listen(join(folder, 's'));
  await once(server, 'listening');
  try {
    return { holds: await askMaster(join(folder, 's'), request), heard };
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
    rmSync(folder, { recursive: true });
  }
}

test('a master that lives or ends says so, byte by byte if it likes', async () => {
  const alive = await asked('alive', hello, words(12, 0x80000005, 1, 4242));
  expect(alive).toEqual({ holds: true, heard: Buffer.concat([hello, words(8, requests.alive, 1)]) });
  const ends = await asked('terminate', hello, words(8, 0x80000001, 1));
  expect(ends).toEqual({ holds: true, heard: Buffer.concat([hello, words(8, requests.terminate, 1)]) });
});

test('one that refuses, closes, speaks another version or answers something else does not do it', async () => {
  expect((await asked('terminate', hello, words(12, 0x80000002, 1, 0))).holds).toBe(false);
  expect((await asked('alive', hello, words(12, 0x80000005, 2, 4242))).holds).toBe(false);
  expect((await asked('alive', hello, 'close')).holds).toBe(false);
  expect((await asked('alive', words(8, 1, 5), 'close')).holds).toBe(false);
  expect((await asked('alive', words(0xffffffff, 1, 4), 'close')).holds).toBe(false);
});

test('nobody who listens is not a master', async () => {
  expect(await askMaster(join(tmpdir(), 'belay-no-such-socket'), 'alive')).toBe(false);
});

test('no bytes make it throw or wait for ever', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 11 }),
      fc.uint8Array({ maxLength: 11 }),
      async (greeting, answer) => {
        expect((await asked('alive', greeting, answer)).holds).toBe(false);
      },
    ),
    { numRuns: 30 },
  );
});
