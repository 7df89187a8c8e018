/** How each document of the corpus ended when it was run, by its checksum: it may end better and never worse. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunOutcome } from './run-document.ts';

const path = join(import.meta.dirname, 'expected-runs.txt');

export function readExpectedRuns(): ReadonlyMap<string, RunOutcome> {
  const lines = readFileSync(path, 'utf8').split('\n');
  return new Map(
    lines
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line): [string, RunOutcome] => [line.slice(0, 16), line.slice(17)]),
  );
}

/** `lacking`: why documents were not run, by their checksums. */
export function writeExpectedRuns(
  runs: ReadonlyMap<string, RunOutcome>,
  lacking: ReadonlyMap<string, string>,
): void {
  const notRun = [...lacking].map(([checksum, why]): [string, RunOutcome] => [checksum, `notRun ${why}`]);
  const lines = [...new Map([...runs, ...notRun])]
    .map(([checksum, outcome]) => `${checksum} ${outcome}`)
    .toSorted();
  const head = [
    '# How each document of the public corpus ends with generated parameters where moto answers, and why the others are not run.',
    '# Written by: npm run conformance -- --run --write',
  ];
  writeFileSync(path, `${[...head, ...lines].join('\n')}\n`);
}

/** From good to bad: a run may move to the left only. */
const ranks = ['Success', 'Failed', 'TimedOut', 'Cancelled', 'unanswered', 'refused', 'broken'];

export function isWorseRun(was: RunOutcome, is: RunOutcome): boolean {
  return rank(is) > rank(was);
}

function rank(outcome: RunOutcome): number {
  const [word = ''] = outcome.split(' ');
  const found = ranks.indexOf(word);
  return found === -1 ? ranks.indexOf('broken') : found;
}
