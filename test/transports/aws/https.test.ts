/** TLS: whom the client trusts, that a lost reply is noticed behind it too, and the way through a proxy. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Aws } from '../../../src/transports/aws.ts';
import { createAws } from '../../../src/transports/aws/client.ts';
import { createModelStore } from '../../../src/transports/aws/model-store.ts';
import { type SmallEndpoint, startEndpoint } from './small-endpoint.ts';

function findReason(): string | undefined {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'openssl is not installed, which makes the certificate';
  }
}

const reason = findReason();
const models = createModelStore();
const stop = { service: 'ec2', operation: 'StopInstances', params: { InstanceIds: ['i-1'] } };

describe.skipIf(reason)(`an HTTPS endpoint${reason === undefined ? '' : ` (${reason})`}`, () => {
  const saved = { ...process.env };
  let folder: string;
  let endpoint: SmallEndpoint;
  let behave: () => Promise<void>;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'belay-tls-'));
    const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
    const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const subject = ['-days', '1', '-subj', '/CN=endpoint', '-addext', 'subjectAltName=IP:127.0.0.1'];
    execFileSync('openssl', [...request, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    const tls = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
    endpoint = await startEndpoint(async () => {
      await behave();
      return { body: '<R><requestId>r</requestId></R>' };
    }, tls);
  });
  afterEach(() => {
    process.env = { ...saved };
  });
  afterAll(async () => {
    await endpoint?.close();
    rmSync(folder, { recursive: true });
  });

  const client = (requestTimeoutMs = 5_000): Aws =>
    createAws({
      models,
      endpoint: endpoint.url,
      region: 'eu-west-1',
      credentials: async () => ({ accessKeyId: 'AKIA', secretAccessKey: 'key' }),
      sleep: async () => undefined,
      requestTimeoutMs,
    });

  it('of an unknown authority is refused before anything is sent', async () => {
    delete process.env['AWS_CA_BUNDLE'];
    const before = endpoint.received.length;
    await expect(client().call(stop)).rejects.toMatchObject({
      code: 'UNREACHABLE',
      effect: 'none',
      retryable: false,
      message: expect.stringContaining('AWS_CA_BUNDLE'),
    });
    expect(endpoint.received).toHaveLength(before);
  });

  it('of an authority in AWS_CA_BUNDLE is trusted', async () => {
    process.env['AWS_CA_BUNDLE'] = path.join(folder, 'cert.pem');
    behave = async () => undefined;
    expect(await client().call(stop)).toMatchObject({ ResponseMetadata: { HTTPStatusCode: 200 } });
  });

  it('that never answers leaves a change in doubt, and gets it once', async () => {
    process.env['AWS_CA_BUNDLE'] = path.join(folder, 'cert.pem');
    behave = () => new Promise(() => undefined);
    const before = endpoint.received.length;
    await expect(client(400).call(stop)).rejects.toMatchObject({ code: 'NO_REPLY', effect: 'unknown' });
    expect(endpoint.received).toHaveLength(before + 1);
  });

  it('is reached through the proxy that HTTPS_PROXY names', async () => {
    process.env['AWS_CA_BUNDLE'] = path.join(folder, 'cert.pem');
    behave = async () => undefined;
    const tunnels: string[] = [];
    const proxy = http.createServer();
    const sockets: Duplex[] = [];
    proxy.on('connect', (request, socket) => {
      tunnels.push(request.url ?? '');
      sockets.push(socket);
      const onward = net.connect(endpoint.port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        onward.pipe(socket).pipe(onward);
      });
      onward.on('error', () => socket.destroy());
      socket.on('error', () => onward.destroy());
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const address = proxy.address();
    try {
      process.env['HTTPS_PROXY'] = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
      process.env['NO_PROXY'] = '';
      expect(await client().call(stop)).toMatchObject({ ResponseMetadata: { HTTPStatusCode: 200 } });
      expect(tunnels).toEqual([`127.0.0.1:${endpoint.port}`]);
    } finally {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
    }
  });
});
