/** A wait that ran out says what it saw last. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BelayFolder } from './belay-process.ts';

let folder: BelayFolder;
beforeAll(() => {
  folder = new BelayFolder();
});
afterAll(() => folder?.clear());

const runbook = (step: object) =>
  folder.write(
    'wait.yaml',
    JSON.stringify({ schemaVersion: '0.3', mainSteps: [{ name: 'Wait', timeoutSeconds: 2, ...step }] }),
  );

test('a check that was not fulfilled in time names the last answer', async () => {
  const inputs = { Url: 'http://127.0.0.1:1/', WaitSeconds: 600 };
  const { code, stderr } = await folder.run(['run', runbook({ action: 'http:check', inputs }), '-y']);
  expect(code).not.toBe(0);
  expect(stderr).toMatch(/Wait did not end within 2 s.*last seen: .*127\.0\.0\.1:1/);
});
