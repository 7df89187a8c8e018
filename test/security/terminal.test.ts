/** Text that steers the terminal of the one who reads it, that looks like another command, or that fills the disk. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LogSink } from '../../src/runtime/logs.ts';
import { Redactor } from '../../src/runtime/secrets/redactor.ts';
import { shellWord, visible, visibleJson, visibleLine } from '../../src/runtime/visible.ts';
import { Desk } from '../support/command-line.ts';
import { execFileSync } from 'node:child_process';

/** Escape, the C1 form of it, a bell, and an override that turns letters around. */
const evil = '\u001b]0;owned\u0007\u001b[2J\u009b31m\u202eevil\u2066';
const steers = /[^\P{Cc}\n\t]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u;
const escape = '\u001b';
const ownColours = new RegExp(`${escape}\\[(?:0|1|2|22|31|32|33|36|39)m`, 'g');

describe('whatever the text', () => {
  const text = fc
    .array(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...Array.from(evil), evil)))
    .map((parts) => parts.join(''));

  test('nothing that is shown steers a terminal', () => {
    fc.assert(
      fc.property(text, (given) => {
        expect(visible(given)).not.toMatch(steers);
        expect(visibleLine(given).replaceAll(ownColours, '')).not.toMatch(steers);
      }),
    );
  });

  test('JSON says the same, without it', () => {
    fc.assert(
      fc.property(fc.dictionary(text, text), (given) => {
        const shown = visibleJson(JSON.stringify(given));
        expect(shown).not.toMatch(steers);
        expect(JSON.parse(shown)).toEqual(given);
      }),
    );
  });

  test('a word of a command to paste is one word for the shell', () => {
    const words = ['db1; id', '$(id)', "it's", '`id`', 'a b', '-x\n', '', evil, '*'];
    for (const word of words) {
      const said = execFileSync('sh', ['-c', `printf '%s\\0' ${shellWord(word)}`]).toString();
      expect(said).toBe(`${visible(word)}\0`);
    }
    expect(shellWord('host:db1')).toBe('host:db1');
  });
});

describe('a refusal', () => {
  let desk: Desk;
  beforeEach(() => {
    desk = new Desk();
    desk.write('nap.yaml', {
      schemaVersion: '0.3',
      mainSteps: [{ name: 'Nap', action: 'aws:sleep', inputs: { Duration: 'PT1S' } }],
    });
  });
  afterEach(() => desk[Symbol.dispose]());

  test.each([
    ['of an unknown parameter', ['run', 'nap.yaml', '-y', '-p', `${evil}=x`]],
    ['of an unknown command', [evil]],
    ['of an unknown option', ['run', 'nap.yaml', `--${evil}`]],
    ['of a value that is none of the choices', ['run', 'nap.yaml', '--rollback', evil]],
    ['of a file that is not there', ['run', `${evil}.yaml`]],
    ['of a state folder', ['list', '--state', `/dev/null/${evil}`]],
    ['of a topic of help', ['help', evil]],
    ['of an execution', ['show', evil]],
  ])('%s does not steer the terminal', async (_, words) => {
    const said = await desk.belay(words);
    expect(said.code).toBe(2);
    expect(said.stderr).not.toMatch(steers);
    expect(said.stderr).toContain('evil');
  });

  test('quotes what it puts into a command to paste', async () => {
    desk.write('x; id.yaml', { schemaVersion: '0.3', mainSteps: [] });
    const said = await desk.belay(['run', 'x; id.yaml', '--fail-at', '$(id)']);
    expect(said.stderr).toContain("belay run 'x; id.yaml' --sandbox --fail-at '$(id)'");
  });
});

test('a host that never stops talking does not fill the disk, and its log says where it ends', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'belay-logs-'));
  try {
    const sink = new LogSink((stream) => join(folder, stream), new Redactor([]), 10);
    for (const chunk of ['1234567', '890abc', 'def', 'ghi']) await sink.write('stdout', Buffer.from(chunk));
    await sink.write('stderr', Buffer.from('1234567890'));
    await sink.close();
    expect(readFileSync(join(folder, 'stdout'), 'utf8')).toBe(
      '1234567890\n[belay: the log ends here: more than 10 bytes (logBytesMax) were written]\n',
    );
    expect(readFileSync(join(folder, 'stderr'), 'utf8')).toBe('1234567890');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
