/**
 * The contract of an action: one file, one object. `defineAction` only gives types.
 *
 * What the shape buys: one JSON Schema gives the input types, the validator, the docs and the editor's completion;
 * `observe` only reads, and its result is journaled before the effect, so undo works after a crash and for a step that
 * failed half-way; there are three kinds of effect and no fourth; no undo is a statement with a reason. An action
 * neither retries nor journals nor decides what comes next: that is the engine's business.
 */
import type { Static, TSchema } from 'typebox';
import type { CatalogProblem, Nests, OutputProblem, SsmStep } from '../document/catalog.ts';
import type { SourceText } from '../document/diagnostic.ts';
import type { DeclaredOutput } from '../document/types.ts';
import type { Change, OutdatedProcess, RestorePoint } from '../engine/events.ts';
import type { Again } from '../engine/types.ts';
import type { Json, JsonObject } from '../json.ts';
import type { Aws, AwsModels } from '../transports/aws.ts';
import type { Host, OutputSink } from '../transports/host.ts';
import type { ScriptPlace, ScriptTools } from '../transports/scripts.ts';

export interface ActionContext {
  readonly executionId: string;
  /** The step's path: `Patch`, `SnapshotData/undo/Restore`. */
  readonly step: string;
  /** Names this effect to the world: at most 64 characters of [a-z0-9-], the same for every attempt until one is known to have ended. */
  readonly token: string;
  /** Aborted on cancel and time-out. Pass it on to every call. */
  readonly signal: AbortSignal;
  readonly aws: Aws;
  /**
   * Tells whether an operation takes an idempotency token. Without it the outcome of a mutating call by name whose reply
   * was lost stays unknown.
   */
  readonly models?: AwsModels;
  /** Asks the network of the machine that Belay runs on. The sandbox refuses. */
  readonly fetch: typeof globalThis.fetch;
  /** The host of the inventory by that name, or an instance id over SSM. Throws ActionFailure UNKNOWN_HOST. */
  host(name: string): Host;
  /**
   * The hosts that selectors mean, each once, in the order written: a name, an instance id, a range (`minio{01..04}`),
   * `group:NAME` or `tag:KEY=VALUE` of the inventory. Throws ActionFailure UNKNOWN_TARGET where one matches no host.
   */
  targets(selectors: readonly string[]): readonly string[];
  /** Where scripts of the runbook itself run. */
  readonly scripts?: ScriptPlace;
  /** A file of the document's `files:`, its checksum verified. Throws ActionFailure NO_ATTACHMENT and BAD_ATTACHMENT. */
  readonly attachment?: (name: string) => Promise<Uint8Array>;
  /** The Command document of that name beside the runbook; undefined: there is none. Throws ActionFailure. */
  readonly commandDocument?: (name: string) => Promise<SourceText | undefined>;
  /** `patch.yaml:42` for a 1-based line of a program that the document holds; undefined where it holds no such text. */
  readonly lineOf?: (program: string, line: number) => string | undefined;
  /** Where a target's output goes; nothing is kept in memory. */
  log(target: string): OutputSink;
  /** What is being waited for, for the live view: `waiting for the unit to become active`. Never journaled. */
  notice(text: string): void;
  now(): number;
  /** When what is carried out was first asked for, in ms since 1970: by an earlier runner, where the execution was resumed since. */
  readonly startedAt: number;
  /**
   * What an effect remembers from one look to the next, under a name of its own: made once, and gone with the runner. What
   * has to outlive a runner is in the handle.
   */
  kept<T>(name: string, make: () => T): T;
  /**
   * What an effect holds open from its begin to its end, for each of its activities, under a name of its own: a request whose
   * answer is still to come. Gone with the runner.
   */
  held<T>(name: string, make: () => T): T;
  /** Whether a secret value stands in it, at any depth: then it may travel by env or stdin only, and no script text or argument holds it. */
  isSecret(value: Json): boolean;
  /** The step was given a secret and its author does not ask for its output: what a program of his said goes into no message. */
  readonly hidesOutput?: boolean;
  /** Whether the runbook reads this output of the step. Absent: nobody knows. */
  isRead?(output: string): boolean;
  /** Whether a step takes that output of this step as a value, and not only the end of the run. */
  readonly isUsed?: (output: string) => boolean;
}

