import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { generatedFiles } from '../src/cli/generate/generated-files.ts';
import { runbookSystems } from '../src/cli/generate/runbook-rows.ts';
import { isShipped, runbookOpening, titlesIn, verificationsOf } from '../src/cli/generate/runbooks-page.ts';

const root = join(import.meta.dirname, '..');
/** Made once: each time takes a second. */
const files = generatedFiles();

test('generated files are what the code makes of them now (npm run generate)', () => {
  for (const [path, text] of files) expect(readFileSync(join(root, path), 'utf8'), path).toBe(text);
});

test('no page of an action that is gone is left', () => {
  const pages = readdirSync(join(root, 'docs', 'actions')).map((name) => `docs/actions/${name}`);
  expect(pages.filter((page) => !files.has(page))).toEqual([]);
});

const rows = runbookSystems.flatMap((system) => system.rows);

test.for(rows)('the page of the runbooks says of $runbook what it does and which tests verify it', (row) => {
  for (const file of row.verifiedBy ?? []) expect(existsSync(join(root, file)), file).toBe(true);
  const page = files.get('docs/runbooks.md');
  if (!isShipped(root, row.runbook)) {
    expect(page).toContain(`\`${row.runbook}\`: missing`);
    return;
  }
  const opening = runbookOpening(readFileSync(join(root, 'runbooks', `${row.runbook}.yaml`), 'utf8'));
  for (const said of Object.values(opening)) expect(said.trim()).not.toBe('');
  const titles = verificationsOf(root, row).flatMap((verification) => verification.titles);
  expect(titles, `no test under test/evidence or test/lab names ${row.runbook} in its opening`).not.toEqual(
    [],
  );
});

test('every shipped runbook has its row', () => {
  const shipped = readdirSync(join(root, 'runbooks'), { recursive: true, encoding: 'utf8' })
    .filter(
      (file) =>
        file.endsWith('.yaml') &&
        !file.endsWith('.sandbox.yaml') &&
        !/^(windows|compliance\/rules)\//.test(file),
    )
    .map((file) => file.replace(/\.yaml$/, ''));
  expect(shipped.filter((name) => !rows.some(({ runbook }) => runbook === name))).toEqual([]);
});

test('titles of tests are read in all the ways in which they are written', () => {
  const text = `
    test('plain, it\\'s one', () => {});
    test(
      "quoted",
      { timeout: 3 }, () => {});
    test.for([1, 2])('for %s', () => {});
    test(\`of \${name} and more\`, () => {});
    expect(word.test('no title')).toBe(true);`;
  expect(titlesIn(text)).toEqual(["plain, it's one", 'quoted', 'for …', 'of … and more']);
});
