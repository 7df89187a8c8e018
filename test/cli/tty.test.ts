/** The live view and its questions on a real pseudo-terminal, made by Python's pty module. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { builtBelay } from '../support/built.ts';
import { BelayFolder } from './belay-process.ts';

const driver = join(import.meta.dirname, 'drive-tty.py');
const hasPython = spawnSync('python3', ['-c', 'import pty']).status === 0;

const nap = (when: string): string => `schemaVersion: '0.3'
rollback: { when: ${when} }
mainSteps:
  - name: Stop
    action: host:service
    inputs: { Host: db1, Name: postgresql@15-main, State: stopped }
  - name: Nap
    action: aws:sleep
    inputs: { Duration: PT3S }
  - name: Start
    action: host:service
    inputs: { Host: db1, Name: postgresql@15-main, State: started }
`;

let folder: BelayFolder;
beforeEach(() => {
  folder = new BelayFolder();
});
afterEach(() => {
  folder.clear();
});

interface Screen {
  readonly code: number;
  readonly raw: string;
  /** Without escape sequences. */
  readonly text: string;
}

/** `keys`: what to type once a pattern has appeared. */
function onTerminal(
  args: readonly string[],
  keys: readonly (readonly [pattern: string, typed: string])[],
  { env = {}, size = '30x110' }: { env?: Readonly<Record<string, string>>; size?: string } = {},
): Screen {
  const input = JSON.stringify({
    argv: [process.execPath, builtBelay(), ...args],
    keys,
    size,
    timeoutSeconds: 50,
  });
  const { stdout, stderr } = spawnSync('python3', [driver], {
    input,
    cwd: folder.dir,
    env: { ...folder.env(), TERM: 'xterm-256color', ...env },
    encoding: 'utf8',
    timeout: 58_000,
  });
  if (stdout === '') throw new Error(stderr);
  const { code, output } = JSON.parse(stdout) as { code: number; output: string };
  return { code, raw: output, text: stripVTControlCharacters(output).replaceAll('\r', '') };
}

describe.skipIf(!hasPython && 'python3 is not here, and it makes the pseudo-terminal')(
  'on a terminal',
  { timeout: 60_000 },
  () => {
    test('asks once, shows one moving line per step and leaves finished lines behind', () => {
      const file = folder.write('nap.yaml', nap('onFailure'));
      const screen = onTerminal(['run', file, '--sandbox'], [['Start it', '\r']]);
      expect(screen.code).toBe(0);
      expect(screen.text).toContain('steps  Stop, Nap, Start');
      expect(screen.text).toMatch(/Nap +0:0[12] +sleeping, \d\.\d s left/);
      expect(screen.text).toMatch(/✔ Stop +db1 +\d\.\d s +postgresql@15-main active → inactive\n/);
      expect(screen.text.trimEnd().split('\n').at(-1)).toMatch(/^Done in /);
      // The cursor is back.
      expect(screen.raw.lastIndexOf('\u001B[?25h')).toBeGreaterThan(screen.raw.lastIndexOf('\u001B[?25l'));
      const redraws = screen.raw.split('sleeping, ').length - 1;
      expect(redraws).toBeLessThanOrEqual(32);
    });

    test('a no at the question starts nothing', async () => {
      const file = folder.write('nap.yaml', nap('onFailure'));
      const screen = onTerminal(['run', file, '--sandbox'], [['Start it', 'n']]);
      expect(screen.text).toContain('Nothing was started.');
      expect(screen.code).toBe(1);
      expect((await folder.run(['list', '--json'])).stdout).toContain('"executions": []');
    });

    test('Ctrl-C stops after the step, ends 130 and gives the terminal back', () => {
      const file = folder.write('nap.yaml', nap('onFailure'));
      const screen = onTerminal(['run', file, '--sandbox', '-y'], [['sleeping', '\u0003']]);
      expect(screen.code).toBe(130);
      expect(screen.text).toContain('Stopping after Nap. Then: belay resume');
      expect(screen.text.trimEnd().split('\n').at(-1)).toMatch(
        /go on {2}belay resume .* climb down {2}belay cancel/,
      );
      expect(screen.raw.lastIndexOf('\u001B[?25h')).toBeGreaterThan(screen.raw.lastIndexOf('\u001B[?25l'));
    });

    test('Ctrl-C does not reach the command that a step runs', async () => {
      folder.write('belay.yaml', 'hosts:\n  here: { transport: local }\n');
      const file = folder.write(
        'long.yaml',
        `schemaVersion: '0.3'
mainSteps:
  - name: Long
    action: host:command
    undo: { none: it only sleeps }
    inputs: { Host: here, Script: 'sleep 3; echo slept' }
`,
      );
      const screen = onTerminal(['run', file, '-y'], [['Long .*0:01', '\u0003']]);
      expect(screen.text).toContain('Stopping after Long on here.');
      expect(screen.text).toMatch(/✔ Long +here/);
      // It was the last step, so there is nothing to stop before.
      expect(screen.code).toBe(0);
      expect((await folder.run(['logs'])).stdout).toBe('slept\n');
    });

    test('an interactive run asks which step is next, and the end can be chosen', () => {
      const file = folder.write('nap.yaml', nap('onFailure'));
      const screen = onTerminal(
        ['run', file, '--sandbox', '--interactive', '-y'],
        [
          ['start Stop', '\r'],
          ['start Nap', '\u001B[B\r'],
        ],
      );
      expect([screen.code, screen.text]).toEqual([0, expect.stringContaining('Nap, Start were not run')]);
      expect(screen.text).toMatch(/✔ Stop +db1/);
    });

    test('rollback: ask is asked here, and yes climbs down', () => {
      const file = folder.write('nap.yaml', nap('ask'));
      const args = ['run', file, '--sandbox', '-y', '--fail-at', 'Start'];
      const screen = onTerminal(args, [['Climb down', '\r']]);
      expect(screen.code).toBe(3);
      expect(screen.text).toMatch(/↶ Stop +db1/);
    });

    test('rollback: ask, and no leaves everything as it is', () => {
      const file = folder.write('nap.yaml', nap('ask'));
      const screen = onTerminal(['run', file, '--sandbox', '-y', '--fail-at', 'Stop'], [['Climb down', 'n']]);
      expect(screen.code).toBe(1);
      expect(screen.text).toContain('Nothing was undone. Still changed:');
    });

    test('a dumb terminal gets plain lines, NO_COLOR no colour, and one without a size still works', () => {
      const file = folder.write('nap.yaml', nap('onFailure'));
      const dumb = onTerminal(['run', file, '--sandbox'], [['Start it\\? \\[Y/n\\] ', 'y\r']], {
        env: { TERM: 'dumb' },
      });
      expect(dumb.code).toBe(0);
      expect(dumb.raw).not.toContain('\u001B');
      expect(dumb.text).toMatch(/\d\d:\d\d:\d\d {3}▸ Stop/);
      const colourless = onTerminal(['run', file, '--sandbox', '-y'], [], {
        // LC_ALL keeps Python from choosing a UTF-8 locale of its own (PEP 538).
        env: { NO_COLOR: '1', LC_ALL: 'C' },
        size: '0x0',
      });
      expect(colourless.raw).not.toContain('\u001B[3');
      expect(colourless.text).toMatch(/ok Stop +db1 .* active -> inactive/);
      expect(colourless.text).toMatch(/Nap +0:01 +sleeping/);
    });
  },
);
