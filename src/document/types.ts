/**
 * What a runbook is once it has been read: the Document. Keys keep the spelling of SSM Automation 0.3.
 *
 * A Document is plain JSON, so it can be journaled and hashed. `checkDocument` makes it of a text that it found sound,
 * and nothing changes it afterwards.
 */
import type { Json, JsonObject } from '../json.ts';

export type StepName = string & { readonly __brand?: 'StepName' };

export type ParameterType =
  | 'String'
  | 'StringList'
  | 'Boolean'
  | 'Integer'
  | 'StringMap'
  | 'MapList'
  /** `AWS::EC2::Instance::Id` and other AWS types behave as String, `List<AWS::…>` as StringList. */
  | `AWS::${string}`
  | `List<AWS::${string}>`;

export interface Parameter {
  readonly type: ParameterType;
  readonly description?: string;
  /** Absent: the parameter is required. May hold expressions. */
  readonly default?: Json;
  readonly allowedValues?: readonly Json[];
  readonly allowedPattern?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minChars?: number;
  readonly maxChars?: number;
  /** Not in SSM, but written in documents: bounds of an Integer. */
  readonly minValue?: number;
  readonly maxValue?: number;
  /** Addition: the value comes by `--secret`, is tainted, and never appears. */
  readonly secret?: boolean;
}

export type OutputType = 'String' | 'StringList' | 'Integer' | 'Boolean' | 'StringMap' | 'MapList';

export interface DeclaredOutput {
  readonly Name: string;
  readonly Selector: string;
  readonly Type: OutputType;
}

/** Where flow goes when a step fails or is cancelled. */
export type Route =
  | { readonly kind: 'Abort' }
  | { readonly kind: 'Continue' }
  | { readonly kind: 'step'; readonly step: StepName };

/** What undoes a step: the action's own undo, nothing for a reason, or ordinary steps. */
export type UndoPolicy =
  | { readonly kind: 'auto' }
  | { readonly kind: 'none'; readonly reason: string }
  | { readonly kind: 'steps'; readonly steps: readonly Step[] };

/** A named read made before the step acts: a command on the step's targets, or an API read. */
export type Capture =
  | { readonly kind: 'command'; readonly command: string }
  | { readonly kind: 'api'; readonly inputs: JsonObject; readonly selector: string };

export interface ProgramPlace {
  /** 1-based: of the program's first line where it is a block, else of the text that holds it. */
  readonly line: number;
  /** Each line of the program is a line of the file. */
  readonly isBlock: boolean;
}

/** A file beside the document. */
export interface Attachment {
  /** 64 hex digits, lower case. */
  readonly sha256: string;
  /** In bytes. */
  readonly size?: number;
  /** Addition: `s3://bucket/key`, where it lies instead of beside the document. */
  readonly source?: string;
}

export interface Step {
  readonly name: StepName;
  readonly action: string;
  /** As written, expressions unresolved. `{}` where the file has none. */
  readonly inputs: JsonObject;
  readonly description?: string;
  /** Where inputs that hold a program begin in the file. Absent: it holds none, or the program is of an earlier version. */
  readonly programs?: Readonly<Record<string, ProgramPlace>>;
  readonly outputs: readonly DeclaredOutput[];
  /** Total tries, at least 1. */
  readonly maxAttempts: number;
  /** Per attempt; absent: the action's default. An expression resolves to a number at run time. */
  readonly timeoutSeconds?: number | string;
  readonly onFailure: Route;
  readonly onCancel: Route;
  /** Explicit value or the default: false where `onFailure: Continue`, else true. */
  readonly isCritical: boolean;
  readonly isEnd: boolean;
  readonly nextStep?: StepName;
  readonly undo: UndoPolicy;
  /** Addition: steps behind this one in its list, on whose undo this one's builds: where theirs failed, it is not done. */
  readonly undoNeeds?: readonly StepName[];
  /** Lists of steps that the action runs itself, by the input that holds them: Steps and Gate of belay:rolling. */
  readonly nested?: Readonly<Record<string, readonly Step[]>>;
  readonly capture: Readonly<Record<string, Capture>>;
  /** Addition: resources held exclusively from before this step until the execution has ended. May hold expressions. */
  readonly locks?: readonly string[];
}

export type RollbackWhen = 'onFailure' | 'never' | 'ask';

export interface Document {
  readonly schemaVersion: '0.3';
  readonly description?: string;
  readonly assumeRole?: string;
  readonly parameters: Readonly<Record<string, Parameter>>;
  /** Values that steps change with aws:updateVariable. Defined as parameters are; a default is the value at the start. */
  readonly variables?: Readonly<Record<string, Parameter>>;
  readonly mainSteps: readonly Step[];
  /** Attachments by name. */
  readonly files?: Readonly<Record<string, Attachment>>;
  /** `Step.Output` names, without braces. */
  readonly outputs: readonly string[];
  /** Addition: the longest that the forward flow may take, people who are waited for not counted. The rollback has its own limit. */
  readonly timeoutSeconds?: number;
  readonly rollback: { readonly when: RollbackWhen; readonly timeoutSeconds: number };
  /** Addition: who is told of the execution, beside the channels that are told of all. */
  readonly notify?: {
    /** A topic's ARN. May hold expressions. */
    readonly sns?: string;
    /** Channels of belay.yaml, by name. */
    readonly channels?: readonly string[];
  };
  /** Addition: resources held exclusively from before the first step until the execution has ended. May hold expressions. */
  readonly locks?: readonly string[];
  /** Additions that the document uses, by name; empty for plain SSM. */
  readonly additions: readonly string[];
}

/** Default time budget of a rollback. */
export const rollbackTimeoutSecondsDefault = 1800;