/** The name of the tag that carries a token in AWS. */
export const tokenTagKey = 'belay:token';
/** The name of the tag of a volume whose place another one has taken. */
export const replacedByTagKey = 'belay:replaced-by';

export type Done<O> = {
  readonly kind: 'done';
  readonly outputs: O;
  /** What selectors of declared outputs see; default: `outputs`. */
  readonly response?: JsonObject;
  readonly changes?: readonly Change[];
  readonly restorePoints?: readonly RestorePoint[];
  /** One line for the operator where `changes` do not say it: `snap-0a17 of vol-0b2c (2 GiB)`. */
  readonly note?: string;
  /** Of an undo: processes that run what it has taken away. */
  readonly outdated?: readonly OutdatedProcess[];
};

export type Failed = {
  readonly kind: 'failed';
  readonly code: string;
  readonly message: string;
  readonly retryable?: boolean;
  /** Outputs that are known although the step failed; later steps and undo may read them. */
  readonly outputs?: JsonObject;
  readonly changes?: readonly Change[];
};

export type Pending = {
  readonly kind: 'pending';
  /** Ask again after so long; at least 50. */
  readonly afterMs: number;
  readonly notice?: string;
};

export type Poll<O> = Done<O> | Failed | Pending;

export type Adoption<H, O> =
  /** Nothing happened under the token. Believed only after the effect's `settleMs`. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'running'; readonly handle: H }
  | Done<O>
  | Failed
  /** It cannot be found out; a person has to look. */
  | { readonly kind: 'unknown'; readonly why: string };

/** Reads and waits: harmless to repeat. */
export interface ReadEffect<I, O> {
  readonly kind: 'read';
  poll(inputs: I, context: ActionContext): Promise<Poll<O>>;
}

/** Changes the world so that doing it twice is the same as once: tags, an attribute, a desired state. */
export interface RepeatableEffect<I, B, O> {
  readonly kind: 'repeatable';
  /** Called again after `pending` and after a crash. */
  execute(inputs: I, before: B, context: ActionContext): Promise<Poll<O>>;
}

/** Begun under the token, found again by it. */
export interface BegunEffect<I, B, H extends Json, O> {
  readonly kind: 'begun';
  begin(inputs: I, before: B, context: ActionContext): Promise<H>;
  /** After a lost reply or a crash: did it happen? Only reads. */
  adopt(inputs: I, before: B, context: ActionContext): Promise<Adoption<H, O>>;
  poll(handle: H, inputs: I, before: B, context: ActionContext): Promise<Poll<O>>;
  /** On time-out and cancel: resolves when it is confirmed to have stopped. Absent: it cannot be stopped. */
  stop?(handle: H, inputs: I, context: ActionContext): Promise<void>;
  /** After the outcome is journaled: removes what the effect left to be found by. Best effort. */
  release?(handle: H, inputs: I, context: ActionContext): Promise<void>;
  /** How long "absent" is not believed, in ms: the service's eventual consistency. */
  readonly settleMs: number;
}

export type Effect<I, B, H extends Json, O> =
  | ReadEffect<I, O>
  | RepeatableEffect<I, B, O>
  | BegunEffect<I, B, H, O>;

/** What an undo works from. */
export interface UndoInputs<I, B, H, O> {
  readonly inputs: I;
  readonly before: B;
  /** Null where the step failed before it had any. */
  readonly outputs: Partial<O> | null;
  /** Null where the begin was never answered. */
  readonly handle: H | null;
  /** The step's own token, to find what it began. `context.token` is the undo's. */
  readonly token: string;
}

export type Undo<I, B, H extends Json, O> =
  | { readonly kind: 'notNeeded' }
  /** `leavesChange`: the world stays changed, and a rollback that meets it is partial. */
  | { readonly kind: 'none'; readonly reason: string; readonly leavesChange: boolean }
  /** Puts back what `before` says. `changes` empty and done: there was nothing to put back. */
  | {
      readonly kind: 'restore';
      readonly effect: Effect<UndoInputs<I, B, H, O>, null, Json, JsonObject>;
      /** What runs afterwards, once more, when steps below this one have been undone: it has read what they changed. */
      readonly again?: Again & {
        readonly effect: Effect<UndoInputs<I, B, H, O>, null, Json, JsonObject>;
      };
    }
  /** Removes the restore point; the engine decides whether it may. */
  | {
      readonly kind: 'restorePoint';
      readonly effect: Effect<UndoInputs<I, B, H, O>, null, Json, JsonObject>;
    };

