/** timeoutSeconds of a step holds for each kind of action: what takes longer has not succeeded. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { JsonObject } from '../../src/json.ts';
import { Belay } from '../../src/runtime/belay.ts';
import { openTransports, type TransportsOptions } from '../../src/runtime/transports.ts';
import type { Host } from '../../src/transports/host.ts';
import { keptIn } from '../support/local-belay.ts';

let dir: string;
let server: Server | undefined;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'belay-limit-'));
  writeFileSync(join(dir, 'belay.yaml'), 'hosts: { here: { transport: local } }\n');
});
afterEach(() => {
  server?.close();
  server?.closeAllConnections();
  server = undefined;
  rmSync(dir, { recursive: true });
});

/** Each answer of a host comes as late as `late` makes it. */
async function endOf(step: JsonObject, late: (host: Host) => Host = (host) => host, sandbox = false) {
  const belay = new Belay({
    state: join(dir, 'state'),
    cwd: dir,
    env: { ...process.env, HOME: dir },
    stdin: () => Promise.resolve(''),
    openTransports: async (options: TransportsOptions) => {
      const transports = await openTransports(options);
      return { ...transports, host: (name) => late(keptIn(dir, transports.host(name))) };
    },
  });
  try {
    const file = join(dir, 'limited.json');
    const limited = { name: 'Act', timeoutSeconds: 1, ...step };
    const document = { schemaVersion: '0.3', rollback: { when: 'never' }, mainSteps: [limited] };
    writeFileSync(file, JSON.stringify(document));
    const { id } = await belay.start({ file, texts: {}, values: {}, secrets: {}, sandbox });
    await belay.run(id, { onWait: 'leave' });
    const { status, steps } = await belay.view(id);
    return `${status}: ${steps[0]?.failure?.message ?? ''}`;
  } finally {
    belay.close();
  }
}

const command = (Script: string): JsonObject => ({
  action: 'host:command',
  inputs: { Host: 'here', Script },
  undo: { none: 'it looks' },
});

test('a command that ends after its time has not succeeded, however soon afterwards', async () => {
  expect(await endOf(command('sleep 3'))).toMatch(/^TimedOut: Act did not end within 1 s and was stopped/);
}, 30_000);

test('a check whose one answer comes after its time has not succeeded', async () => {
  const late = createServer((_request, response) => setTimeout(() => response.end('late'), 3_000));
  server = late;
  await new Promise<void>((resolve) => late.listen(0, '127.0.0.1', resolve));
  const { port } = late.address() as AddressInfo;
  const check = { action: 'http:check', inputs: { Url: `http://127.0.0.1:${port}/` } };
  expect(await endOf(check)).toMatch(/^TimedOut: Act did not end within 1 s/);
}, 30_000);

test('a sleep that is longer than its time has not succeeded', async () => {
  const sleep = { action: 'aws:sleep', inputs: { Duration: 'PT1H' } };
  expect(await endOf(sleep)).toBe('TimedOut: Act did not end within 1 s');
}, 30_000);

test('what took all of its time to begin has not succeeded, in the sandbox either', async () => {
  const late = (host: Host): Host => ({
    ...host,
    start: async (...given) => {
      await host.start(...given);
      await delay(1_100);
    },
  });
  expect(await endOf(command('true'), late)).toMatch(/^TimedOut: Act did not end within 1 s and was stopped/);
  const lateAsk = (host: Host): Host => ({
    ...host,
    read: async (...given) => {
      await delay(1_100);
      return host.read(...given);
    },
  });
  const snapshot = { action: 'ebs:snapshot', inputs: { Host: 'db1', Mounts: ['/var/lib/postgresql'] } };
  expect(await endOf(snapshot, lateAsk, true)).toMatch(/^TimedOut: Act did not end within 1 s/);
}, 30_000);
