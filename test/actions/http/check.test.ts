import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { check } from '../../../src/actions/http/check.ts';
import type { JsonObject } from '../../../src/json.ts';
import { HostFailure } from '../../../src/transports/host.ts';
import { carryOut, run } from '../../support/action-bed.ts';
import { localTestHost } from '../host/local.ts';

async function serving(listener: RequestListener) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const healthy: RequestListener = (request, response) => {
  if (request.url === '/moved') response.writeHead(302, { location: '/' }).end();
  else if (request.url === '/broken') response.writeHead(503).end('starting up\n');
  else if (request.url === '/slow') setTimeout(() => response.end('late'), 3_000).unref();
  else response.end(`ready ${request.method} ${String(request.headers['x-key'] ?? '-')}\n`);
};

test.each([undefined, 'here'])('checks status and body, asked from %s', async (Host) => {
  await using here = localTestHost();
  await using server = await serving(healthy);
  const from = Host === undefined ? {} : { Host };
  const world = { hosts: { here: here.host }, secrets: ['hunter2'] };
  const ask = async (inputs: JsonObject) =>
    (await run(check, { ...from, TimeoutSeconds: 2, ...inputs }, world)).ending;

  expect(await ask({ Url: server.url, ExpectBody: 'ready', Headers: { 'X-Key': 'hunter2' } })).toMatchObject({
    kind: 'done',
    outputs: { Status: 200, Body: 'ready GET hunter2\n' },
    note: '200',
  });
  expect(await ask({ Url: server.url, Method: 'HEAD' })).toMatchObject({
    kind: 'done',
    outputs: { Status: 200, Body: '' },
  });
  expect(await ask({ Url: `${server.url}/moved`, ExpectStatus: [301, 302] })).toMatchObject({
    kind: 'done',
    outputs: { Status: 302 },
  });
  expect(await ask({ Url: `${server.url}/broken` })).toMatchObject({
    kind: 'failed',
    code: 'STATUS_MISMATCH',
    message: expect.stringMatching(/\/broken( from here)? answers 503, wanted 2xx$/),
    outputs: { Status: 503, Body: 'starting up\n' },
  });
  expect(await ask({ Url: server.url, ExpectBody: 'primary' })).toMatchObject({
    kind: 'failed',
    code: 'BODY_MISMATCH',
    message: expect.stringContaining('without "primary" in its body: "ready GET -"'),
  });
  expect(await ask({ Url: `${server.url}/slow`, TimeoutSeconds: 1 })).toMatchObject({
    kind: 'failed',
    code: 'NOT_ANSWERING',
  });
});

test.each([undefined, 'here'])('says why nothing answers, asked from %s', async (Host) => {
  await using here = localTestHost();
  const closed = await serving(healthy);
  await closed[Symbol.asyncDispose]();
  const done = await run(
    check,
    { ...(Host ? { Host } : {}), Url: closed.url },
    { hosts: { here: here.host } },
  );
  expect(done.ending).toMatchObject({
    kind: 'failed',
    code: 'NOT_ANSWERING',
    message: expect.stringMatching(new RegExp(`${closed.port}.*(refused|connect)`, 'i')),
    outputs: { Status: null },
  });
});

test('asks by python3 where a host has no curl', async () => {
  await using server = await serving(healthy);
  await using here = localTestHost();
  const bare = {
    ...here.host,
    read: (script: Parameters<typeof here.host.read>[0], options: Parameters<typeof here.host.read>[1]) =>
      here.host.read(
        { ...script, text: script.text.replace('command -v curl >/dev/null', 'false') },
        options,
      ),
  };
  const world = { hosts: { here: bare } };
  const inputs = { Host: 'here', Url: server.url, Headers: { 'X-Key': 'a b' } };
  expect((await run(check, inputs, world)).ending).toMatchObject({
    kind: 'done',
    outputs: { Status: 200, Body: 'ready GET a b\n' },
  });
  const moved = { Host: 'here', Url: `${server.url}/moved`, ExpectStatus: 302 };
  expect((await run(check, moved, world)).ending).toMatchObject({ kind: 'done' });
  const none = { Host: 'here', Url: 'http://127.0.0.1:1/' };
  expect((await run(check, none, world)).ending).toMatchObject({ kind: 'failed', code: 'NOT_ANSWERING' });
});

test('goes on asking until the answer is right, and no longer than WaitSeconds', async () => {
  let asked = 0;
  await using server = await serving((_, response) => {
    asked += 1;
    response.writeHead(asked < 4 ? 503 : 200).end();
  });
  let now = 0;
  const world = { now: () => now, wait: async (ms: number) => void (now += ms) };
  const inputs = { Url: server.url, WaitSeconds: 10 };
  expect((await run(check, inputs, world)).ending).toMatchObject({ kind: 'done' });
  expect(asked).toBe(4);
  asked = -1_000;
  expect((await run(check, { ...inputs }, world)).ending).toMatchObject({
    kind: 'failed',
    code: 'STATUS_MISMATCH',
  });
  expect(asked).toBeLessThan(-985);
});

test('waits for a host that cannot be reached yet, too', async () => {
  await using server = await serving(healthy);
  await using here = localTestHost();
  let tries = 0;
  const booting = {
    ...here.host,
    read: async (...args: Parameters<typeof here.host.read>) => {
      tries += 1;
      if (tries < 3)
        throw new HostFailure({
          code: 'UNREACHABLE',
          message: 'here: refused',
          retryable: true,
          effect: 'none',
        });
      return here.host.read(...args);
    },
  };
  const inputs = { Host: 'here', Url: server.url, WaitSeconds: 30 };
  expect((await run(check, inputs, { hosts: { here: booting } })).ending).toMatchObject({ kind: 'done' });
  tries = 0;
  const impatient = { Host: 'here', Url: server.url };
  await expect(carryOut(check, impatient, null, { hosts: { here: booting } })).rejects.toMatchObject({
    code: 'UNREACHABLE',
  });
});

test('a secret in the URL never gets into the argument list of a host', async () => {
  await using here = localTestHost();
  const inputs = { Host: 'here', Url: 'http://127.0.0.1:1/?key=hunter2' };
  await expect(
    run(check, inputs, { hosts: { here: here.host }, secrets: ['hunter2'] }),
  ).rejects.toMatchObject({
    code: 'SECRET_NOT_ALLOWED',
  });
});
