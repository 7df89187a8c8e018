/** The shell that starts masters. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Starter } from '../../../src/transports/hosts/ssh-starter.ts';

const folder = mkdtempSync(join(tmpdir(), 'belay-starter-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string): string => join(folder, name);
const sh = (script: string, ...args: string[]): string[] => ['/bin/sh', '-c', script, 'sh', ...args];

test('each of many side by side ends with its own code, and its words go to the end of its own file', async () => {
  const starter = new Starter();
  const codes = Array.from({ length: 20 }, (_, code) => code);
  writeFileSync(file('words-3'), 'before\n');
  const ended = codes.map(
    (code) =>
      starter.start(sh('echo "$1" >&2; exit "$2"', "it's $HOME", String(code)), file(`words-${code}`)).ended,
  );
  expect(await Promise.all(ended)).toEqual(codes);
  expect(readFileSync(file('words-3'), 'utf8')).toBe("before\nit's $HOME\n");
  starter.close();
});

test('one that is killed ends, also before it is known by its number', async () => {
  const starter = new Starter();
  const started = starter.start(sh('while :; do sleep 1; done'), file('killed'));
  started.kill();
  expect(await started.ended).toBe(143);
  starter.close();
});

test('a program that is missing ends as shells say it', async () => {
  const starter = new Starter();
  expect(await starter.start(['belay-no-such-program'], file('missing')).ended).toBe(127);
  expect(readFileSync(file('missing'), 'utf8')).toContain('belay-no-such-program');
  starter.close();
});

test('what it has started goes on when it is closed, and what is started later has another shell', async () => {
  const starter = new Starter();
  const first = starter.start(sh('until [ -e "$1" ]; do sleep 0.05; done; exit 7', file('go')), file('one'));
  starter.close();
  const second = starter.start(sh('exit 8'), file('two'));
  expect(await second.ended).toBe(8);
  writeFileSync(file('go'), '');
  expect(await first.ended).toBe(7);
  starter.close();
});

test('a line break in a word, or in the name of the file, is a character like others', async () => {
  const starter = new Starter();
  const words = sh('printf "%s" "$1" >&2; exit 3', "a\nb; exit 9\n' c\n");
  expect(await starter.start(words, file('two\nlines')).ended).toBe(3);
  expect(readFileSync(file('two\nlines'), 'utf8')).toBe("a\nb; exit 9\n' c\n");
  starter.close();
});
