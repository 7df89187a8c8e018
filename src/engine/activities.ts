/**
 * The calls that the engine makes to the world through its port, and what each kind answers. A host parses what it has on
 * record before it answers (runtime/recorded-outcomes.ts), so the engine takes every answer for what its type says.
 */
import type { Capture, DeclaredOutput, Document } from '../document/types.ts';
import type { Json, JsonObject } from '../json.ts';
import type { Failure } from './failure.ts';
import type { OutdatedProcess } from './events.ts';
import type { EffectResult, Location, Program } from './types.ts';

/** The same members in types that JSON's own type covers, which an interface is not for. */
export type AsJson<T> = T extends Json ? T : { readonly [K in keyof T]: AsJson<T[K]> };

/** What a call of each kind works on. */
export interface InputOf {
  /** Who AWS says is calling. */
  readonly identity: Nothing;
  /** Checks the inputs, and reads the state before the effect. */
  readonly prepare: Work & { readonly captures?: Readonly<Record<string, Capture>> };
  /** Reads the state once more. */
  readonly observe: Work;
  readonly begin: Work;
  /** Asks what became of an effect whose beginning was never answered. */
  readonly adopt: Work;
  readonly wait: Work & { readonly handle: Json };
  readonly stop: Work & { readonly handle: Json };
  /** Which of these still run what an undo has taken away. Only reads. */
  readonly stillRuns: Work & { readonly processes: readonly OutdatedProcess[] };
  readonly notify: { readonly topic: string; readonly subject: string; readonly message: string };
  /** Takes all of the locks, or none. */
  readonly lock: { readonly locks: readonly string[] };
  /** Gives back all that the execution holds. */
  readonly unlock: Nothing;
  /** Whether what somebody said to an approval counts, where approvals are signed. */
  readonly decision: {
    readonly wait: string;
    readonly message: string;
    readonly approvers: readonly string[];
    /** Whoever started the execution may not approve, by the step's own word. */
    readonly separate?: true;
    readonly said: Json;
  };
  /** Which runbook a name means here. Only reads. */
  readonly findRunbook: {
    readonly name: string;
    readonly version: string | null;
    /** Asks for a runbook of one step that runs it for each of these, with the inputs of that step. */
    readonly over?: JsonObject;
  };
  /** Which targets a choice means: `tag:Role` with `db`. Only reads. */
  readonly findTargets: { readonly key: string; readonly values: readonly string[] };
  /** Values for all parameters of a runbook, from what a step gives it. `call`: of the child that is to have them. */
  readonly fitParameters: {
    readonly runbook: string;
    readonly document: Document;
    readonly given: JsonObject;
    readonly call: string;
  };
}

export type ActivityKind = keyof InputOf;

/** What a call of each kind answers. All of it is JSON. */
export interface AnswerOf {
  readonly identity: Identity;
  readonly prepare: PrepareAnswer;
  readonly observe: Json;
  /** The handle under which the effect is waited for. */
  readonly begin: Json;
  readonly adopt: AdoptAnswer;
  readonly wait: EffectResult;
  readonly stop: 'stopped';
  readonly stillRuns: readonly OutdatedProcess[];
  readonly notify: EffectResult;
  readonly lock: LockAnswer;
  readonly unlock: UnlockAnswer;
  readonly decision: DecisionAnswer;
  readonly findRunbook: FoundRunbook;
  readonly findTargets: readonly string[];
  readonly fitParameters: JsonObject;
}

type Nothing = Readonly<Record<string, never>>;

/** One action and everything that it may look at. */
export interface Work {
  readonly action: string;
  readonly inputs: JsonObject;
  /** The step over many hosts of which this is one host; absent: a step of its own. */
  readonly oneOf?: string;
  /** What the action observed before its effect. */
  readonly before: Json;
  /** Set for the action's own undo instead of its effect. */
  readonly undo?: {
    readonly outputs: JsonObject | null;
    readonly handle: Json;
    readonly token: string;
    /** What the undo left is to be started once more. */
    readonly again?: true;
  };
  readonly declaredOutputs?: readonly DeclaredOutput[];
}

