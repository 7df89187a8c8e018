/**
 * The n-th effect: the runner is cut at every write to the journal and around every effect, forward and in rollback.
 * Whatever the place, the next runner ends as an untouched one does and no effect happens twice.
 */
import { expect, test } from 'vitest';
import type { JsonObject } from '../../src/json.ts';
import type { Journal } from '../../src/journal/index.ts';
import { runToy, runbook, step, temporaryJournal, type ToyRun } from '../support/run-toy.ts';
import { isThorough, seed } from '../evidence/sample.ts';
import { Crash, ToyWorld } from '../support/toy-world.ts';

const put = (name: string) => step({ name, action: 'toy:put', inputs: { Key: name, Value: 'new' } });
const fail = step({ name: 'Fail', action: 'toy:restore', inputs: { Ids: ['gone'] } });
const forwardOnly = runbook([put('A'), step({ name: 'Snap', action: 'toy:snapshot' }), put('B')]);
const locked = runbook([put('A'), step({ ...put('B'), locks: ['volume:b', 'volume:a'] }), fail], {
  locks: ['volume:c'],
});
const climbing = runbook([put('A'), step({ name: 'Snap', action: 'toy:snapshot' }), put('B'), fail]);
const rolling = step({
  name: 'Roll',
  action: 'belay:rolling',
  inputs: { Targets: ['x', 'y'], BakeSeconds: 0.01, MaxUnavailable: 2, MaxErrors: 1 },
  nested: {
    Gate: [step({ name: 'Gate', action: 'toy:check', inputs: { Key: 'A', Equals: 'new' } })],
    Steps: [step({ name: 'Turn', action: 'toy:put', inputs: { Key: '{{ Roll.Target }}', Value: 'new' } })],
  },
});
const rollingOver = runbook([put('A'), rolling, fail]);

const loop = step({
  name: 'Each',
  action: 'aws:loop',
  inputs: { Iterators: ['x', 'y', 'z'] },
  nested: {
    Steps: [
      step({ name: 'Snap', action: 'toy:snapshot' }),
      step({
        name: 'Pass',
        action: 'toy:put',
        inputs: { Key: '{{ Each.CurrentIteratorValue }}', Value: 'new' },
      }),
    ],
  },
});
const looping = runbook([put('A'), loop, fail]);
const call = (name: string, document: string, inputs: JsonObject = {}) =>
  step({ name, action: 'aws:executeAutomation', inputs: { DocumentName: document, ...inputs } });
/** `inner` puts the key that it is given; `outer` runs `inner`. */
const runbooks = {
  inner: runbook([step({ name: 'Put', action: 'toy:put', inputs: { Key: '{{ Name }}', Value: 'new' } })]),
  outer: runbook([put('B'), call('Inner', 'inner', { RuntimeParameters: { Name: 'C' } })]),
};
const calling = runbook([put('A'), call('Outer', 'outer'), fail]);
const targeting = runbook([
  put('A'),
  call('All', 'inner', {
    Targets: [{ Key: 'ParameterValues', Values: Array.from({ length: 12 }, (_, index) => `t${index}`) }],
    TargetParameterName: 'Name',
    MaxConcurrency: 4,
  }),
  fail,
]);

const hosting = runbook([
  put('A'),
  step({
    name: 'Hosts',
    action: 'toy:onHost',
    inputs: {
      Hosts: Array.from({ length: 5 }, (_, index) => `h${index}`),
      Value: 'new',
      MaxConcurrency: 3,
      MaxErrors: '100%',
    },
  }),
  fail,
]);

/** Every so manieth place of these is cut on CI; all of them with BELAY_FAULTS=all. */
const strides = new Map([
  [looping, 12],
  [calling, 12],
  [targeting, 60],
  [hosting, 12],
]);

/** Cuts the runner at its n-th chance, once. */
class Scissors {
  chances = 0;
  cut = false;
  readonly #at: number;

