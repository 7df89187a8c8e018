/** The public corpus, where it lies beside the repository: each document fares at least as well as it did at best. */
import { describe, expect, test } from 'vitest';

import { belayCatalog, checkFile, corpusFiles, hasCorpus } from './corpus.ts';
import { readExpected, worseThan } from './expected.ts';
import { outcomeTable } from './table.ts';

describe.skipIf(!hasCorpus)(
  'the corpus (skipped where neither ../shared/corpus nor BELAY_CORPUS is there)',
  () => {
    const catalog = belayCatalog();
    // What is skipped is collected all the same, so nothing may be read here where there is no corpus.
    const kinds = hasCorpus ? (['automation', 'command'] as const) : [];
    const checked = kinds.flatMap((kind) => {
      const all = corpusFiles(kind).map((file) => checkFile(file, catalog));
      console.info(outcomeTable(kind, all));
      return all;
    });

    test('gets no worse: what validated validates, what was refused is refused for the same reasons or none', () => {
      expect(worseThan(readExpected(), checked)).toEqual([]);
    });

    test('makes the validator crash nowhere', () => {
      expect(checked.filter(({ outcome }) => outcome.kind === 'crash')).toEqual([]);
    });

    test('is refused nowhere without a place and a sentence', () => {
      for (const { file, diagnostics } of checked) {
        const lines = file.text.split('\n').length;
        for (const { start, message, code } of diagnostics) {
          expect(start.line, `${file.path} ${code}`).toBeLessThanOrEqual(lines);
          expect(message, `${file.path} ${code}`).toMatch(/\S/);
        }
      }
    });
  },
);
