/** The host contract's part on connections made from the host. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { Listener, Suite } from '../host.ts';
import { failureOf, never } from './command.ts';

/** A server of this machine that says back what it is told. */
export async function echoServer(): Promise<Listener & { close(): Promise<void> }> {
  const open = new Set<Duplex>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => open.delete(socket));
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    close: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Reads until so many bytes have come. */
async function readBytes(connection: Duplex, bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let got = 0;
  for await (const chunk of connection.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk as Buffer);
    got += (chunk as Buffer).length;
    if (got >= bytes) break;
  }
  return Buffer.concat(chunks);
}

export function dialContract({ timeoutMs, opened }: Suite): void {
  const options = { signal: never, timeoutMs: 20_000 };
  const listener = (): Listener => {
    const { listener: found } = opened();
    if (found === undefined) throw new Error('the factory gave no listener');
    return found;
  };

  describe('dial', () => {
    it('reaches what listens on the loopback of the host', { timeout: timeoutMs }, async () => {
      const { port, greeting } = listener();
      const connection = await opened().host.dial({ address: '127.0.0.1', port }, options);
      if (greeting === undefined) connection.write('hello\n');
      const said = (await readBytes(connection, 6)).toString('utf8');
      expect(said).toMatch(greeting ?? /^hello\n$/);
      connection.destroy();
    });

    it('carries megabytes both ways without a wrong byte', { timeout: timeoutMs }, async ({ skip }) => {
      const { port, greeting } = listener();
      if (greeting !== undefined) skip('what listens on this host does not echo');
      const connection = await opened().host.dial({ address: '127.0.0.1', port }, options);
      const sent = randomBytes(4 * 1024 * 1024);
      const received = readBytes(connection, sent.length);
      connection.write(sent);
      expect((await received).equals(sent)).toBe(true);
      connection.destroy();
    });

    it('says PORT_REFUSED where nothing listens', { timeout: timeoutMs }, async () => {
      const failure = await failureOf(opened().host.dial({ address: '127.0.0.1', port: 1 }, options));
      expect(failure).toMatchObject({ code: 'PORT_REFUSED', retryable: true, effect: 'none' });
      expect(failure.message).toContain(opened().host.label);
      expect(failure.message).toContain('127.0.0.1 port 1');
      expect(failure.message).toMatch(/refused/i);
    });

    it('gives up at once when it is told to', { timeout: timeoutMs }, async () => {
      const { port } = listener();
      const dialling = opened().host.dial(
        { address: '127.0.0.1', port },
        { signal: AbortSignal.abort(), timeoutMs: 20_000 },
      );
      expect(await failureOf(dialling)).toMatchObject({ code: 'CANCELLED' });
    });

    it('ends the stream when the other side does', { timeout: timeoutMs }, async ({ skip }) => {
      const { port, greeting } = listener();
      if (greeting !== undefined) skip('what listens on this host does not echo');
      const connection = await opened().host.dial({ address: '127.0.0.1', port }, options);
      const ended = once(connection, 'close');
      connection.end('bye');
      connection.resume();
      await ended;
    });
  });
}
