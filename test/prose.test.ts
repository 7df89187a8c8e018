/** Turns of phrase that were hard to read, and may not come back: in messages, comments, docs and titles of tests. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');

/** Each with what says it plainly. */
const turns: readonly (readonly [turn: RegExp, instead: string])[] = [
  [/\b(?:is|are|was|were) had\b/i, 'somebody has, takes or gets it'],
  [/\bbe had\b/i, 'somebody can get it, read it, take it'],
  [/\bthere (?:is|are) none to\b/i, 'nothing can …'],
  [/\b(?:stands|stand|stood) (?:twice|once)\b/i, 'is written twice'],
  [/\bsecret stands in\b/i, 'is in'],
  [/\b(?:must|may|cannot|never) stand in\b/i, 'be in, go into'],
  [
    /(?<!\bthere )\bis no (?:file|folder|map|list|number|whole|key|name|text|time|host|expression|selector|reference)\b/i,
    'is not a …',
  ],
  [/\bnone is there\b/i, 'there is none'],
  [/\b(?:thereof|whereof|wherein|hereby|therein)\b/i, 'of it, in which, by this'],
  [/\bis being (?:had|done unto)\b/i, 'somebody does it'],
];

const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
  .trim()
  .split('\n')
  .filter((file) => /\.(?:ts|md|txt|ya?ml|sh)$/.test(file))
  // Terms and words of others, and this list.
  .filter((file) => !/^(?:LICENSE|NOTICE|src\/transports\/aws\/models\/|test\/prose\.test\.ts)/.test(file));

test('no sentence takes a turn that people stumble over', () => {
  const found = files.flatMap((file) =>
    readFileSync(join(root, file), 'utf8')
      .split('\n')
      .flatMap((line, index) =>
        turns.flatMap(([turn, instead]) =>
          turn.test(line) ? [`${file}:${index + 1}: ${turn.exec(line)?.[0]}: ${instead}`] : [],
        ),
      ),
  );
  expect(files.length).toBeGreaterThan(500);
  expect(found).toEqual([]);
});
