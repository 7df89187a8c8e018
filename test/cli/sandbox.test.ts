/** --sandbox from outside: nothing real is touched, and what is not modelled is refused by name. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BelayFolder } from './belay-process.ts';

let folder: BelayFolder;
beforeEach(() => {
  folder = new BelayFolder();
});
afterEach(() => folder.clear());

test('asks no real network, although a server is there to answer', { timeout: 60_000 }, async () => {
  let asked = 0;
  const server = createServer((_request, response) => {
    asked += 1;
    response.end('real');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    const file = folder.write(
      'ask.yaml',
      `schemaVersion: '0.3'
mainSteps:
  - name: Ask
    action: http:check
    inputs: { Url: 'http://127.0.0.1:${port}/', WaitSeconds: 30 }
`,
    );
    const real = await folder.run(['run', file]);
    expect(real.code).toBe(0);
    expect(asked).toBe(1);
    const modelled = await folder.run(['run', file, '--sandbox']);
    expect(modelled.code).toBe(1);
    expect(modelled.stderr).toContain('NOT_MODELLED');
    expect(modelled.stderr).toContain('Give the step a Host of the sandbox');
    expect(asked).toBe(1);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});
