/** What list and show say of an execution whose runner is gone. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { actions, describeStep } from '../../src/actions/index.ts';
import { plan, type EngineEvent } from '../../src/engine/index.ts';
import { Belay } from '../../src/runtime/belay.ts';
import { runbook } from '../support/run-toy.ts';

const id = 'VIEW00000001';
let state: string;
let belay: Belay;
let seq: number;

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'belay-view-'));
  belay = new Belay({ state, cwd: state, env: {}, stdin: () => Promise.resolve('') });
  seq = 0;
  belay.journal.create({
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

function happened(...events: readonly EngineEvent[]): void {
  belay.journal.append(
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

test('a runner that died before the end leaves it Interrupted', () => {
  happened(started);
  belay.journal.setRunner(id, dead);
  expect(belay.view(id)).toMatchObject({ status: 'Interrupted', endedAt: null, isLive: false });
});

test('an end that was written down is the end, although its runner died right after it', () => {
  happened(started, ended('notRequested'));
  belay.journal.setRunner(id, dead);
  expect(belay.view(id)).toMatchObject({ status: 'Success', endedAt: 1002 });
});

test('a rollback that was asked for and not begun is Interrupted, and asking again is refused', () => {
  happened(started, ended('notRequested'));
  belay.requestRollback(id, { force: false });
  belay.journal.setRunner(id, dead);
  expect(belay.view(id)).toMatchObject({ status: 'Interrupted', endedAt: null });
  expect(() => belay.requestRollback(id, { force: false })).toThrow(/has not ended/);
  happened({ type: 'RollbackStarted', pass: 1, steps: [], budgetSeconds: 60 });
  expect(belay.view(id)).toMatchObject({ status: 'Interrupted', endedAt: null });
  happened({ type: 'RollbackEnded', pass: 1, status: 'clean' }, ended('clean'));
  expect(belay.view(id)).toMatchObject({ status: 'Success', rollbackStatus: 'clean', endedAt: 1005 });
  belay.requestRollback(id, { force: false });
  expect(belay.view(id).endedAt).toBeNull();
});