export type Identity = {
  readonly account: string;
  readonly arn: string;
  readonly region: string;
  readonly partition: string;
};

export type PrepareAnswer = { readonly observed: Json; readonly captures: JsonObject };

export type AdoptAnswer =
  | { readonly found: 'absent' }
  | { readonly found: 'running'; readonly handle: Json }
  | { readonly found: 'done'; readonly result: EffectResult }
  | { readonly found: 'failed'; readonly failure: Failure; readonly result: EffectResult | null }
  /** Only a person can find out. */
  | { readonly found: 'unknown'; readonly why: string };

export type LockAnswer =
  /** `unheard`: hosts of a cluster that did not answer. */
  | { readonly kind: 'taken'; readonly unheard: readonly string[] }
  | {
      readonly kind: 'held';
      readonly lock: string;
      /** `01JD3K7Q (patch-postgresql, alice@ops1)`. */
      readonly holder: string;
      readonly since: number;
      /** A sentence with all of it, and what to do. */
      readonly message: string;
    };

export type FoundRunbook =
  /** It can be run here. `file`: absolute; null: it is not of a file. */
  | {
      readonly kind: 'runbook';
      readonly runbook: string;
      readonly file: string | null;
      readonly program: AsJson<Program>;
    }
  /** The service runs it, and is followed to its end. */
  | { readonly kind: 'service' };

/** `kept`: what could not be given back, and why. */
export type UnlockAnswer = { readonly kept: readonly { readonly lock: string; readonly why: string }[] };

export type DecisionAnswer =
  /** `key`: the fingerprint of the key that signed it. */
  | { readonly kind: 'counts'; readonly person: string; readonly key: string }
  | { readonly kind: 'refused'; readonly why: string };

export interface ActivityCallOf<K extends ActivityKind> {
  /** Stable path, unique in the execution: `Patch#1:begin`, `rollback1/Patch:wait`. */
  readonly id: string;
  readonly kind: K;
  readonly input: InputOf[K];
  /** The step's path, for logs and people: `Patch`, `SnapshotData/undo/Restore`. */
  readonly step: string;
  /** The same for every attempt and resume until an attempt is known to have ended. Hosts may shorten it by hashing. */
  readonly token: string;
  /** Counted from the first time that the activity began, across resumes. */
  readonly timeoutMs: number;
  /** How long of its time it may wait for what AWS refuses for now; absent: all of it. */
  readonly laterMs?: number;
  /** `rerun`: doing it again is harmless. `report`: the host answers `lost` instead of doing it again. */
  readonly onLost: 'rerun' | 'report';
  /** Runs although the execution was cancelled: rollback, onCancel, confirming a stop. */
  readonly ignoreCancel: boolean;
  /** The role that AWS is called with; absent: the caller's own. */
  readonly assumeRole?: string;
  /** Where AWS is called; absent: where the caller is. Comes in place of `assumeRole`. */
  readonly location?: Location;
}

export type ActivityCall = { readonly [K in ActivityKind]: ActivityCallOf<K> }[ActivityKind];

export type Outcome<K extends ActivityKind = ActivityKind> = OutcomeTimes & OutcomeResult<K>;

export type OutcomeTimes = {
  readonly startedAt: number;
  readonly endedAt: number;
  /** How long nobody ran the execution before this outcome, as far as the record tells: that time is on no budget. */
  readonly absentMs?: number;
};

export type OutcomeResult<K extends ActivityKind = ActivityKind> =
  | { readonly status: 'ok'; readonly value: AnswerOf[K] }
  | ({
      readonly status: 'failed';
      /** `none`: nothing changed. `unknown`: it may have, and nobody knows. `known`: it ran to its end and said no. */
      readonly effect: 'none' | 'unknown' | 'known';
      /** What the effect gave before it failed: outputs, changes. */
      readonly value?: EffectResult;
    } & Failure)
  /** `seen`: what was seen last of what it waited for. */
  | { readonly status: 'timeout'; readonly seen?: string }
  /** The cancel flag was set before the activity began, or stopped it. */
  | { readonly status: 'cancelled' }
  /** An earlier delivery of this activity began and left no outcome: its runner died. */
  | { readonly status: 'lost' };
