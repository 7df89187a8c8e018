/** What a model of one of Belay's own host scripts is: from arguments and the state of the world to printed fields. */
import type { HostState, WorldState } from '../state.ts';

export interface ScriptRun {
  /** A draft: what the model changes in it counts only together with the command's record. */
  readonly state: WorldState;
  readonly host: HostState;
  readonly text: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: Uint8Array;
  readonly now: number;
}

export interface ScriptEnd {
  /** Lines `key=value`. */
  readonly fields: readonly string[];
  /** The script says no: exit code 1 and a last field `failed=CODE text`. */
  readonly failed?: { readonly code: string; readonly text: string };
  /** What goes to standard error, for people. */
  readonly talk?: string;
  /** Runs on for `durationMs` with these mount points frozen, prints `fields` first and `thawed=` at its end. */
  readonly freezes?: readonly string[];
  /** Instead of the model's own. */
  readonly durationMs?: number;
}

export interface ScriptModel {
  readonly changes: boolean;
  readonly durationMs: number;
  run(run: ScriptRun): ScriptEnd;
}

/** Thrown by a model for what the sandbox cannot know or do; the command is refused and nothing is changed. */
export class NotModelled extends Error {
  override readonly name = 'NotModelled';
}

/** The script's n-th argument. A missing one is a slip of Belay's own, not of the author's. */
export function argument({ args }: ScriptRun, index: number, name: string): string {
  const value = args[index];
  if (value === undefined) throw new NotModelled(`it was called without its argument ${name}`);
  return value;
}

export function no(fields: readonly string[], code: string, text: string, talk?: string): ScriptEnd {
  return { fields, failed: { code, text }, ...(talk === undefined ? {} : { talk }) };
}