export interface Action<
  S extends TSchema = TSchema,
  B extends Json = Json,
  H extends Json = Json,
  O extends JsonObject = JsonObject,
> {
  /** `host:package`; the file is named after the part behind the colon, in the folder before it. */
  readonly name: string;
  /** One sentence, for `belay explain` and the docs. */
  readonly summary: string;
  /** Where the action's rules come from. */
  readonly source: string;
  /** A step in YAML that validates. */
  readonly example: string;
  readonly inputs: S;
  /** JSON Schema of the outputs. */
  readonly outputs: TSchema;
  /** Outputs that it gives under a second name: declared for a step whose document reads them. */
  readonly derivedOutputs?: readonly DeclaredOutput[];
  /** Seconds per attempt; undefined: no limit of its own. */
  readonly timeoutSeconds: number | undefined;
  /** `service:Operation` of every AWS call that it may make. */
  permissions(inputs: Static<S>): readonly string[];
  /** Hosts, instances, volumes that it acts on, for people and for `capture:` commands. */
  targets(inputs: Static<S>): readonly string[];
  /** Whether `targets` are hosts. */
  readonly hasHostTargets: boolean;
  /** It takes Hosts, and the engine has it act on each by itself. */
  readonly overHosts?: true;
  /**
   * EC2 instances that its effect or undo may give another root volume: the same name may answer as another machine
   * afterwards. Absent: none.
   */
  replacesRootOf?(inputs: Static<S>, before: B): readonly string[];
  /** Reads the state before the effect. Journaled; undo's input. Must not hold secrets. */
  readonly observe?: (inputs: Static<S>, context: ActionContext) => Promise<B>;
  /** Which of these still run what its undo has taken away. Only reads. */
  readonly stillRuns?: (
    inputs: Static<S>,
    processes: readonly OutdatedProcess[],
    context: ActionContext,
  ) => Promise<readonly OutdatedProcess[]>;
  /** The names in what `observe` gives, for undo lists that read `{{ before.active }}`. Absent: they depend on the inputs. */
  readonly before?: readonly string[];
  /**
   * Of those names, the ones whose values change only when somebody changes them: content, versions, tags, and not whether a
   * service runs. A rollback that starts by itself leaves a target alone where they are no longer what the step left.
   */
  readonly settled?: readonly string[];
  /**
   * Of those names, the ones whose values are the same again after its undo; they are read again and compared. Left out: those
   * that are `settled`. Nothing that passes by itself (a state on the way to another one) belongs here.
   */
  readonly putsBack?: readonly string[];
  readonly effect: Effect<Static<S>, B, H, O> | ((inputs: Static<S>) => Effect<Static<S>, B, H, O>);
  readonly undo: Undo<Static<S>, B, H, O> | ((inputs: Static<S>) => Undo<Static<S>, B, H, O>);
  /** Checks at validation that a schema cannot express; inputs as written, expressions stand as strings. */
  readonly check?: (inputs: JsonObject, tools: CheckTools) => readonly CatalogProblem[];
  /** What AWS refuses beyond `check`, of inputs as written: binding under --strict-ssm. */
  readonly checkInSsm?: (inputs: JsonObject) => readonly CatalogProblem[];
  /** AWS compares the types of parameters with its inputs when the document is made: binding under --strict-ssm. */
  readonly typesHoldInSsm?: true;
  /** Inputs that name a file of `files:`. */
  readonly fileInputs?: readonly string[];
  /** Whether declared outputs can ever be what they are declared as, by what is known of its response. */
  readonly checkOutputs?: (
    inputs: JsonObject,
    outputs: readonly DeclaredOutput[],
    tools: CheckTools,
  ) => readonly OutputProblem[];
  /**
   * Whether it could run here at all, asked before the execution's first effect, with inputs as far as they are known: those
   * that only steps can tell hold expressions still. Throws ActionFailure.
   */
  readonly ready?: (inputs: Static<S>, context: ReadyContext) => Promise<void>;
  /** The only inputs that may hold a NUL: they are handed over as bytes, and not as an argument. */
  readonly bytesInputs?: readonly string[];
  /** Inputs that hold a program: where it begins in the file is kept, so that its failures can be placed. */
  readonly programInputs?: readonly string[];
  /** Bytes of JSON that its outputs may be, where they may be more than usual. */
  readonly outputBytesMax?: number;
  /** What does the same in plain SSM, for `belay export`; left out, nothing there does. */
  readonly inSsm?: (inputs: JsonObject) => readonly SsmStep[];
  /** AWS allows no more seconds than these: binding under --strict-ssm. */
  readonly timeoutSecondsMaxInSsm?: number;
  /** AWS takes no longer lists in these inputs: binding under --strict-ssm. */
  readonly listMaxInSsm?: Readonly<Record<string, number>>;
  /**
   * The only inputs that take a secret, with all below them: it goes no way that a third party keeps or shows. Left out: none does.
   * Checked at validation and again before the effect.
   */
  readonly secretInputs?: readonly string[] | ((inputs: JsonObject) => readonly string[]);
  readonly removesRestorePoints?: string;
  readonly usesRestorePoints?: string;
  readonly verdict?: string;
  /** AWS forbids some actions as targets of onCancel. */
  readonly forbiddenInOnCancel?: boolean;
  /** Run by the engine itself; `effect` is never called. */
  readonly flow?: 'branch' | 'sleep' | 'pause' | 'approve' | 'rolling' | 'loop' | 'updateVariable' | 'child';
  /** Inputs that hold steps; `inputs` does not know them. Only of actions that the engine runs itself. */
  readonly nests?: Nests;
}

