/** What a document or a host gives is carried out byte for byte or refused; no character ends as a bug or as another one. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { BelayFolder } from './belay-process.ts';

const folder = new BelayFolder();
const place = mkdtempSync(join(tmpdir(), 'belay bytes % ${HOME} '));
folder.write('belay.yaml', 'hosts: { here: { transport: local } }\n');
afterAll(() => {
  folder.clear();
  rmSync(place, { recursive: true, force: true });
});

const steps = (...mainSteps: object[]): string =>
  JSON.stringify({ schemaVersion: '0.3', rollback: { when: 'never' }, mainSteps });
const write = (name: string, Path: string, Content: string) => ({
  name,
  action: 'host:file',
  inputs: { Host: 'here', Path, Content },
});

test('names and contents of files are what the document says', { timeout: 60_000 }, async () => {
  const names = ['a b%c', 'q\'u"o$(id)`x`', 'nl\nx', 'end\n', 'ü€😀', '-dash', '\\t', '\u0001\u007f'];
  const text = 'any\0bytes\r\n\u0001\u007f\u0085😀';
  folder.write('files.json', steps(...names.map((name, at) => write(`F${at}`, join(place, name), text))));
  expect(await folder.run(['run', 'files.json', '-y'])).toMatchObject({ code: 0 });
  expect(readdirSync(place).toSorted()).toEqual(names.toSorted());
  for (const name of names) expect(readFileSync(join(place, name), 'utf8')).toBe(text);
});

test('what no argument and no file can carry is refused where it stands', { timeout: 60_000 }, async () => {
  folder.write('nul.json', steps(write('F', join(place, 'nul\0x'), 'x')));
  folder.write('half.json', steps(write('F', join(place, 'half\ud800'), 'x')));
  const [nul, half] = await Promise.all(
    ['nul', 'half'].map((name) => folder.run(['run', `${name}.json`, '-y'])),
  );
  expect(nul).toMatchObject({ code: 2, stderr: expect.stringMatching(/nul\.json:1:\d+ {2}NUL_CHARACTER/) });
  expect(half).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/half\.json:1:\d+ {2}HALF_CHARACTER/),
  });
});

test(
  'a NUL that a host has printed fails the step that would hand it on, and no more',
  { timeout: 60_000 },
  async () => {
    const find = {
      name: 'Find',
      action: 'host:command',
      inputs: { Host: 'here', Command: ['printf', String.raw`one\0two`] },
      undo: { none: 'it prints' },
    };
    const use = (name: string, inputs: object) => ({
      name,
      action: 'host:command',
      onFailure: 'Continue',
      inputs: { Host: 'here', ...inputs },
      undo: { none: 'it prints' },
    });
    folder.write(
      'found.json',
      steps(
        find,
        use('Argument', { Command: ['echo', '{{ Find.Stdout }}'] }),
        use('Variable', { Script: 'echo "$IT"', Env: { IT: '{{ Find.Stdout }}' } }),
        write('Content', join(place, 'found'), '{{ Find.Stdout }}'),
      ),
    );
    const { code, stderr } = await folder.run(['run', 'found.json', '-y']);
    expect(stderr.match(/INVALID_INPUT.*NUL character, which no argument or variable/g)).toHaveLength(2);
    expect(code).toBe(0);
    expect(readFileSync(join(place, 'found'), 'utf8')).toBe('one\0two');
  },
);
