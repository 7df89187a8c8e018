/** What holds restore points back is found without a look at each record, and is what a look at each would find. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Owed } from '../../src/engine/owed.ts';
import { turnOf, type StepRecord, type TurnScope } from '../../src/engine/records.ts';
import { isClean, needsUndo, removalOf } from '../../src/engine/needs-undo.ts';
import { plain, runbook, step } from '../support/run-toy.ts';
import { stepBed } from '../support/step-bed.ts';

const program = { interpreter: 2, document: runbook([]), descriptors: {} } as const;
const results = ['undone', 'nothingToDo', 'kept', 'leftOver', 'failed', null] as const;
const base = stepBed().record;

function recordsOf(
  made: readonly { turn: number; removes: boolean; undo: StepRecord['undo']; touched: boolean }[],
): StepRecord[] {
  const main = base.scope;
  const turns = [1, 2, 3].map((number): TurnScope => ({
    kind: 'turn',
    outputs: new Map(),
    parent: main,
    of: base,
    target: `t${number}`,
    targets: [],
    isDone: true,
    isTouched: false,
    failedUndos: new Set(),
  }));
  return made.map(({ turn, removes, undo, touched }, index) => ({
    ...base,
    step: step({ name: `S${index}`, action: 'toy:put' }),
    index,
    scope: turns[turn - 1] ?? main,
    descriptor: { ...plain, effect: 'begun', undo: { kind: removes ? 'restorePoint' : 'restore' } },
    attempts: touched ? [{ token: 't', handle: null }] : [],
    undo,
  }));
}

/** The rule as it is said: see docs/decisions/0004. */
function byLookingAtEach(all: readonly StepRecord[], record: StepRecord): StepRecord | undefined {
  const owed = all.filter((other) => {
    if (other === record || !needsUndo(other) || isClean(other.undo)) return false;
    const isLater = other.index > record.index;
    const [own, theirs] = [turnOf(record), turnOf(other)];
    if (own !== null && theirs !== null && own !== theirs && !isLater) return false;
    return isLater || other.undo !== null || removalOf(program, other) !== 'action';
  });
  return owed.find(({ undo }) => undo !== null) ?? owed[0];
}

test('the same is found, before and after undos are tried', () => {
  const one = fc.record({
    turn: fc.nat(3),
    removes: fc.boolean(),
    undo: fc.constantFrom(...results),
    touched: fc.boolean(),
  });
  const tries = fc.array(fc.record({ at: fc.nat(39), undo: fc.constantFrom(...results) }));
  fc.assert(
    fc.property(fc.array(one, { minLength: 1, maxLength: 40 }), tries, (made, undone) => {
      const records = recordsOf(made);
      const owed = new Owed(program, records);
      for (const { at, undo } of [{ at: 0, undo: records[0]?.undo ?? null }, ...undone]) {
        const record = records[at % records.length];
        if (record === undefined) continue;
        record.undo = undo;
        owed.tried(record);
        for (const each of records) expect(owed.before(each)).toBe(byLookingAtEach(records, each));
      }
    }),
    { numRuns: 60 },
  );
});
