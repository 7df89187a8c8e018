/** A scope in which parameters alone have values: what can be known before any step has run. */
import type { Scope } from '../document/index.ts';
import { own, type JsonObject } from '../json.ts';

export function parameterScope(parameters: JsonObject): Scope {
  return {
    lookup: (reference) => {
      const value = reference.kind === 'parameter' ? own(parameters, reference.name) : undefined;
      return value === undefined
        ? { kind: 'absent', why: `${reference.text} is not known yet` }
        : { kind: 'value', value };
    },
  };
}
