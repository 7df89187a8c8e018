/** The outcome that each document of the corpus had at best, by its checksum: it may get better and never worse. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { outcomes, type Checked, type Outcome, type OutcomeKind } from './corpus.ts';

const path = join(import.meta.dirname, 'expected.txt');

export function readExpected(): ReadonlyMap<string, Outcome> {
  const lines = readFileSync(path, 'utf8').split('\n');
  return new Map(
    lines
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => {
        const [checksum = '', kind = '', ...codes] = line.split(' ');
        const known = outcomes.find((outcome) => outcome === kind);
        if (known === undefined) throw new Error(`${path}: no outcome in ${line}`);
        return [checksum, { kind: known, codes }];
      }),
  );
}

export function writeExpected(checked: readonly Checked[]): void {
  const lines = checked
    .map(({ file, outcome }) => [file.checksum, outcome.kind, ...refusalCodes(outcome)].join(' '))
    .toSorted();
  const head = [
    '# What Belay says of each document of the public corpus, by the first 16 digits of its SHA-256.',
    '# Written by: npm run conformance -- --write',
  ];
  writeFileSync(path, `${[...head, ...new Set(lines)].join('\n')}\n`);
}

/** Warnings may change their words; a refusal is expected for its reasons. */
function refusalCodes({ kind, codes }: Outcome): readonly string[] {
  return kind === 'refused' ? codes : [];
}

/** What these refuse, nobody has looked at any further: other reasons may come to light when they go. */
const hidesOthers = ['NOT_BUILT_YET', 'UNKNOWN_SERVICE', 'COMMAND_DOCUMENT'];

export const rankOf = (kind: OutcomeKind): number => outcomes.indexOf(kind);

/** Documents that are worse than expected, or that nobody expects: a new one is not a failure while it is not refused. */
export function worseThan(expected: ReadonlyMap<string, Outcome>, checked: readonly Checked[]): string[] {
  return checked.flatMap(({ file, outcome }) => {
    const before = expected.get(file.checksum);
    if (before === undefined)
      return outcome.kind === 'crash' ? [`${file.path}: ${outcome.codes.join()}`] : [];
    const others = refusalCodes(outcome).filter((code) => !before.codes.includes(code));
    const isSettled = before.kind === 'refused' && !before.codes.some((code) => hidesOthers.includes(code));
    const isWorse = rankOf(outcome.kind) > rankOf(before.kind) || (isSettled && others.length > 0);
    const now = [outcome.kind, ...refusalCodes(outcome)].join(' ');
    return isWorse ? [`${file.path}: was ${[before.kind, ...before.codes].join(' ')}, is ${now}`] : [];
  });
}
