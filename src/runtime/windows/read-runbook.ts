/** Checks runbooks that windows run, and says in a clause what is wrong with one. */
import { checkDocument } from '../../document/index.ts';
import type { Belay } from '../belay.ts';
import { Refusal } from '../refusal.ts';
import type { ReadRunbook } from './task-runbooks.ts';

export function readerOf(belay: Pick<Belay, 'check' | 'catalog'>): ReadRunbook {
  return (file, text) => {
    try {
      const { document, diagnostics } =
        text === undefined
          ? belay.check(file, { strictSsm: false })
          : checkDocument({ file, text }, belay.catalog);
      if (document !== undefined) return { document };
      const first = diagnostics.find(({ severity }) => severity === 'error');
      const line = first === undefined ? '' : `:${first.start.line}`;
      return { problem: `${file}${line}: ${first?.message ?? 'it is not right'}` };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { problem: error.message };
    }
  };
}
