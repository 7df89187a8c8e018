/** What this room is told about checks: it is given a catalog, and knows no check by name. */
import type { JsonObject } from '../json.ts';

export interface CheckDescription {
  readonly name: string;
  /** JSON Schema of what a rule gives as Inputs. Hosts are not among them: the rule's Targets are. */
  readonly inputs: JsonObject;
  /** `hosts`: each target is looked at by itself. `account`: one look, at what the inputs name. */
  readonly scope: 'hosts' | 'account';
  /** The only inputs that may come as Secrets. */
  readonly secretInputs: readonly string[];
  /** What a schema cannot say. */
  check?(inputs: JsonObject): readonly CheckProblem[];
}

export interface CheckProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly hint?: string;
}

export interface CheckCatalog {
  readonly names: readonly string[];
  check(name: string): CheckDescription | undefined;
}
