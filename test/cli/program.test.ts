/** How words are read. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commandTree, families, firstExamples } from '../../src/cli/command-tree.ts';
import { readCommandLine, type Invocation } from '../../src/cli/program.ts';

const read = (line: string): Invocation => readCommandLine(line === '' ? [] : line.split(' '));

function command(line: string): Extract<Invocation, { kind: 'command' }> {
  const invocation = read(line);
  if (invocation.kind !== 'command') throw new Error(`${line} → ${JSON.stringify(invocation)}`);
  return invocation;
}

function wrong(line: string): readonly string[] {
  const invocation = read(line);
  if (invocation.kind !== 'wrong') throw new Error(`${line} → ${JSON.stringify(invocation)}`);
  return invocation.lines;
}

test('parameters may be repeated, and values may hold equals signs and spaces', () => {
  const invocation = readCommandLine(['run', 'a.yaml', '-p', 'Host=db1', '--param', 'Query=a = b', '-y']);
  expect(invocation).toMatchObject({
    kind: 'command',
    args: ['a.yaml'],
    options: { param: ['Host=db1', 'Query=a = b'], yes: true },
  });
});

test('a folder or file that is named by nothing is refused, and no other one is taken for it', () => {
  for (const words of [
    ['list', '--state', ''],
    ['run', 'a.yaml', '--config', ''],
    ['run', 'a.yaml', '--params-file='],
  ])
    expect(readCommandLine(words)).toMatchObject({
      kind: 'wrong',
      lines: [expect.stringContaining('It is empty: leave the option out'), expect.anything()],
    });
});

test('global options stand before or behind the command', () => {
  expect(command('--state /tmp/x list').globals.state).toBe('/tmp/x');
  expect(command('list --state /tmp/x --debug').globals).toEqual({
    state: '/tmp/x',
    debug: true,
    color: 'auto',
  });
  expect(command('--color never list').globals.color).toBe('never');
});

test('--no-wait is a flag', () => {
  expect(command('run a.yaml --no-wait').options['wait']).toBe(false);
  expect(command('run a.yaml').options['wait']).toBe(true);
});

test('an id may be left out where the latest is meant, and nowhere else', () => {
  expect(command('show').args).toEqual([]);
  expect(command('resume').args).toEqual([]);
  expect(wrong('rollback').join('\n')).toContain("missing required argument 'ID'");
  expect(wrong('cancel').join('\n')).toContain("missing required argument 'ID'");
});

test('what is misspelt is refused with the nearest name, and nothing was started', () => {
  expect(wrong('rnu a.yaml')).toEqual([
    "belay: unknown command 'rnu'. Nothing was started.",
    '  Did you mean run?',
    '  belay -h shows what there is',
  ]);
  expect(wrong('run a.yaml --sandbx')).toEqual([
    "belay run: unknown option '--sandbx'. Nothing was started.",
    '  Did you mean --sandbox?',
    '  belay run -h shows what there is',
  ]);
});

test('an option of every command may stand between a family and its command', () => {
  expect(command('window --state /srv/belay list').globals.state).toBe('/srv/belay');
  expect(command('window --state /srv/belay list --state /srv/other').globals.state).toBe('/srv/other');
  expect(wrong('window --satte /srv/belay list').at(-1)).toBe('  belay window -h shows what there is');
});

test('a value that an option does not take is refused with those that it takes', () => {
  expect(wrong('run a.yaml --rollback sometimes').join(' ')).toContain('onFailure, never, ask');
  expect(wrong('list --color blue').join(' ')).toContain('always, never, auto');
});

test('too many arguments are refused', () => {
  expect(wrong('run a.yaml b.yaml')[0]).toContain('belay run: too many arguments');
});

describe('help', () => {
  const text = (line: string): string => {
    const invocation = read(line);
    if (invocation.kind !== 'text') throw new Error(`${line} → ${JSON.stringify(invocation)}`);
    return invocation.text;
  };

  test('belay alone shows three examples and where the rest is', () => {
    expect(
      text('')
        .split('\n')
        .filter((line) => line.startsWith('  belay ')),
    ).toHaveLength(3);
    expect(text('')).toContain('belay -h shows all commands.');
  });

  test('-h names every command', () => {
    for (const { name, summary } of [...commandTree.filter((spec) => !spec.name.includes(' ')), ...families])
      expect(text('-h')).toMatch(new RegExp(`  ${name} +${summary.slice(0, 20)}`));
  });

  test.each(commandTree.map(({ name }) => name))(
    '%s -h: the examples come before the usage and the options',
    (name) => {
      const help = text(`${name} -h`);
      expect(help).toBe(text(`help ${name}`));
      expect(help.indexOf(`belay ${name}`)).toBeLessThan(help.indexOf('Usage:'));
      const spec = commandTree.find((command) => command.name === name);
      for (const option of spec?.options ?? []) expect(help).toContain(`--${option.name}`);
    },
  );

  test('the help of a family names its commands', () => {
    for (const { name, summary } of commandTree.filter((spec) => spec.name.startsWith('window ')))
      expect(text('window -h')).toMatch(
        new RegExp(`  ${name.slice('window '.length)} +${summary.slice(0, 20)}`),
      );
    expect(text('help window')).toBe(text('window -h'));
    expect(wrong('window nxt')[0]).toContain("unknown command 'nxt'");
  });

  test('help exit-codes prints the table, an unknown topic is refused', () => {
    expect(text('help exit-codes')).toContain('  130  interrupted by Ctrl-C, state saved');
    expect(wrong('help exitcodes')[0]).toBe('belay help: there is no help on exitcodes.');
  });

  test('every example is a command line that is understood', () => {
    const examples = [...firstExamples, ...commandTree.flatMap(({ examples }) => examples)];
    for (const { command: line } of examples) {
      const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '');
      expect(readCommandLine(words.slice(1)).kind, line).toBe('command');
    }
  });
});

test('--version is asked of any level', () => {
  expect(read('--version').kind).toBe('version');
  expect(read('--debug -V').kind).toBe('version');
});

test('the entry imports nothing but its own version and that of Node before it has read the words', () => {
  const source = (name: string) => readFileSync(join(import.meta.dirname, '../../src/cli', name), 'utf8');
  const imports = (name: string) =>
    [...source(name).matchAll(/^import .* from '([^']+)'/gm)].map((match) => match[1]);
  expect(imports('main.ts')).toEqual(['./node-version.ts', './version.ts']);
  expect(imports('node-version.ts')).toEqual([]);
  expect(imports('version.ts')).toEqual(['node:fs']);
});

test('every command has a body behind its name', async () => {
  for (const { load } of commandTree) expect(typeof (await load()).body).toBe('function');
});
