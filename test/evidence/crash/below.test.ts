/**
 * kill -9 of a real runner after every write to the journal and around every effect of a loop of three passes, a child in a child, and
 * twelve targets of which four are under way at once: forward and climbing down. This machine is the host, so no lab is needed; a file
 * that scripts write to tells what was done and undone.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Belay } from '../../../src/runtime/belay.ts';
import { isThorough, seed } from '../sample.ts';
import { killPoints, nameOf, sample } from './kill-points.ts';
import { runRunner, type RunnerBed } from './run-runner.ts';
import type { Cut, Passed } from './scissors.ts';

let folder: string;
let bed: RunnerBed;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'belay-below-'));
  writeFileSync(join(folder, 'belay.yaml'), JSON.stringify({ hosts: { here: { transport: 'local' } } }));
  bed = {
    folder,
    env: {
      PATH: process.env['PATH'] ?? '/usr/bin:/bin',
      HOME: folder,
      TMPDIR: tmpdir(),
      NODE_COMPILE_CACHE: join(folder, 'compiled'),
    },
  };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Says what it does, and what its undo does. `file`: of this one run. */
const mark = (name: string, of: string, file: string) => {
  const say = (what: string) => ({
    Host: 'here',
    Script: `echo "${what} $N" >>"$FILE"`,
    Env: { FILE: file, N: of },
  });
  return {
    name,
    action: 'host:command',
    inputs: say('do'),
    undo: [{ name: 'Back', action: 'host:command', inputs: say('undo') }],
  };
};
const fail = {
  name: 'Fail',
  action: 'host:command',
  inputs: { Host: 'here', Command: ['false'] },
  undo: { none: 'it does nothing' },
};
const call = (name: string, DocumentName: string, inputs: object) => ({
  name,
  action: 'aws:executeAutomation',
  inputs: { DocumentName, ...inputs },
});
const twelve = Array.from({ length: 12 }, (_, index) => `t${index}`);

/** The steps of the root, and the runbooks below it, by what is shown. `cuts`: how many of its points are cut on CI. */
const subjects = {
  'a loop of three passes': {
    cuts: 2,
    done: ['x', 'y', 'z'],
    steps: (file: string) => [
      {
        name: 'Each',
        action: 'aws:loop',
        inputs: {
          Iterators: ['x', 'y', 'z'],
          Steps: [mark('Mark', '{{ Each.CurrentIteratorValue }}', file)],
        },
      },
    ],
    below: {},
  },
  'a child in a child': {
    cuts: 2,
    done: ['inner', 'outer', 'root'],
    steps: (file: string) => [mark('Mark', 'root', file), call('Outer', 'outer.yaml', {})],
    below: {
      'outer.yaml': (file: string) => [mark('Mark', 'outer', file), call('Inner', 'inner.yaml', {})],
      'inner.yaml': (file: string) => [mark('Mark', 'inner', file)],
    },
  },
  'twelve targets, four at once': {
    cuts: 1,
    done: twelve,
    steps: () => [
      call('All', 'one.yaml', {
        Targets: [{ Key: 'ParameterValues', Values: twelve }],
        TargetParameterName: 'Name',
        MaxConcurrency: 4,
      }),
    ],
    below: { 'one.yaml': (file: string) => [mark('Mark', '{{ Name }}', file)] },
  },
} as const satisfies Record<string, Subject>;

interface Subject {
  readonly cuts: number;
  readonly done: readonly string[];
  readonly steps: (file: string) => readonly object[];
  readonly below: Readonly<Record<string, (file: string) => readonly object[]>>;
}

/** A folder of its own for one run; resolves to how it ended, and what was done. */
async function run({ steps, below }: Subject, number: number, cut?: Cut): Promise<Seen> {
  const dir = join(folder, `run${number}`);
  mkdirSync(dir);
  const file = join(dir, 'lines');
  writeFileSync(file, '');
  const write = (name: string, mainSteps: readonly object[], parameters: object = {}): string => {
    const path = join(dir, name);
    const rollback = { when: 'onFailure' };
    writeFileSync(path, JSON.stringify({ schemaVersion: '0.3', rollback, parameters, mainSteps }));
    return path;
  };
  for (const [name, of] of Object.entries(below))
    write(name, of(file), name === 'one.yaml' ? { Name: { type: 'String' } } : {});
  const root = write('root.yaml', [...steps(file), fail]);
  const state = join(dir, 'state');
  const open = () => new Belay({ state, cwd: folder, env: { ...bed.env }, stdin: () => Promise.resolve('') });
  const before = open();
  const { id } = await before.start({ file: root, texts: {}, values: {}, secrets: {}, sandbox: false });
  before.close();
  const first = await runRunner(bed, state, id, cut);
  // What runs side by side does not pass every point of another run: then it ended, and nothing was cut.
  const isCut = first.signal === 'SIGKILL';
  if (!isCut) expect(first.exitCode, first.stderr).toBe(0);
  // It may have died behind its own ending, and then there is nothing left to do.
  const next = isCut ? await runRunner(bed, state, id) : first;
  expect(next.exitCode, next.stderr).toBe(0);
  const after = open();
  const { status, rollbackStatus, steps: ran } = await after.view(id);
  after.close();
  return {
    ended: { status, rollbackStatus, steps: ran.map(({ name, status: of }) => `${name} ${of}`).toSorted() },
    lines: readFileSync(file, 'utf8').trim().split('\n').toSorted(),
    passed: first.passed,
    isCut,
  };
}

interface Seen {
  readonly ended: object;
  readonly lines: readonly string[];
  readonly passed: readonly Passed[];
  readonly isCut: boolean;
}

test.each(Object.entries(subjects))(
  `a runner of %s is killed, and another one ends as if it had not been (BELAY_SEED=${seed})`,
  { timeout: isThorough ? 7_200_000 : 300_000 },
  async (name, subject: Subject) => {
    const untouched = await run(subject, 0);
    const once = subject.done.flatMap((each) => [`do ${each}`, `undo ${each}`]).toSorted();
    expect(untouched.ended).toMatchObject({ status: 'Failed', rollbackStatus: 'clean' });
    expect(untouched.lines).toEqual(once);
    const all = killPoints(untouched.passed).filter(({ afterMs }) => afterMs === undefined);
    const { cuts, chosen } = isThorough
      ? { cuts: all, chosen: `all ${all.length} points` }
      : sample(all, subject.cuts);
    console.log(`${name}: ${chosen}`);
    let landed = 0;
    for (const [index, cut] of cuts.entries()) {
      const { ended, lines, isCut } = await run(subject, index + 1, cut);
      if (isCut) landed += 1;
      expect(lines, nameOf(cut)).toEqual(once);
      expect(ended, nameOf(cut)).toEqual(untouched.ended);
    }
    console.log(`${name}: ${landed} of ${cuts.length} kills landed`);
    if (subject.done !== twelve) expect(landed).toBe(cuts.length);
  },
);
