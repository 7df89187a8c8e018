/** HTTP over dialled connections: what each trouble is called, that bodies stream both ways, and what is sent twice. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { HttpClient, type HttpRequest } from '../../../src/transports/http/client.ts';
import { peerCertificate, type HttpEndpoint } from '../../../src/transports/http/connection.ts';
import { HttpFailure } from '../../../src/transports/http/failure.ts';
import { localHost } from '../../../src/transports/hosts/local.ts';
import { Authority, type Pair } from './certificates.ts';

const host = localHost({ name: 'minio1', transport: 'local', become: 'none', tags: {} });
const never = new AbortController().signal;
const get: HttpRequest = { method: 'GET', path: '/x', silenceMs: 5_000, signal: never };
type Answer = (request: IncomingMessage, response: ServerResponse) => void;
const hello: Answer = (_request, response) => response.end('hello');

let authority: Authority;
let pair: Pair;
const servers: Server[] = [];
beforeAll(() => {
  authority = new Authority();
  pair = authority.sign('good', 'DNS:minio1.lab,IP:127.0.0.1');
});
afterAll(async () => {
  authority[Symbol.dispose]();
  await host.close();
});
afterEach(async () => {
  for (const server of servers.splice(0)) {
    if (server instanceof http.Server) server.closeAllConnections();
    server.close();
  }
});

async function listening(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
const plain = (answer: Answer) => listening(http.createServer(answer));
const secured = (answer: Answer, { key, cert }: Pair = pair) =>
  listening(https.createServer({ key, cert }, answer));

function endpoint(port: number, tls?: { serverName: string; ca?: string }): HttpEndpoint {
  return {
    label: `minio1 port ${port}`,
    authority: `minio1:${port}`,
    dial: (options) => host.dial({ address: '127.0.0.1', port }, options),
    ...(tls === undefined ? {} : { tls }),
  };
}
const trusted = (port: number) => endpoint(port, { serverName: 'minio1.lab', ca: authority.certificate });

async function failing(target: HttpEndpoint, request: Partial<HttpRequest> = {}): Promise<HttpFailure> {
  using client = new HttpClient(target);
  try {
    await client.text(await client.send({ ...get, ...request }), 1_000);
  } catch (error) {
    if (error instanceof HttpFailure) return error;
    throw error;
  }
  throw new Error('nothing failed');
}

describe('an HTTP server behind a host', () => {
  it('is asked with the Host header, the query and the headers that were given', async () => {
    const port = await plain((request, response) => {
      response
        .setHeader('x-seen', `${request.headers.host} ${request.url} ${String(request.headers['x-a'])}`)
        .end('yes');
    });
    using client = new HttpClient(endpoint(port));
    const answer = await client.send({ ...get, query: { b: 'ü /', a: '' }, headers: { 'x-a': '1' } });
    expect(answer.status).toBe(200);
    expect(answer.headers['x-seen']).toBe(`minio1:${port} /x?a=&b=%C3%BC%20%2F 1`);
    expect(await client.text(answer, 100)).toBe('yes');
  });

  it('over TLS keeps its connection, and is asked anew over another when it has closed it', async () => {
    const ports = new Set<number | undefined>();
    const port = await secured((request, response) => {
      ports.add(request.socket.remotePort);
      response.end('hello');
    });
    using client = new HttpClient(trusted(port));
    for (let count = 0; count < 3; count += 1) await client.text(await client.send(get), 100);
    expect(ports.size).toBe(1);
    for (const server of servers) if (server instanceof https.Server) server.closeIdleConnections();
    expect(await client.text(await client.send(get), 100)).toBe('hello');
    expect(ports.size).toBe(2);
  });

  it('streams megabytes in and out', async () => {
    const port = await secured((request, response) => request.pipe(response));
    const sent = randomBytes(8 * 1024 * 1024);
    using client = new HttpClient(trusted(port));
    const answer = await client.send({
      ...get,
      method: 'PUT',
      headers: { 'content-length': String(sent.length) },
      body: Readable.from(sent.subarray(0), { objectMode: false }),
    });
    const chunks: Buffer[] = [];
    for await (const chunk of answer.body) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).equals(sent)).toBe(true);
  });
});

describe('a failure says what, where and what to do', () => {
  it('REFUSED where nothing listens', async () => {
    const failure = await failing(endpoint(1));
    expect(failure).toMatchObject({ code: 'REFUSED', retryable: true, effect: 'none' });
    expect(failure.message).toContain('minio1 port 1: nothing listens there');
  });

  it('TLS_UNTRUSTED for an authority that nobody named', async () => {
    const port = await secured(hello);
    const failure = await failing(endpoint(port, { serverName: 'minio1.lab' }));
    expect(failure).toMatchObject({ code: 'TLS_UNTRUSTED', retryable: false, effect: 'none' });
    expect(failure.message).toContain('CaCertificates');
  });

  it('TLS_WRONG_NAME with the names that the certificate holds', async () => {
    const port = await secured(hello);
    const failure = await failing(endpoint(port, { serverName: 'other.lab', ca: authority.certificate }));
    expect(failure).toMatchObject({ code: 'TLS_WRONG_NAME', retryable: false, effect: 'none' });
    expect(failure.message).toMatch(/not for other\.lab, it is for DNS:minio1\.lab, IP Address:127\.0\.0\.1/);
  });

  it('an address as the server name is held against the addresses of the certificate', async () => {
    const port = await secured(hello);
    using client = new HttpClient(endpoint(port, { serverName: '127.0.0.1', ca: authority.certificate }));
    expect((await client.send(get)).status).toBe(200);
    const failure = await failing(endpoint(port, { serverName: '127.0.0.9', ca: authority.certificate }));
    expect(failure.code).toBe('TLS_WRONG_NAME');
  });

  it('TLS_EXPIRED for yesterday’s certificate', async () => {
    const port = await secured(hello, authority.sign('old', 'DNS:minio1.lab', -1));
    const failure = await failing(trusted(port));
    expect(failure).toMatchObject({ code: 'TLS_EXPIRED', retryable: false, effect: 'none' });
    expect(failure.message).toContain('has expired');
  });

  it('NOT_HTTP where TLS meets plain HTTP, either way round, and for something else', async () => {
    const tlsOnPlain = await failing(trusted(await plain(hello)));
    expect(tlsOnPlain.code).toBe('NOT_HTTP');
    expect(tlsOnPlain.message).toContain('Tls: false');
    const other = await listening(createServer((socket) => socket.end('SSH-2.0-x\r\n')));
    expect((await failing(endpoint(other))).code).toBe('NOT_HTTP');
  });

  it.each<[string, Answer]>([
    ['before its answer', () => {}],
    ['in the middle of it', (_request, response) => response.write('half')],
  ])('NO_REPLY for a server that falls silent %s', async (_when, answer) => {
    const failure = await failing(endpoint(await plain(answer)), { silenceMs: 300 });
    expect(failure).toMatchObject({ code: 'NO_REPLY', retryable: true, effect: 'unknown' });
    expect(failure.message).toContain('nothing came for 0.3 s');
  });

  it('NO_REPLY says that it was not asked where every connection to it is taken', async () => {
    let asked = 0;
    const port = await plain(() => (asked += 1));
    using client = new HttpClient(endpoint(port));
    const busy = Array.from({ length: 8 }, () => client.send(get).catch((error: unknown) => error));
    await expect.poll(() => asked).toBe(8);
    const late = client.send({ ...get, silenceMs: 300 });
    await expect(late).rejects.toMatchObject({ code: 'NO_REPLY', effect: 'none', retryable: true });
    await expect(late).rejects.toThrow('not asked: Belay got no connection to it within 0.3 s');
    client.close();
    await Promise.all(busy);
  });

  it('NO_REPLY does not come while bytes do, however slow', async () => {
    const port = await plain((_request, response) => {
      let count = 0;
      const timer = setInterval(() => {
        response.write('x');
        if ((count += 1) === 6) {
          clearInterval(timer);
          response.end();
        }
      }, 100);
    });
    using client = new HttpClient(endpoint(port));
    expect(await client.text(await client.send({ ...get, silenceMs: 400 }), 100)).toBe('xxxxxx');
  });

  it('CONNECTION_LOST for one that closes in the middle; a POST is never sent again', async () => {
    let asked = 0;
    const port = await secured((request, response) => {
      asked += 1;
      if (request.method === 'POST') request.socket.destroy();
      else response.end('ok');
    });
    using client = new HttpClient(trusted(port));
    await client.text(await client.send(get), 100);
    await expect(client.send({ ...get, method: 'POST' })).rejects.toMatchObject({
      code: 'CONNECTION_LOST',
      effect: 'unknown',
    });
    expect(asked).toBe(2);
  });

  it('CANCELLED at once', async () => {
    const port = await plain(() => {});
    const failure = await failing(endpoint(port), { signal: AbortSignal.timeout(100) });
    expect(failure).toMatchObject({ code: 'CANCELLED' });
  });

  it('REPLY_TOO_LARGE rather than a full memory', async () => {
    const port = await plain((_request, response) => response.end(randomBytes(4_000)));
    expect((await failing(endpoint(port))).code).toBe('REPLY_TOO_LARGE');
  });
});

describe('the certificate of a server', () => {
  it('is read whether it is trusted or not', async () => {
    const port = await secured(hello);
    const options = { signal: never, timeoutMs: 5_000 };
    const certificate = await peerCertificate(endpoint(port, { serverName: 'other.lab' }), options);
    expect(certificate.subjectaltname).toContain('DNS:minio1.lab');
    expect(certificate.serialNumber).toMatch(/^[0-9A-F]+$/);
  });
});
