import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { patternRule } from '../../src/document/validate/pattern-words.ts';

test.each([
  ['^/', 'must begin with /'],
  ['^[A-Za-z0-9_]+$', 'must hold only letters, digits and _'],
  ['^vol-[0-9a-f]+$', 'must begin with vol- and then hold only digits and a to f'],
  ['^[a-z_][a-z0-9_-]*$', 'must begin with a small letter or _ and hold only small letters, digits and _ -'],
  ['^/[^\\s]+$', 'must begin with / and then hold no blanks'],
  ['^[^\\r\\n]*$', 'must hold no line breaks'],
  ['^[0-9a-f]{64}$', 'must hold only digits and a to f, and have 64 characters'],
  ['^[A-Za-z0-9_.-]{3,128}$', 'must hold only letters, digits and _ . -, and have 3 to 128 characters'],
  [
    '^[a-z0-9][a-z0-9. -]{0,30}$',
    'must begin with a small letter or a digit and hold only small letters, digits, spaces and . -, and have 1 to 31 characters',
  ],
  [
    '^Custom:[A-Z]{1,93}$',
    'must begin with Custom: and then hold only capital letters, and have 8 to 100 characters',
  ],
  ['^(|[a-z]+)$', 'must match ^(|[a-z]+)$'],
  ['^[a-z]{2}\\d$', 'must match ^[a-z]{2}\\d$'],
  ['[a-z]+', 'must match [a-z]+'],
])('%s is said as: %s', (pattern, words) => {
  expect(patternRule(pattern)).toBe(words);
});

test('where the form cannot be said, examples of the schema show it', () => {
  const pattern = '^(python3\\.[0-9]{1,2}|PowerShell [0-9]+)$';
  expect(patternRule(pattern, ['python3.11', 'PowerShell 7'])).toBe(
    'must have the form of python3.11 or PowerShell 7',
  );
});

test('most patterns of the schemas of actions are said in words', () => {
  const folder = join(import.meta.dirname, '../../schemas');
  const patterns = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => [
      ...readFileSync(join(folder, name), 'utf8').matchAll(/"pattern": ("(?:[^"\\]|\\.)*")/g),
    ])
    .map(([, text = '""']) => JSON.parse(text) as string);
  const shown = patterns.filter((pattern) => patternRule(pattern).startsWith('must match '));
  expect(patterns.length).toBeGreaterThan(50);
  expect(shown.length / patterns.length).toBeLessThan(0.4);
});
