/** SECURITY.md names the tests that attack what it promises, and each test of this folder stands there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const page = readFileSync(join(root, 'SECURITY.md'), 'utf8');
const named = Array.from(page.matchAll(/`(test\/[^`]+)`/g), ([, path = '']) => path);

test('every test that SECURITY.md names is there', () => {
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

test('every attack of this folder is in its table', () => {
  const attacks = readdirSync(import.meta.dirname)
    .filter((name) => name.endsWith('.test.ts') && name !== 'threats.test.ts')
    .map((name) => `test/security/${name}`);
  expect(attacks.filter((path) => !named.includes(path))).toEqual([]);
});

test('every attack of the first inspection has a test of the title that the page says', () => {
  const rows = Array.from(
    page.matchAll(/^\| (\d+) \| [^|]+ \| `(test\/[^`]+)`: (.+) \|$/gm),
    ([, number = '', path = '', title = '']) => ({ number: Number(number), path, title }),
  );
  expect([...new Set(rows.map(({ number }) => number))]).toEqual(
    Array.from({ length: 24 }, (_, index) => index + 1),
  );
  const missing = rows.filter(({ path, title }) => {
    const text = readFileSync(join(root, path), 'utf8');
    return ![`'${title}'`, `"${title}"`, `\`${title}`].some((written) => text.includes(written));
  });
  expect(missing).toEqual([]);
});
