/**
 * What a window file says once it has been read. Keys keep AWS's spelling where AWS has the key.
 * Source: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_CreateMaintenanceWindow.html
 */
import type { JsonObject } from '../json.ts';
import type { Rule, Schedule } from '../schedule/index.ts';

export interface Window {
  readonly name: string;
  readonly description?: string;
  /** As written: `cron(0 2 ? * SUN#3 *)`. */
  readonly scheduleText: string;
  readonly rule: Rule;
  /** Of the IANA database. */
  readonly timezone: string;
  readonly offsetDays: number;
  /** Ms since 1970. */
  readonly startAt?: number;
  readonly endAt?: number;
  readonly durationHours: number;
  /** Before the end: nothing starts any more. */
  readonly cutoffHours: number;
  readonly isEnabled: boolean;
  readonly freeze: readonly FreezeSource[];
  readonly missedRuns: MissedRuns;
  /** Null: its runs begin without asking anybody. */
  readonly approval: Approval | null;
  /** The SNS topic that is told what each occurrence came to, and when a run needs a person. */
  readonly notifySns?: string;
  /** Channels of belay.yaml that are told of it, beside those that are told of all. */
  readonly notifyChannels?: readonly string[];
  readonly tasks: readonly Task[];
}

/** A calendar in which nothing may run. */
export type FreezeSource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'url'; readonly url: string };

/** What becomes of an occurrence that came while no daemon ran. */
export type MissedRuns =
  | { readonly kind: 'skip' }
  /** It runs late, when it is no older than this, and within its own duration counted from when it was due. */
  | { readonly kind: 'catchUp'; readonly ageMsMax: number };

export interface Approval {
  readonly approvers: readonly string[];
  readonly minRequired: number;
}

/** What happens to a task that runs when the cut-off comes. The first two are AWS's. */
export type CutoffBehavior =
  /** It goes on, past the end if need be. */
  | 'CONTINUE_TASK'
  /** What runs goes on, nothing more of it starts, and what is left ends TIMED_OUT. */
  | 'CANCEL_TASK'
  /** It is cancelled in time to climb down inside the window. */
  | 'CLIMB_DOWN';

export type Task = RunbookTask | CheckTask;

/** Runs a runbook. */
export interface RunbookTask extends TaskCommon {
  /** The runbook's file, as resolved from the window file's folder. */
  readonly runbook: string;
  readonly check?: never;
  /** AWS cancels running commands at the cut-off under CANCEL_TASK, and lets everything else go on. Absent: it is not a command. */
  readonly taskType?: 'RUN_COMMAND';
}

/** Looks whether a compliance file holds. Changes nothing, and has no targets of its own: its rules have. */
export interface CheckTask extends TaskCommon {
  /** The compliance file, as resolved from the window file's folder. */
  readonly check: string;
  readonly runbook?: never;
  readonly taskType?: never;
}

interface TaskCommon {
  readonly name: string;
  /** Lower ones run first; equal ones side by side. */
  readonly priority: number;
  /** May hold pseudo parameters: `{{ WINDOW_EXECUTION_ID }}`. */
  readonly parameters: JsonObject;
  /** Selectors of belay.yaml or instance ids: one execution for each target. Empty: one execution. */
  readonly targets: readonly string[];
  readonly maxConcurrency: Share;
  readonly maxErrors: Share;
  readonly cutoffBehavior: CutoffBehavior;
  /** The longest that it may take forward; afterwards it is cancelled and climbs down. */
  readonly reserveMs?: number;
  readonly identity: Identity;
}

/** `3` or `10%` of the targets. */
export type Share =
  | { readonly kind: 'count'; readonly count: number }
  | { readonly kind: 'percent'; readonly percent: number };

/** As whom a task acts while nobody is there. */
export interface Identity {
  /** References by the name of the runbook's parameter: `file:/etc/belay/password`. Never values. */
  readonly secrets: Readonly<Record<string, string>>;
  /** The socket of the ssh agent to use; absent: the keys that belay.yaml and ssh_config name. */
  readonly sshAgent?: string;
  readonly awsProfile?: string;
}

/**
 * The schedule of a window. `seenAt` in ms: when it was first seen. Rates without a StartDate count from there, and come for the first
 * time one period later: a window never runs because somebody has written its file.
 */
export function scheduleOf(window: Window, zone: Schedule['zone'], seenAt: number): Schedule {
  const { rule, offsetDays, startAt, endAt } = window;
  return {
    rule,
    zone,
    offsetDays,
    anchorAt: startAt ?? Math.floor(seenAt / 1000) * 1000,
    ...(startAt === undefined ? {} : { startAt }),
    ...(endAt === undefined ? {} : { endAt }),
  };
}