  constructor(at: number) {
    this.#at = at;
  }

  chance(): void {
    this.chances += 1;
    if (this.chances !== this.#at) return;
    this.cut = true;
    throw new Crash();
  }

  journal(journal: Journal): Journal {
    const writes = new Set<string | symbol>([
      'begin',
      'end',
      'append',
      'take',
      'takeLocks',
      'confirmLocks',
      'dropLocks',
      'beginChild',
      'beginChildRollback',
    ]);
    return new Proxy(journal, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]): unknown => {
          if (writes.has(name)) this.chance();
          const result: unknown = Reflect.apply(member, target, args);
          if (!writes.has(name)) return result;
          if (result instanceof Promise) {
            return result.then((value: unknown) => {
              this.chance();
              return value;
            });
          }
          this.chance();
          return result;
        };
      },
    });
  }
}

async function cutAt(
  document: ReturnType<typeof runbook>,
  at: number,
  isOfEarlierVersion = false,
): Promise<{ ran: ToyRun; scissors: Scissors }> {
  using store = temporaryJournal();
  const scissors = new Scissors(at);
  const world = new ToyWorld();
  world.around = () => scissors.chance();
  const wrap = (journal: Journal): Journal => scissors.journal(journal);
  const ran = await runToy(document, store, { world, wrap, isOfEarlierVersion, runbooks });
  return { ran, scissors };
}

for (const [name, document, isOfEarlierVersion] of [
  ['forward', forwardOnly, false],
  ['in rollback', climbing, false],
  ['in a rolling and its rollback', rollingOver, false],
  ['in a rolling of an earlier version, whose lanes go in step,', rollingOver, true],
  ['in a loop and its rollback', looping, false],
  ['in a child of a child and its rollback', calling, false],
  ['over twelve targets, four at once, and in their rollback', targeting, false],
  ['in one step over five hosts and its rollback', hosting, false],
  ['with locks', locked, false],
] as const) {
  test(
    `a runner cut at any place ${name} is taken over, and nothing is done twice`,
    { timeout: 120_000 },
    async () => {
      const untouched = (await cutAt(document, Infinity, isOfEarlierVersion)).ran;
      // Turns side by side have no order among each other; everything else has.
      const isSideBySide = [rollingOver, targeting, hosting].includes(document);
      const inOrder = (lines: string[]): string[] => (isSideBySide ? lines.toSorted() : lines);
      const shape = ({ state }: ToyRun) => ({
        steps: inOrder(
          state.steps.map(({ name, status, outputs }) => [name, status, ...Object.keys(outputs)].join(' ')),
        ),
        rollback: inOrder(state.rollback.map(({ name, result }) => `${name} ${result}`)),
      });
      // Of the longest ones CI takes some places, from a drawn one on.
      const stride = isThorough ? 1 : (strides.get(document) ?? 1);
      const from = stride === 1 ? 1 : 1 + (seed % stride);
      if (stride > 1)
        console.log(`cut at every ${stride}th place from ${from} on (BELAY_SEED=${seed} for the same)`);
      for (let at = from; ; at += stride) {
        const { ran, scissors } = await cutAt(document, at, isOfEarlierVersion);
        if (!scissors.cut) {
          expect(at).toBeGreaterThan(30);
          break;
        }
        expect(ran.crashes, `cut ${at} ended one runner`).toBe(1);
        expect(ran.result, `cut ${at}`).toEqual(untouched.result);
        expect(ran.world.state(), `cut ${at}`).toEqual(untouched.world.state());
        const effects = ({ world }: ToyRun) => inOrder(world.effects.map(({ what }) => what));
        expect(effects(ran), `cut ${at}`).toEqual(effects(untouched));
        expect(shape(ran), `cut ${at}`).toEqual(shape(untouched));
        expect(ran.state.locks, `cut ${at}`).toEqual([]);
        expect(ran.held, `cut ${at}`).toEqual([]);
      }
    },
  );
}