export interface CheckTools {
  isExpression(value: unknown): boolean;
  readonly models: AwsModels;
  /** What scripts could run in on this machine; absent where nobody wants to know. */
  readonly scripts?: ScriptTools;
}

export type ReadyContext = Pick<ActionContext, 'scripts' | 'attachment' | 'commandDocument' | 'host'>;

/** An action whose types have been forgotten: what the registry, the catalog and the activity host handle. */
export interface AnyAction extends Action {}

/**
 * Checks the types of an action against each other and then forgets them, so that actions of all shapes stand in one
 * list. Inputs have been checked against `inputs` before any function of the action is called.
 */
export function defineAction<S extends TSchema, B extends Json, H extends Json, O extends JsonObject>(
  action: Action<S, B, H, O>,
): AnyAction {
  return action;
}

/**
 * Thrown by an action for an expected failure. AwsFailure and HostFailure need no wrapping: the activity host
 * understands them.
 */
export class ActionFailure extends Error {
  override readonly name = 'ActionFailure';
  readonly code: string;
  readonly retryable: boolean;
  readonly effect: 'none' | 'unknown' | 'known';

  constructor(failure: {
    code: string;
    message: string;
    retryable?: boolean;
    effect?: 'none' | 'unknown' | 'known';
    cause?: unknown;
  }) {
    super(failure.message, { cause: failure.cause });
    this.code = failure.code;
    this.retryable = failure.retryable ?? false;
    this.effect = failure.effect ?? 'none';
  }
}

export function done<O>(outputs: O, more: Omit<Done<O>, 'kind' | 'outputs'> = {}): Done<O> {
  return { kind: 'done', outputs, ...more };
}

export function failed(
  code: string,
  message: string,
  more: Omit<Failed, 'kind' | 'code' | 'message'> = {},
): Failed {
  return { kind: 'failed', code, message, ...more };
}

export function pending(afterMs: number, notice?: string): Pending {
  return notice === undefined ? { kind: 'pending', afterMs } : { kind: 'pending', afterMs, notice };
}

/** For what one effect remembers while it is waited for (`ActionContext.kept`). */
export function newMemory(): ActionContext['kept'] {
  const remembered = new Map<string, unknown>();
  return <T>(name: string, make: () => T): T => {
    if (!remembered.has(name)) remembered.set(name, make());
    // Who asks by a name asks for one thing by it.
    return remembered.get(name) as T;
  };
}

/** Where a secret may go: nowhere, unless the action says so. */
export function secretInputsOf({ secretInputs = [] }: AnyAction, inputs: JsonObject): readonly string[] {
  return typeof secretInputs === 'function' ? secretInputs(inputs) : secretInputs;
}
