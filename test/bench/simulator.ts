/**
 * Steps, passes of a loop and children of a whole run by the program, each journaled durably, beside the simulator of
 * @cdklabs/cdk-ssm-documents, which keeps nothing. What must hold is that one costs no more when there are many.
 *
 * The simulator is asked where BELAY_BENCH_CDK names the folder of node_modules that has it (with aws-cdk-lib and constructs). It
 * knows no loops, and its children are whatever a hook answers, so its column is of steps only.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median, must, writingCpuMs } from './machine.ts';
import { note } from './report.ts';

const growthMax = 1.3;
const program = join(import.meta.dirname, '..', '..', 'dist', 'belay.js');
const simulator = process.env['BELAY_BENCH_CDK'];

const sleep = (name: string): object => ({ name, action: 'aws:sleep', inputs: { Duration: 'PT0S' } });
const numbered = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const documentOf = (mainSteps: readonly object[]): object => ({
  schemaVersion: '0.3',
  parameters: {},
  outputs: [],
  mainSteps,
});

interface Kind {
  readonly what: string;
  readonly counts: readonly [number, number, number];
  readonly document: (count: number) => object;
  readonly isSimulated?: true;
}
const kinds: readonly Kind[] = [
  {
    what: 'a step',
    counts: [10, 1_000, 10_000],
    document: (count) => documentOf(numbered(count, (index) => sleep(`Step${index}`))),
    isSimulated: true,
  },
  {
    what: 'a pass of a loop',
    counts: [10, 1_000, 5_000],
    document: (count) => documentOf([loopOver(numbered(count, String))]),
  },
  {
    what: 'a child',
    counts: [10, 100, 500],
    document: (count) => documentOf(numbered(count, (index) => childStep(`Child${index}`))),
  },
];

function loopOver(Iterators: readonly string[]): object {
  const inputs = { Iterators, MaxIterations: Iterators.length, Steps: [sleep('Step0')] };
  return { name: 'Loop', action: 'aws:loop', inputs };
}

function childStep(name: string): object {
  return { name, action: 'aws:executeAutomation', inputs: { DocumentName: './child.yaml' } };
}

/** True when no kind costs more where there are many. */
export function benchSimulator(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'belay-bench-'));
  try {
    writeFileSync(join(folder, 'child.yaml'), JSON.stringify(documentOf([sleep('Step0')])));
    const empty = cpuMsOfFew(folder, documentOf([sleep('Step0')]));
    return kinds.map((kind) => told(kind, folder, empty)).every(Boolean);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function told({ what, counts, document, isSimulated }: Kind, folder: string, empty: number): boolean {
  const each = counts.map((count) => {
    const taken = count <= 10 ? cpuMsOfFew(folder, document(count)) : cpuMsOfBelay(folder, document(count));
    return Math.max(0, taken - empty) / count;
  });
  const [, middle = NaN, most = NaN] = each;
  return note({
    what: `CPU of ${what} at ${counts.join(', ')} in one run of the program`,
    before: isSimulated === undefined ? null : simulated(counts, document, folder),
    now: `${each.map((ms) => ms.toFixed(2)).join(', ')} ms`,
    limit: `at ${counts[2]} at most ${growthMax} times ${counts[1]}`,
    holds: most <= growthMax * middle,
  });
}

/** The median of some runs: of few steps, most is the start of the program. */
function cpuMsOfFew(folder: string, document: object): number {
  return median(numbered(5, () => cpuMsOfBelay(folder, document)));
}

function cpuMsOfBelay(folder: string, document: object): number {
  const file = join(folder, 'run.yaml');
  writeFileSync(file, JSON.stringify(document));
  const figures = join(folder, 'cpu');
  const state = mkdtempSync(join(folder, 'state-'));
  must(process.execPath, [...writingCpuMs(figures), program, 'run', file, '-y', '--state', state], folder);
  return Number(readFileSync(figures, 'utf8'));
}

/** What its simulator takes for the same documents, the building of its objects included. */
function simulated(counts: readonly number[], document: (count: number) => object, folder: string): string {
  if (simulator === undefined) return 'cdk-ssm-documents is not there (BELAY_BENCH_CDK)';
  const each = counts.map((count) => {
    writeFileSync(join(folder, 'simulated.yaml'), JSON.stringify(document(count)));
    const { stdout, status } = spawnSync(process.execPath, ['-e', simulation(folder)], {
      encoding: 'utf8',
      maxBuffer: 1024 ** 3,
    });
    const ms = /^took (\S+) (\d)$/m.exec(stdout);
    if (status !== 0 || ms === null) return 'an error';
    return ms[2] === '0' ? `${(Number(ms[1]) / count).toFixed(2)} ms` : 'a failed run';
  });
  return `cdk-ssm-documents: ${each.join(', ')}`;
}

/** A response code of 0 is success. */
function simulation(folder: string): string {
  return `const require = process.getBuiltinModule('node:module').createRequire(${JSON.stringify(join(simulator ?? '', 'x'))});
const { Stack } = require('aws-cdk-lib');
const { StringDocument, Simulation, MockSleep } = require('@cdklabs/cdk-ssm-documents');
const text = require('node:fs').readFileSync(${JSON.stringify(join(folder, 'simulated.yaml'))}, 'utf8');
const before = process.cpuUsage();
const document = StringDocument.fromYaml(new Stack(), 'Document', text);
const { responseCode } = Simulation.ofAutomation(document, { sleepHook: new MockSleep() }).simulate({});
const { user, system } = process.cpuUsage(before);
process.stdout.write(\`\\ntook \${(user + system) / 1000} \${responseCode}\\n\`);`;
}
