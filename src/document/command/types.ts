/** What an SSM Command document is once it has been read: parameters, and plugins in order. Keys keep AWS's spelling. */
import type { JsonObject } from '../../json.ts';
import type { Parameter } from '../types.ts';

export interface CommandDocument {
  readonly schemaVersion: '1.2' | '2.0' | '2.2';
  readonly description?: string;
  readonly parameters: Readonly<Record<string, CommandParameter>>;
  readonly steps: readonly CommandStep[];
}

export interface CommandParameter extends Parameter {
  /** Its value is given as SSM_<name> in the environment, and never written into a program. */
  readonly interpolationType?: 'ENV_VAR';
}

export interface CommandStep {
  readonly name: string;
  /** `aws:runShellScript`. */
  readonly action: string;
  /** As written, without what is said of the flow. */
  readonly inputs: JsonObject;
  readonly precondition: Precondition | null;
  /** What follows a failure: the other steps (null), none, or none and success. */
  readonly onFailure: 'exit' | 'successAndExit' | null;
  readonly onSuccess: 'exit' | null;
  /** Runs whatever was before it. */
  readonly finallyStep: boolean;
}

/** Both sides must be equal; each holds parameters, or one is `platformType`. */
export interface Precondition {
  readonly left: string;
  readonly right: string;
}
