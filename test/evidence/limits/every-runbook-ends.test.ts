/**
 * Whatever a runbook says: it is refused with diagnostics, or it is refused before its first effect, or it runs to an end
 * that has a name. Nothing is ever thrown that is not a refusal, so nothing ends as a bug.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { Belay } from '../../../src/runtime/belay.ts';
import { Refusal } from '../../../src/runtime/refusal.ts';
import { toItsEnd } from './to-its-end.ts';
import { randomRunbook, type RandomRunbook } from './random-runbooks.ts';

const runbooksMax = Number(process.env['BELAY_RANDOM_RUNBOOKS'] ?? 400);
const timeMsMax = 45_000;

const folder = mkdtempSync(join(tmpdir(), 'belay-random-'));
const belay = new Belay({
  state: join(folder, 'state'),
  cwd: folder,
  env: {},
  stdin: () => Promise.resolve(''),
});
afterAll(() => {
  belay.close();
  rmSync(folder, { recursive: true, force: true });
});

const ends = new Map<string, number>();
const count = (end: string): void => void ends.set(end, (ends.get(end) ?? 0) + 1);

test('every runbook is refused or ends, and none ends as a bug', async () => {
  const startedAt = performance.now();
  await fc.assert(
    fc.asyncProperty(randomRunbook, async (runbook) => {
      // Not fast-check's own time limit: it would leave the runbook that is going to run on behind the test.
      if (performance.now() - startedAt < timeMsMax) count(await endOf(runbook));
    }),
    { numRuns: runbooksMax, endOnFailure: true },
  );
  const told = [...ends].map(([end, times]) => `${times} ${end}`).join(', ');
  console.log(
    `${[...ends.values()].reduce((sum, times) => sum + times, 0)} runbooks in ${((performance.now() - startedAt) / 1000).toFixed(0)} s: ${told}`,
  );
  for (const end of ['invalid', 'Success', 'Failed']) expect(ends.get(end) ?? 0).toBeGreaterThan(0);
}, 120_000);

test('an approval that nobody may give is cancelled, and times out, although its runner never stays', async () => {
  const file = join(folder, 'ask.json');
  const ask = {
    name: 'Ask',
    action: 'aws:approve',
    inputs: { Approvers: ['nobody-here'] },
    timeoutSeconds: 1,
  };
  const run = async (document: object, meanwhile: (id: string) => Promise<void> | void): Promise<string> => {
    writeFileSync(file, JSON.stringify(document));
    const { id } = await belay.start({ file, texts: {}, values: {}, secrets: {}, sandbox: true });
    expect(await belay.run(id, { onWait: 'leave' })).toEqual({ kind: 'left', reason: 'waiting' });
    await meanwhile(id);
    await belay.run(id, { onWait: 'leave' });
    return (await belay.view(id)).status;
  };
  const late = () => new Promise<void>((resolve) => setTimeout(resolve, 1_200));
  expect(await run({ schemaVersion: '0.3', mainSteps: [ask] }, late)).toBe('TimedOut');
  const patient = { ...ask, timeoutSeconds: 3_600 };
  expect(await run({ schemaVersion: '0.3', mainSteps: [patient] }, (id) => void belay.cancel(id))).toBe(
    'Cancelled',
  );
});

async function endOf({ document, values }: RandomRunbook): Promise<string> {
  const file = join(folder, 'random.json');
  writeFileSync(file, JSON.stringify(document));
  const { document: checked } = belay.check(file, { strictSsm: false });
  const known = (await belay.journal.executionIds()).length;
  let id: string;
  try {
    ({ id } = await belay.start({ file, texts: {}, values, secrets: {}, sandbox: true }));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    expect(error.message.length + error.diagnostics.length).toBeGreaterThan(0);
    expect((await belay.journal.executionIds()).length).toBe(known);
    const folders = join(belay.stateDir, 'executions');
    expect(existsSync(folders) ? readdirSync(folders).length : 0).toBe(known);
    return checked === undefined ? 'invalid' : 'refused';
  }
  expect(checked).toBeDefined();
  const waits = await toItsEnd(belay, id, async () => expect((await belay.view(id)).waiting).not.toBeNull());
  const view = await belay.view(id);
  expect(['Success', 'Failed', 'TimedOut', 'Cancelled']).toContain(view.status);
  expect(['notRequested', 'clean', 'partial', 'failed']).toContain(view.rollbackStatus);
  const isFailure = view.status === 'Failed' || view.status === 'TimedOut';
  if (isFailure) expect(view.steps.some(({ failure }) => failure !== null)).toBe(true);
  return waits === 0 ? view.status : `${view.status} after waiting`;
}
