/** What list and show say of an execution whose runner is gone. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { actions, describeStep } from '../../src/actions/index.ts';
import { plan, type EngineEvent } from '../../src/engine/index.ts';
import { Belay } from '../../src/runtime/belay.ts';
import { headOf, summaryOf } from '../../src/runtime/summary.ts';
import { runbook } from '../support/run-toy.ts';

const id = 'VIEW00000001';
let state: string;
let belay: Belay;
let seq: number;

beforeEach(async () => {
  state = mkdtempSync(join(tmpdir(), 'belay-view-'));
  belay = new Belay({ state, cwd: state, env: {}, stdin: () => Promise.resolve('') });
  seq = 0;
  await belay.journal.create({
    id,
    runbook: 'toy',
    file: 'toy.yaml',
    program: plan(runbook([]), (step) => describeStep(actions, step)),
    sha256: '',
    input: { parameters: {}, rollbackWhen: 'never', rollbackRequests: [], failAt: null },
    settings: { sandbox: true, inventoryFile: null, secrets: {}, startedBy: 'tester', usesAws: false },
    createdAt: 1,
  });
});
afterEach(() => {
  belay.close();
  rmSync(state, { recursive: true });
});

async function happened(...events: readonly EngineEvent[]): Promise<void> {
  await belay.journal.append(
    id,
    events.map((event) => ({ seq: (seq += 1), at: 1000 + seq, event })),
  );
}
const started: EngineEvent = { type: 'ExecutionStarted', steps: [] };
const ended = (rollbackStatus: 'notRequested' | 'clean'): EngineEvent => ({
  type: 'ExecutionEnded',
  status: 'Success',
  rollbackStatus,
  outputs: {},
});
const dead = { pid: 1, host: 'here', startedAt: 1 };

test('a runner that died before the end leaves it Interrupted', async () => {
  await happened(started);
  await belay.journal.setRunner(id, dead);
  expect(await belay.view(id)).toMatchObject({ status: 'Interrupted', endedAt: null, isLive: false });
});

test('an end that was written down is the end, although its runner died right after it', async () => {
  await happened(started, ended('notRequested'));
  await belay.journal.setRunner(id, dead);
  expect(await belay.view(id)).toMatchObject({ status: 'Success', endedAt: 1002 });
});

test('a rollback that was asked for and not begun is Interrupted, and asking again is refused', async () => {
  await happened(started, ended('notRequested'));
  await belay.requestRollback(id, { force: false });
  await belay.journal.setRunner(id, dead);
  expect(await belay.view(id)).toMatchObject({ status: 'Interrupted', endedAt: null });
  await expect(belay.requestRollback(id, { force: false })).rejects.toThrow(/has not ended/);
  await happened({ type: 'RollbackStarted', pass: 1, steps: [], budgetSeconds: 60 });
  expect(await belay.view(id)).toMatchObject({ status: 'Interrupted', endedAt: null });
  await happened({ type: 'RollbackEnded', pass: 1, status: 'clean' }, ended('clean'));
  expect(await belay.view(id)).toMatchObject({ status: 'Success', rollbackStatus: 'clean', endedAt: 1005 });
  await belay.requestRollback(id, { force: false });
  expect((await belay.view(id)).endedAt).toBeNull();
});

/** What a list says that folds no events, beside what `show` says that folds them all. */
async function listedAsShown(): Promise<void> {
  await belay.journal.leave(id, summaryOf(headOf(await belay.state(id))));
  const [listed] = await belay.list();
  const { executionId: _id, steps: _steps, ...told } = listed ?? (await belay.view(id));
  expect(await belay.view(id)).toMatchObject(told);
  expect(listed?.steps).toEqual([]);
}

test('a list says what show says: at the end, of a person who is waited for, after a rollback, when it is closed', async () => {
  await happened(started, { type: 'StepStarted', step: 'Hold', action: 'aws:pause', inputs: {} });
  await happened({ type: 'StepWaiting', step: 'Hold', waiting: { kind: 'pause', timeoutSeconds: 60 } });
  await listedAsShown();
  await belay.journal.requestCancel(id);
  await listedAsShown();
  await happened(ended('notRequested'));
  await listedAsShown();
  await belay.requestRollback(id, { force: false });
  await listedAsShown();
  await happened({ type: 'RollbackStarted', pass: 1, steps: [], budgetSeconds: 60 });
  await happened({ type: 'RollbackEnded', pass: 1, status: 'partial' }, ended('clean'));
  await listedAsShown();
  await belay.journal.setClosing(id, { kind: 'closed', at: 9, by: 'ops', why: 'done by hand' });
  await listedAsShown();
});

test('a list believes what was kept only while nothing has happened since', async () => {
  await happened(started);
  await listedAsShown();
  await happened({ type: 'StepStarted', step: 'Late', action: 'toy:put', inputs: {} });
  expect(await belay.list()).toMatchObject([{ at: 'Late', status: 'Waiting' }]);
  await listedAsShown();
  await belay.journal.setRunner(id, dead);
  expect(await belay.list()).toMatchObject([{ status: 'Interrupted' }]);
  await belay.journal.leave(id, { version: 999, seq, head: 'what a later version may say' });
  expect(await belay.list()).toMatchObject([{ at: 'Late' }]);
});
