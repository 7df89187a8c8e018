/** Who uses a key, read from a trace as MinIO sends it; the server is real, its lines are a cluster's. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { restore } from '../../../src/actions/minio/restore.ts';
import { watchAccessKey } from '../../../src/actions/minio/watch-access-key.ts';
import type { Host } from '../../../src/transports/host.ts';
import { localHost } from '../../../src/transports/hosts/local.ts';
import { run } from '../../support/action-bed.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

const line = (key: string, client: string): string =>
  JSON.stringify({
    funcname: 's3.GetObject',
    http: {
      request: {
        client,
        headers: {
          Authorization: [
            `AWS4-HMAC-SHA256 Credential=${key}/20261129/us-east-1/s3/aws4_request, Signature=5ec4e7`,
          ],
          'User-Agent': ['app/1.0'],
        },
      },
    },
  });

/** A node that traces these lines, cut anywhere, and then only gives signs of life; without lines it knows no bucket. */
async function node(lines?: readonly string[]): Promise<Host> {
  const server = createServer((_request, response) => {
    if (lines === undefined) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200);
    const text = lines.map((one) => `${one}\n`).join('');
    response.write(text.slice(0, 40));
    setTimeout(() => response.write(`${text.slice(40)} \n`), 50);
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const host = localHost({ name: 'n1', transport: 'local', become: 'none', tags: {} });
  return { ...host, dial: (_to, options) => host.dial({ address: '127.0.0.1', port }, options) };
}

const key = { Hosts: ['n1'], Tls: false, AccessKey: 'admin', SecretKey: 'secret-of-admin' };
const watched = async (lines: readonly string[]) => {
  const hosts = { n1: await node(lines) };
  return (await run(watchAccessKey, { ...key, Watched: 'old-key', Seconds: 1 }, { hosts })).ending;
};

it('names who signed with the key, how often, and keeps no signature', async () => {
  const ending = await watched([
    line('old-key', '10.0.0.7'),
    line('new-key', '10.0.0.8'),
    line('old-key', '10.0.0.7'),
  ]);
  expect(ending).toMatchObject({
    kind: 'failed',
    code: 'KEY_IN_USE',
    message: 'old-key signed 2 requests within 1 s: 10.0.0.7 (s3.GetObject, app/1.0): 2',
    outputs: { Requests: 2, Signed: 3 },
  });
  expect(JSON.stringify(ending)).not.toContain('5ec4e7');
});

it('is done where only other keys were used, and says how many requests that rests on', async () => {
  expect(await watched([line('new-key', '10.0.0.8'), 'no JSON', '{}'])).toMatchObject({
    kind: 'done',
    note: 'none of 1 requests within 1 s was signed with old-key',
  });
});

it('a drill of a restore refuses a server that has no backup of Belay', async () => {
  const hosts = { n1: await node() };
  const Target = { Url: 'http://backup:7070', AccessKey: 'backup', SecretKey: 'secret-of-backup' };
  await expect(run(restore, { ...key, Target, Verify: 'sample' }, { hosts })).rejects.toMatchObject({
    code: 'NO_MANIFEST',
    message: expect.stringContaining('no bucket belay-manifests'),
  });
});
