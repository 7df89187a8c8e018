/** Help texts, examples first. Pure: made from the command tree. */
import type { CommandSpec, ExampleSpec, OptionSpec } from './command-spec.ts';
import { commandTree, families, firstExamples, globalOptions } from './command-tree.ts';
import { topics } from './topics.ts';

export function rootHelp(): string {
  const rows = [
    ...commandTree
      .filter(({ name }) => !name.includes(' '))
      .map(({ name, summary }): [string, string] => [name, summary]),
    ...families.map(({ name, summary }): [string, string] => [name, summary]),
    ['help', 'Help on a command, or on exit-codes'] as [string, string],
  ];
  return lines(
    ...exampleLines(firstExamples),
    '',
    'Usage: belay COMMAND [OPTIONS]',
    '',
    'Commands',
    ...columns(rows),
    '',
    'Everywhere',
    ...optionLines([...globalOptions, helpOption]),
    '',
    `belay COMMAND -h shows examples of a command; belay help ${topics.map(({ name }) => name).join(', ')}`,
  );
}

/** `belay` alone. */
export function shortHelp(): string {
  return lines(
    'Belay runs runbooks, and climbs back down when a step slips.',
    '',
    ...exampleLines(firstExamples),
    '',
    'belay -h shows all commands.',
  );
}

/** `belay window`: the commands of a family. */
export function familyHelp(name: string): string {
  const own = commandTree.filter((spec) => spec.name.startsWith(`${name} `));
  const summary = families.find((family) => family.name === name)?.summary ?? name;
  return lines(
    `${summary}.`,
    '',
    ...exampleLines(own.flatMap(({ examples }) => examples.slice(0, 1))),
    '',
    `Usage: belay ${name} COMMAND [OPTIONS]`,
    '',
    'Commands',
    ...columns(own.map((spec): [string, string] => [spec.name.slice(name.length + 1), spec.summary])),
    '',
    `belay ${name} COMMAND -h shows examples of a command`,
  );
}

export function commandHelp(spec: CommandSpec): string {
  const args = spec.args.map(({ name, says }): [string, string] => [name, says]);
  return lines(
    spec.summary + '.',
    '',
    ...exampleLines(spec.examples),
    '',
    `Usage: ${usageOf(spec)}`,
    ...(args.length === 0 ? [] : ['', ...columns(args)]),
    ...(spec.options.length === 0 ? [] : ['', ...optionLines(spec.options)]),
    '',
    'Everywhere',
    ...optionLines([...globalOptions, helpOption]),
    ...(spec.notes === undefined ? [] : ['', ...spec.notes]),
  );
}

export function usageOf({ name, args, options }: CommandSpec): string {
  const places = args.map(({ name: place, required, variadic }) => {
    const dots = variadic === true ? '…' : '';
    return required ? `${place}${dots}` : `[${place}${dots}]`;
  });
  return ['belay', name, ...places, ...(options.length === 0 ? [] : ['[OPTIONS]'])].join(' ');
}

const helpOption: OptionSpec = { name: 'help', short: 'h', says: 'This text' };

function exampleLines(examples: readonly ExampleSpec[]): string[] {
  return examples.flatMap(({ command, says }) => [`  # ${says}`, `  ${command}`]);
}

function optionLines(options: readonly OptionSpec[]): string[] {
  return columns(
    options.map(({ name, short, value, isValueOptional, says }) => {
      const dash = short === undefined ? '    ' : `-${short}, `;
      return [
        `${dash}--${name}${value === undefined ? '' : isValueOptional === true ? `[=${value}]` : ` ${value}`}`,
        says,
      ];
    }),
  );
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}

function lines(...all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}
