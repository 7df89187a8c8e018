/** The document's variables: each step remembers what it saw of them, so that its undo reads the same. */
import { initialValue } from '../document/index.ts';
import type { Json } from '../json.ts';
import type { Frame } from './frame.ts';
import { resolve } from './scope.ts';

/** Gives every variable the value of its default. One that its default gives no such value has none, and who reads it is told why. */
export async function initialize(frame: Frame): Promise<void> {
  const { execution } = frame;
  const values: Record<string, Json> = {};
  for (const [name, variable] of Object.entries(execution.program.document.variables ?? {})) {
    if (variable.default === undefined) continue;
    const resolved = await resolve(frame, variable.default, `variable:${name}`);
    const initial = resolved.ok
      ? initialValue(name, variable, resolved.value)
      : { ok: false as const, problem: resolved.failure.message };
    if (initial.ok) values[name] = initial.value;
    else execution.withoutValue.set(name, initial.problem);
  }
  execution.variables = values;
}
