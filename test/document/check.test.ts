/**
 * Every wrong document in wrong/ against what a person is told about it. New case: add the document, run the tests
 * with UPDATE_GOLDEN=1, and read what was written.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import {
  checkDocument,
  documentCodes,
  renderDiagnostics,
  summarizeDiagnostics,
  type CheckedDocument,
} from '../../src/document/index.ts';
import { fakeCatalog } from './fake-catalog.ts';

const wrong = join(import.meta.dirname, 'wrong');
const cases = readdirSync(wrong).filter((file) => /\.(yaml|json)$/.test(file));
const isUpdating = process.env['UPDATE_GOLDEN'] === '1';

function check(file: string): { readonly checked: CheckedDocument; readonly rendered: string } {
  const source = { file, text: readFileSync(join(wrong, file), 'utf8') };
  const checked = checkDocument(source, fakeCatalog, { strictSsm: file.startsWith('strict-') });
  const rendered = renderDiagnostics(checked.diagnostics, [source], { color: false });
  return { checked, rendered: `${rendered}${summarizeDiagnostics(checked.diagnostics)}\n` };
}

describe('a wrong document', () => {
  test.each(cases)('%s is told what is wrong, where and what to do', (file) => {
    const { checked, rendered } = check(file);
    const golden = join(wrong, file.replace(/\.\w+$/, '.golden.txt'));
    if (isUpdating) writeFileSync(golden, rendered);
    expect(rendered).toBe(readFileSync(golden, 'utf8'));
    const hasErrors = checked.diagnostics.some(({ severity }) => severity === 'error');
    expect(checked.document === undefined).toBe(hasErrors);
    expect(hasErrors).toBe(!file.startsWith('warn-'));
  });

  test('has at least forty kinds', () => {
    expect(cases.length).toBeGreaterThanOrEqual(40);
  });

  test('gives only codes that the table explains, or those of a catalog', () => {
    const codes = new Set(cases.flatMap((file) => check(file).checked.diagnostics.map(({ code }) => code)));
    codes.delete('EXPRESSION_IN_COMMAND');
    for (const code of codes) expect(Object.keys(documentCodes)).toContain(code);
  });

  test('each code of the table that a document can give has a document', () => {
    const codes = new Set(cases.flatMap((file) => check(file).checked.diagnostics.map(({ code }) => code)));
    const ofArguments = [
      'UNKNOWN_PARAMETER',
      'MISSING_PARAMETER',
      'VALUE_NOT_ALLOWED',
      'PATTERN_MISMATCH',
      'OUT_OF_RANGE',
      'NUL_CHARACTER',
      'ABSENT_VALUE',
      'SECRET_PARAMETER',
    ];
    const missing = Object.keys(documentCodes).filter(
      (code) => !codes.has(code) && !ofArguments.includes(code),
    );
    expect(missing).toEqual([]);
  });
});
