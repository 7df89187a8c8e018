/**
 * Texts that nobody meant as runbooks, and runbooks that were damaged: the validator says something about each and never
 * throws. How long it takes is the business of `npm run bench`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';

import { checkDocument, exportDocument, graphOf } from '../../src/document/index.ts';
import { isThorough } from '../evidence/sample.ts';
import { corpusFiles, hasCorpus } from '../conformance/corpus.ts';
import { catalog } from './ssm/ssm.ts';

const root = join(import.meta.dirname, '..', '..');
const ownTexts = ['test/document/loose', 'test/document/wrong', 'runbooks', 'runbooks/minio'].flatMap(
  (folder) =>
    readdirSync(join(root, folder))
      .filter((file) => /^[^.].*\.(yaml|json)$/.test(file))
      .map((file) => readFileSync(join(root, folder, file), 'utf8')),
);
const corpus = hasCorpus ? corpusFiles('automation').map(({ text }) => text) : [];

/** Says where it is sound or what is wrong; what is sound can be drawn and exported. */
function survives(text: string): void {
  const { document, diagnostics } = checkDocument({ file: 'f', text }, catalog);
  const hasErrors = diagnostics.some(({ severity }) => severity === 'error');
  expect(document === undefined).toBe(hasErrors);
  for (const { start, message } of diagnostics) {
    expect(start.line).toBeGreaterThan(0);
    expect(message).not.toBe('');
  }
  if (document === undefined) return;
  graphOf(document);
  exportDocument({ file: 'f', text }, catalog, { drop: true });
}

/** A sample on CI, with the seed in the failure; many more by npm run lab:faults. */
const times = isThorough ? 50 : 1;
const runs = (numRuns: number): { readonly numRuns: number } => ({ numRuns: numRuns * times });

const fragments = [
  "schemaVersion: '0.3'\n",
  'mainSteps:\n',
  '  - name: A\n',
  '    action: aws:branch\n',
  '    inputs:\n',
  '      Choices:\n',
  '{{ A.B }}',
  '{{',
  '}}',
  ': ',
  '- ',
  '\n',
  '  ',
  '\t',
  '"',
  "'",
  '[',
  ']',
  '{',
  '}',
  '&a ',
  '*a',
  '<<: ',
  '!!str ',
  '!Sub ',
  '|\n',
  '>-\n',
  '#',
  '? ',
  '---\n',
  '...\n',
  '%YAML 1.1\n',
  '\r\n',
  '\uFEFF',
  '\0',
  '\uD800',
  'yes',
  '0o17',
  '1e999',
  '.inf',
  '~',
  '__proto__: 1\n',
  'constructor',
  'parameters:\n',
  'undo:\n',
  'aws:loop',
];

describe('the validator survives', { timeout: 60_000 * times }, () => {
  test('texts put together of pieces of YAML', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...fragments), { maxLength: 60 }), (parts) =>
        survives(parts.join('')),
      ),
      runs(100),
    );
  });

  test('any value where a document is expected, and in each of its places', () => {
    const json = fc.jsonValue({ maxDepth: 4 });
    const keys = fc.constantFrom(
      'parameters',
      'mainSteps',
      'outputs',
      'files',
      'variables',
      'rollback',
      'locks',
      'notify',
      'assumeRole',
    );
    const stepKeys = fc.constantFrom(
      'name',
      'action',
      'inputs',
      'outputs',
      'onFailure',
      'isEnd',
      'undo',
      'capture',
      'timeoutSeconds',
      'nextStep',
    );
    const step = fc.record({
      action: fc.constantFrom(...catalog.actionNames),
      key: stepKeys,
      value: json,
      inputs: json,
    });
    fc.assert(
      fc.property(json, (value) => survives(stringify(value))),
      runs(50),
    );
    fc.assert(
      fc.property(keys, json, (key, value) =>
        survives(
          stringify({
            schemaVersion: '0.3',
            mainSteps: [{ name: 'A', action: 'aws:pause', inputs: {} }],
            [key]: value,
          }),
        ),
      ),
      runs(75),
    );
    fc.assert(
      fc.property(step, ({ action, key, value, inputs }) =>
        survives(
          stringify({ schemaVersion: '0.3', mainSteps: [{ name: 'A', action, inputs, [key]: value }] }),
        ),
      ),
      runs(100),
    );
  });

  test('documents with pieces cut out, doubled, moved and exchanged', () => {
    const texts = fc.constantFrom(...ownTexts, ...corpus);
    const edit = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      length: fc.integer({ min: 0, max: 200 }),
      put: fc.oneof(fc.constantFrom(...fragments), fc.constant('twice'), fc.constant('')),
    });
    fc.assert(
      fc.property(texts, fc.array(edit, { minLength: 1, maxLength: 5 }), (text, edits) => {
        let damaged = text;
        for (const { at, length, put } of edits) {
          const start = Math.floor(at * damaged.length);
          const piece = damaged.slice(start, start + length);
          const instead = put === 'twice' ? piece + piece : put;
          damaged = damaged.slice(0, start) + instead + damaged.slice(start + length);
        }
        survives(damaged);
      }),
      runs(100),
    );
  });
});

describe('what grows beyond all bounds is refused', () => {
  const codes = (text: string): string[] =>
    checkDocument({ file: 'f', text }, catalog).diagnostics.map(({ code }) => code);

  test('aliases that multiply', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let level = 1; level <= 12; level += 1) {
      const names = Array.from({ length: 10 }, () => `*a${level - 1}`).join(', ');
      lines.push(`a${level}: &a${level} [${names}]`);
    }
    expect(codes(`schemaVersion: '0.3'\n${lines.join('\n')}\n`)).toEqual(['ALIAS']);
  });

  test('an alias that holds itself', () => {
    expect(codes("schemaVersion: '0.3'\nmainSteps: &a [*a]\n")).toContain('ALIAS');
  });

  test.each([
    ['brackets', `x: ${'['.repeat(5000)}`],
    ['closed brackets', `x: ${'['.repeat(900)}${']'.repeat(900)}`],
    ['dashes', `x:\n  ${'- '.repeat(400)}x\n`],
    ['indented maps', Array.from({ length: 400 }, (_, depth) => `${' '.repeat(depth)}a:\n`).join('')],
    ['JSON', `${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}`],
  ])('%s that nest too deep', (_, text) => {
    expect(codes(text)).toContain('TOO_DEEP');
  });
});
