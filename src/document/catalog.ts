/**
 * What `document/` is told about actions and AWS services: it knows none itself.
 * The runtime makes a Catalog from the action registry, the AWS models and, for names, the inventory.
 */
import type { JsonObject } from '../json.ts';
import type { DeclaredOutput } from './types.ts';

export interface CatalogAction {
  readonly name: string;
  /** JSON Schema 2020-12 of the resolved inputs, `type: object`. Values that still hold an expression are not checked. */
  readonly inputs: JsonObject;
  /** Names of the outputs that the action itself gives. */
  readonly outputs: readonly string[];
  /** Outputs that it gives under a second name, to documents that read them. */
  readonly derivedOutputs?: readonly DeclaredOutput[];
  /** Names of what `observe` reads before acting, as `before.X` in undo lists; undefined: not told, so not checked. */
  readonly before?: readonly string[];
  /** Seconds; undefined: no limit of its own. */
  readonly timeoutSecondsDefault: number | undefined;
  /** What happens to the world, given the inputs as written. Decides the NO_UNDO warning. */
  changes(inputs: JsonObject): 'nothing' | 'undoable' | 'noUndo';
  /** Set where undo is stated to be none: why. */
  readonly undoReason?: string;
  /** Flow actions that may be targets of `onCancel` say so; AWS forbids approve, pause, sleep, createTags and others. */
  readonly allowedInOnCancel: boolean;
  /**
   * Checks that a schema cannot express, on inputs as written (expressions stand as strings).
   * Paths are relative to `inputs`.
   */
  check?(inputs: JsonObject, isExpression: (value: unknown) => boolean): readonly CatalogProblem[];
  /** What AWS refuses beyond that, of inputs as written: binding under --strict-ssm. */
  checkInSsm?(inputs: JsonObject): readonly CatalogProblem[];
  /** AWS compares the types of parameters with these inputs when the document is made: binding under --strict-ssm. */
  readonly typesHoldInSsm?: true;
  /** Inputs that name a file of `files:`. */
  readonly fileInputs?: readonly string[];
  /** Whether its declared outputs can ever be what they are declared as. */
  checkOutputs?(
    inputs: JsonObject,
    outputs: readonly DeclaredOutput[],
    isExpression: (value: unknown) => boolean,
  ): readonly OutputProblem[];
  /** The only inputs in which a secret may stand, with all below them: `Env`, `Target.SecretKey`. */
  secretInputs(inputs: JsonObject): readonly string[];
  /** The only inputs that may hold any bytes, a NUL as well: no argument, variable or call carries one. */
  readonly bytesInputs?: readonly string[];
  /** Inputs that hold a program: where it begins in the file is kept. */
  readonly programInputs?: readonly string[];
  /** The most seconds that AWS allows an attempt. */
  readonly timeoutSecondsMaxInSsm?: number;
  /** The longest lists that AWS takes, by input. */
  readonly listMaxInSsm?: Readonly<Record<string, number>>;
  /** Whether `capture:` commands can run on the step's targets. */
  readonly hasHostTargets: boolean;
  /** It takes Hosts: then its outputs are those of a step over many hosts (overHostsOutputs). */
  readonly overHosts?: true;
  /** For actions that are Belay's own: what does the same in plain SSM. Expressions stand as strings. */
  inSsm?(inputs: JsonObject): readonly SsmStep[];
  /** Inputs that hold steps, which the action runs itself; the schema of `inputs` does not know them. */
  readonly nests?: Nests;
}

/** What a step over many hosts puts out, whatever its action: which hosts came to what, and the action's own outputs by host. */
export const overHostsOutputs: readonly string[] = [
  'Targets',
  'Succeeded',
  'Failed',
  'NotStarted',
  'Outputs',
];

export interface Nests {
  /**
   * `pass`: its steps may lead to steps of the list around it, which may read their outputs behind it. `turn`: they stay
   * among themselves, and no other turn stands around them.
   */
  readonly scope: 'pass' | 'turn';
  readonly lists: Readonly<Record<string, NestedList>>;
  /** What nested steps may read of the step around them, as its outputs. */
  readonly outputs: readonly string[];
}

export interface NestedList {
  readonly description: string;
  readonly required: boolean;
  /** Its steps may only look: what changes something is refused. */
  readonly readsOnly: boolean;
}

/** A step of AWS's own actions; the first takes the name of the step that it stands for. */
export interface SsmStep {
  readonly action: string;
  readonly inputs: JsonObject;
  readonly outputs?: readonly { readonly Name: string; readonly Selector: string; readonly Type: string }[];
}

export interface CatalogProblem {
  readonly code: string;
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly hint?: string;
  /** It can be run as it is, but somebody should look at it. */
  readonly isWarning?: boolean;
  /** Underline the key at the end of the path instead of its value: an unknown member. */
  readonly isAboutKey?: boolean;
}

/** Of one declared output, and which of its keys. */
export interface OutputProblem {
  readonly code: string;
  readonly output: string;
  readonly key: 'Selector' | 'Type';
  readonly message: string;
  readonly hint?: string;
  readonly isWarning: boolean;
}

export interface Catalog {
  action(name: string): CatalogAction | undefined;
  /** All names, for did-you-mean. */
  readonly actionNames: readonly string[];
  /**
   * Names that are part of the language but not built yet (`aws:loop`), with what to say.
   * Refused by name.
   */
  readonly notBuiltYet: ReadonlyMap<string, string>;
  /** Actions of AWS's own runbooks that only the service itself can carry out, and why. Refused by name. */
  readonly insideAws?: ReadonlyMap<string, string>;
}
