/** Holds what an action says that it observes to what it does observe. */
import { expect } from 'vitest';
import type { AnyAction } from '../../src/actions/define-action.ts';
import { isJsonObject, type Json } from '../../src/json.ts';

export function expectStatedBefore(action: AnyAction, observed: Json): void {
  if (action.before === undefined || !isJsonObject(observed)) return;
  expect(Object.keys(observed).sort(), `what ${action.name} observes`).toEqual([...action.before].sort());
}
