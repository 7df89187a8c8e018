/** What the README and the shipped runbooks say is run, not believed. */
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createCatalog } from '../../src/actions/index.ts';
import { checkDocument } from '../../src/document/index.ts';
import { parseInventory } from '../../src/inventory/index.ts';
import { Belay } from '../../src/runtime/belay.ts';
import { offlineModels } from '../../src/runtime/offline-models.ts';

const root = join(import.meta.dirname, '..', '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const blocks = [...readme.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
const state = mkdtempSync(join(tmpdir(), 'belay-readme-'));
const belay = new Belay({ state, cwd: state, env: {}, stdin: () => Promise.resolve('') });
afterAll(() => {
  belay.close();
  rmSync(state, { recursive: true });
});

test("the README's runbook climbs down in the sandbox as the README says", async () => {
  const file = join(state, 'patch.yaml');
  writeFileSync(file, blocks[0] ?? '');
  const { id } = await belay.start({
    file,
    texts: {},
    values: {},
    secrets: {},
    sandbox: true,
    failAt: 'Start',
  });
  const ending = await belay.run(id, { onWait: 'leave' });
  expect(ending).toMatchObject({ kind: 'ended', result: { status: 'Failed', rollbackStatus: 'clean' } });
  expect((await belay.view(id)).rollback.map(({ name, result }) => [name, result])).toEqual([
    ['Start', 'nothingToDo'],
    ['Patch', 'undone'],
    ['Stop', 'nothingToDo'],
  ]);
});

test("the README's belay.yaml is right", () => {
  const { inventory, diagnostics } = parseInventory(
    { file: 'belay.yaml', text: blocks[1] ?? '' },
    { resolvePath: (path) => path },
  );
  expect(diagnostics).toEqual([]);
  expect(inventory?.address('i-0123456789abcdef0')?.name).toBe('db1');
});

test("the README's rolling runbook is right, and its group is that of the README's belay.yaml", () => {
  const { document, diagnostics } = checkDocument(
    { file: 'README.md', text: blocks[2] ?? '' },
    createCatalog(offlineModels()),
  );
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(document?.mainSteps.map(({ action }) => action)).toEqual(['belay:rolling']);
  const { inventory } = parseInventory(
    { file: 'belay.yaml', text: blocks[1] ?? '' },
    { resolvePath: (path) => path },
  );
  expect(inventory?.groups.get('minio')).toEqual(['minio01', 'minio02', 'minio03', 'minio04']);
});

const commands = [...readme.matchAll(/^belay run (runbooks\/\S+)(.*)$/gm)].map(([line, file, words]) => ({
  line,
  file: file ?? '',
  given: [...(words ?? '').matchAll(/-p '?(\w+)=/g)].map(([, name = '']) => name),
}));

test.for(commands)('the README gives what the runbook wants: $line', ({ file, given }) => {
  const text = readFileSync(join(root, file), 'utf8');
  const { document } = checkDocument({ file, text }, createCatalog(offlineModels()));
  const parameters = document?.parameters ?? {};
  expect(given.filter((name) => !Object.keys(parameters).includes(name))).toEqual([]);
  const wanted = Object.entries(parameters)
    .filter(([, parameter]) => parameter.default === undefined)
    .map(([name]) => name);
  expect(wanted.filter((name) => !given.includes(name))).toEqual([]);
});

test('the README names every command that it uses as it is', () => {
  const scripts = (
    JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
  ).scripts;
  const used = [...readme.matchAll(/npm run (?:-s )?([a-z:]+)/g)].map((match) => match[1] ?? '');
  expect(used.filter((name) => scripts[name] === undefined)).toEqual([]);
});

const shipped = readdirSync(join(root, 'runbooks'), { recursive: true, encoding: 'utf8' }).filter(
  (file) =>
    file.endsWith('.yaml') && !file.endsWith('.sandbox.yaml') && !/^(windows|compliance\/rules)\//.test(file),
);

test.for(shipped)('runbooks/%s validates, and opens with what it does, refuses and undoes', (file) => {
  const text = readFileSync(join(root, 'runbooks', file), 'utf8');
  const { document, diagnostics } = checkDocument({ file, text }, createCatalog(offlineModels()));
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(document).toBeDefined();
  for (const words of ['What it does', 'What it refuses', 'How it undoes', 'No way back'])
    expect(text).toContain(words);
});

test('the plain runbook is plain: nothing but aws:createSnapshot is an addition', () => {
  const text = readFileSync(join(root, 'runbooks', 'ssm', 'patch-postgresql.yaml'), 'utf8');
  const { document } = checkDocument({ file: 'plain', text }, createCatalog(offlineModels()));
  expect(document?.additions.filter((name) => name !== 'aws:createSnapshot')).toEqual([]);
  expect(document?.rollback.when).toBe('never');
});
