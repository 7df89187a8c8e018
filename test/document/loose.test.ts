/**
 * Documents that SSM takes although they are written loosely, one for each kind of looseness: each is accepted by Belay's own
 * catalog, with the warnings beside it. New case: add the document, run with UPDATE_GOLDEN=1, and read what was written.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { createCatalog } from '../../src/actions/catalog.ts';
import { checkDocument, renderDiagnostics } from '../../src/document/index.ts';
import { offlineModels } from '../../src/runtime/offline-models.ts';

const loose = join(import.meta.dirname, 'loose');
const cases = readdirSync(loose).filter((file) => /^[^.].*\.(yaml|json)$/.test(file));
const catalog = createCatalog(offlineModels());
const isUpdating = process.env['UPDATE_GOLDEN'] === '1';

describe('a document that SSM takes', () => {
  test.each(cases)('%s is accepted, with the warnings that it deserves', (file) => {
    const source = { file, text: readFileSync(join(loose, file), 'utf8') };
    const { document, diagnostics } = checkDocument(source, catalog);
    const rendered = renderDiagnostics(diagnostics, [source], { color: false });
    const golden = join(loose, file.replace(/\.\w+$/, '.golden.txt'));
    if (isUpdating && rendered !== '') writeFileSync(golden, rendered);
    if (isUpdating && rendered === '') rmSync(golden, { force: true });
    expect(rendered).toBe(existsSync(golden) ? readFileSync(golden, 'utf8') : '');
    expect(document).toBeDefined();
  });
});
