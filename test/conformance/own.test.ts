/** Documents of our own, one for each class of what the corpus has: plain SSM, run on the sandbox wherever the tests run. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Belay } from '../../src/runtime/belay.ts';
import { findScriptTools } from '../../src/transports/scripts/tools.ts';
import { localBelay } from '../support/local-belay.ts';
import { belayCatalog, checkFile } from './corpus.ts';

const folder = join(import.meta.dirname, 'own');
const files = readdirSync(folder).filter((name) => /^[^.].*\.(yaml|json)$/.test(name));
/** In the sandbox a script runs behind bubblewrap or not at all. */
const isShielded = findScriptTools().shield().kind === 'bubblewrap';

let dir: string;
let belay: Belay;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'belay-own-'));
  belay = localBelay(dir);
});
afterEach(() => {
  belay.close();
  rmSync(dir, { recursive: true });
});

const textOf = (name: string): string => readFileSync(join(folder, name), 'utf8');
const catalog = belayCatalog();

test.each(files)('%s is taken as it is, and by AWS', (name) => {
  const { outcome, diagnostics } = checkFile({ path: name, text: textOf(name), checksum: '' }, catalog);
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(outcome.kind).not.toBe('refused');
});

test.each(files.filter((name) => isShielded || !name.startsWith('script-')))(
  '%s runs to the end that it names',
  { timeout: 60_000 },
  async (name) => {
    const [, ending = 'Success'] = /^# = (\w+)/m.exec(textOf(name)) ?? [];
    const { id } = await belay.start({
      file: join(folder, name),
      texts: {},
      values: {},
      secrets: {},
      sandbox: true,
    });
    await belay.run(id, { onWait: 'leave' });
    const view = await belay.view(id);
    const failures = view.steps.map(({ name: step, failure }) => [step, failure?.message ?? null]);
    expect(view.status, JSON.stringify(failures)).toBe(ending);
    // What a document says that it gives, it has given where it ended well.
    const promised = (await belay.row(id)).program.document.outputs;
    if (ending === 'Success') expect(Object.keys(view.outputs ?? {}).toSorted()).toEqual(promised.toSorted());
  },
);
