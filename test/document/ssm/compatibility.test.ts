/** docs/ssm-compatibility.md names a test for each choice, and that test exists. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..', '..');
const rows = readFileSync(join(root, 'docs', 'ssm-compatibility.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| What |'));

test('there is a row for each choice', () => {
  expect(rows.length).toBeGreaterThan(20);
});

test.each(rows)('%s', (row) => {
  const cells = row.split(' | ');
  expect(cells, row).toHaveLength(4);
  const [, file = '', title = ''] = /^`([^`]+)`: (.+?) \|$/.exec(cells[3] ?? '') ?? [];
  expect(existsSync(join(root, file)), `${file} of ${row}`).toBe(true);
  const text = readFileSync(join(root, file), 'utf8').replaceAll(String.raw`\'`, "'");
  expect(text, `${file} has no test called ${title}`).toContain(title);
});
