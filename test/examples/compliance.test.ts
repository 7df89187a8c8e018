/** The shipped compliance files, and the one in docs/compliance.md, are right, and what their remedies name takes what it is given. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { createCatalog, createCheckCatalog } from '../../src/actions/index.ts';
import { parseRules } from '../../src/compliance/index.ts';
import { checkDocument } from '../../src/document/index.ts';
import { offlineModels } from '../../src/runtime/offline-models.ts';

const root = join(import.meta.dirname, '..', '..');
const folder = join(root, 'runbooks', 'compliance', 'rules');
const checks = createCheckCatalog();
const catalog = createCatalog(offlineModels());
const files = readdirSync(folder);

test.each(files)('%s is right, and so are its remedies', (name) => {
  const file = join(folder, name);
  const source = { file, text: readFileSync(file, 'utf8') };
  const { ruleSet, diagnostics } = parseRules(source, checks, {
    resolvePath: (path) => resolve(dirname(file), path),
  });
  expect(diagnostics).toEqual([]);
  for (const { remedy } of ruleSet?.rules ?? []) {
    if (remedy === undefined) continue;
    const runbook = { file: remedy.runbook, text: readFileSync(remedy.runbook, 'utf8') };
    const { document } = checkDocument(runbook, catalog);
    expect(Object.keys(document?.parameters ?? {})).toEqual(
      expect.arrayContaining(Object.keys(remedy.parameters)),
    );
  }
});

test('the shipped files use every check but what needs a person’s own choice', () => {
  const used = files.flatMap((name) =>
    [...readFileSync(join(folder, name), 'utf8').matchAll(/Check: (check:\w+)/g)].map(([, check]) => check),
  );
  expect(checks.names.filter((name) => !used.includes(name))).toEqual([]);
});

test('the file of docs/compliance.md is right', () => {
  const page = readFileSync(join(root, 'docs', 'compliance.md'), 'utf8');
  const text = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
  expect(parseRules({ file: 'docs/compliance.md', text }, checks).diagnostics).toEqual([]);
});
