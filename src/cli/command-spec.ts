/** A command of the command line as data: help, completion, docs and commander itself are made from it. */
import type { Cli } from './cli.ts';
import type { RawOptions } from './options.ts';

export interface ArgumentSpec {
  readonly name: string;
  readonly says: string;
  readonly required: boolean;
  readonly variadic?: boolean;
  /** What completion offers. */
  readonly values?: 'file' | 'execution' | 'action' | 'topic';
}

export interface OptionSpec {
  /** Without the dashes: `params-file`. */
  readonly name: string;
  readonly short?: string;
  /** `FILE`; absent: a flag. */
  readonly value?: string;
  /** It may stand without its value. */
  readonly isValueOptional?: boolean;
  readonly repeatable?: boolean;
  readonly choices?: readonly string[];
  readonly says: string;
  /** What completion offers. */
  readonly values?: 'file' | 'step' | 'parameter';
}

export interface ExampleSpec {
  readonly command: string;
  readonly says: string;
}

export type CommandBody = (
  cli: Cli,
  args: readonly string[],
  options: RawOptions,
) => Promise<number> | number;

export interface CommandSpec {
  readonly name: string;
  readonly summary: string;
  readonly args: readonly ArgumentSpec[];
  readonly options: readonly OptionSpec[];
  readonly examples: readonly ExampleSpec[];
  /** Sentences below the options. */
  readonly notes?: readonly string[];
  /** Loads the body, and only then what it needs. */
  readonly load: () => Promise<{ readonly body: CommandBody }>;
}
