/** Commander, built from the command tree. Strict: what it does not know is refused, with the nearest name. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { Cli, GlobalOptions } from './cli.ts';
import type { CommandSpec, OptionSpec } from './command-spec.ts';
import { commandTree, globalOptions } from './command-tree.ts';
import { commandHelp, familyHelp, rootHelp, shortHelp } from './help.ts';
import type { RawOptions } from './options.ts';
import type { ColorWish } from './terminal.ts';
import { topics } from './topics.ts';
import { usageLines } from './usage-errors.ts';

/** What the command line asks for. */
export type Invocation =
  | {
      readonly kind: 'command';
      readonly spec: CommandSpec;
      readonly args: readonly string[];
      readonly options: RawOptions;
      readonly globals: GlobalOptions;
    }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'version' }
  | { readonly kind: 'wrong'; readonly lines: readonly string[] };

/** Reads the words behind `belay`. Runs nothing. */
export function readCommandLine(words: readonly string[]): Invocation {
  if (words.length === 0) return { kind: 'text', text: shortHelp() };
  let found: Invocation | undefined;
  let wrong = '';
  const program = new Command('belay');
  const prepare = (command: Command): void => {
    command
      .exitOverride()
      .configureOutput({ outputError: (text) => (wrong += text), writeOut: () => undefined })
      .helpOption('-h, --help')
      .allowExcessArguments(false);
  };
  prepare(program);
  program.version('', '-V, --version').enablePositionalOptions().helpCommand(false);
  for (const option of globalOptions) program.addOption(commanderOption(option));
  program.helpInformation = rootHelp;
  const families = new Map<string, Command>();
  /** `window next` is `next` of the family `window`. */
  const commandFor = (name: string): Command => {
    const [family = '', own] = name.split(' ');
    if (own === undefined) return program.command(family);
    const known = families.get(family);
    if (known !== undefined) return known.command(own);
    const made = program.command(family);
    prepare(made);
    for (const option of globalOptions) made.addOption(commanderOption(option));
    made.enablePositionalOptions().helpCommand(false).helpInformation = () => familyHelp(family);
    families.set(family, made);
    return made.command(own);
  };
  for (const spec of commandTree) {
    const command = commandFor(spec.name);
    prepare(command);
    for (const argument of spec.args) {
      const name = `${argument.name}${argument.variadic === true ? '...' : ''}`;
      command.argument(argument.required ? `<${name}>` : `[${name}]`);
    }
    for (const option of [...spec.options, ...globalOptions]) command.addOption(commanderOption(option));
    command.helpInformation = () => commandHelp(spec);
    command.action(() => {
      const family = command.parent?.opts<RawOptions>();
      const options = { ...program.opts<RawOptions>(), ...family, ...command.opts<RawOptions>() };
      found = { kind: 'command', spec, args: command.args, options, globals: globalsOf(options) };
    });
  }
  const help = program.command('help [topic] [command]');
  prepare(help);
  help.action((topic: string | undefined, own: string | undefined) => {
    found = helpOn(own === undefined ? topic : `${topic} ${own}`);
  });
  try {
    program.parse([...words], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.version') return { kind: 'version' };
    if (error.code === 'commander.helpDisplayed') return helpOf(words);
    if (error.code === 'commander.help')
      return familyOf(words) === undefined ? { kind: 'text', text: shortHelp() } : helpOf(words);
    const path = commandPath(words);
    return { kind: 'wrong', lines: usageLines(wrong === '' ? error.message : wrong, path) };
  }
  return found ?? { kind: 'text', text: rootHelp() };
}

export async function runInvocation(
  invocation: Extract<Invocation, { kind: 'command' }>,
  cli: Cli,
): Promise<number> {
  const { body } = await invocation.spec.load();
  return body(cli, invocation.args, invocation.options);
}

function commandNamed(name: string | undefined): CommandSpec | undefined {
  return commandTree.find((spec) => spec.name === name);
}

/** The first word that is not an option names the command, or its family together with the next one. */
function commandOf(words: readonly string[]): CommandSpec | undefined {
  for (const [index, word] of words.entries()) {
    const found = commandNamed(word) ?? commandNamed(`${word} ${words[index + 1]}`);
    if (found !== undefined) return found;
    // Behind a family and an option of it, a word may be the name of another command.
    if (isFamily(word)) return undefined;
  }
  return undefined;
}

function familyOf(words: readonly string[]): string | undefined {
  return words.find((word) => isFamily(word));
}

function isFamily(name: string): boolean {
  return commandTree.some((spec) => spec.name.startsWith(`${name} `));
}

function commandPath(words: readonly string[]): string {
  const name = commandOf(words)?.name ?? familyOf(words);
  return name === undefined ? 'belay' : `belay ${name}`;
}

function helpOf(words: readonly string[]): Invocation {
  const spec = commandOf(words);
  if (spec !== undefined) return { kind: 'text', text: commandHelp(spec) };
  const family = familyOf(words);
  return { kind: 'text', text: family === undefined ? rootHelp() : familyHelp(family) };
}

function helpOn(topic: string | undefined): Invocation {
  if (topic === undefined) return { kind: 'text', text: rootHelp() };
  const spec = commandNamed(topic);
  if (spec !== undefined) return { kind: 'text', text: commandHelp(spec) };
  if (isFamily(topic)) return { kind: 'text', text: familyHelp(topic) };
  const found = topics.find(({ name }) => name === topic);
  if (found !== undefined) return { kind: 'text', text: found.text() };
  const names = topics.map(({ name }) => name).join(', ');
  return {
    kind: 'wrong',
    lines: [`belay help: there is no help on ${topic}.`, `  It knows every command, and ${names}.`],
  };
}

function commanderOption({
  name,
  short,
  value,
  isValueOptional,
  repeatable,
  choices,
  values,
  says,
}: OptionSpec): Option {
  const flags = `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : isValueOptional === true ? ` [${value}]` : ` <${value}>`}`;
  const option = new Option(flags, says);
  if (choices !== undefined) {
    option.argParser((given: string) => {
      if (choices.includes(given)) return given;
      throw new InvalidArgumentError(`It is one of ${choices.join(', ')}.`);
    });
  }
  // A variable of the shell that is not set: another folder or file than the one that is meant would be taken for it.
  if (values === 'file' && repeatable !== true)
    option.argParser((given: string) => {
      if (given !== '') return given;
      throw new InvalidArgumentError('It is empty: leave the option out, or name what is meant.');
    });
  if (repeatable === true)
    option.argParser((given: string, before: unknown) => [...(Array.isArray(before) ? before : []), given]);
  return option;
}

function globalsOf(options: RawOptions): GlobalOptions {
  const { state, config, debug, color } = options;
  return {
    state: typeof state === 'string' ? state : undefined,
    config: typeof config === 'string' ? config : undefined,
    debug: debug === true,
    color: isColorWish(color) ? color : 'auto',
  };
}

function isColorWish(value: unknown): value is ColorWish {
  return value === 'always' || value === 'never' || value === 'auto';
}
