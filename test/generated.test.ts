import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { generatedFiles } from '../src/cli/generate/generated-files.ts';

const root = join(import.meta.dirname, '..');

test('generated files are what the code makes of them now (npm run generate)', () => {
  for (const [path, text] of generatedFiles())
    expect(readFileSync(join(root, path), 'utf8'), path).toBe(text);
});

test('no page of an action that is gone is left', () => {
  const pages = readdirSync(join(root, 'docs', 'actions')).map((name) => `docs/actions/${name}`);
  expect(pages.filter((page) => !generatedFiles().has(page))).toEqual([]);
});
