/** What a run here is given, and how it can end. */
import type { ExecutionResult, RecordedEvent } from '../engine/index.ts';
import type { Journal } from '../journal/index.ts';
import type { Configurations } from './configuration.ts';
import type { ActivityHost } from './activity-host.ts';
import type { Runners } from './liveness.ts';
import type { Transports, TransportsOptions } from './transports.ts';
import type { SecretSources } from './secrets/references.ts';

export interface RunOptions {
  readonly journal: Journal;
  readonly stateDir: string;
  /** Left out: files. */
  readonly configurations?: Configurations;
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: SecretSources['stdin'];
  /** Left out: those of the state folder. */
  readonly runners?: Runners;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly onEvent?: (event: RecordedEvent) => void;
  /** What happens in executions below it. */
  readonly onBelow?: (event: EventBelow) => void;
  /** What a step waits for just now. */
  readonly onNotice?: (step: string, text: string) => void;
  /** What a person should know and no event says: a host was rebooted. */
  readonly onTold?: (text: string) => void;
  readonly onWait: OnWait;
  /** Aborted to leave before the next step. */
  readonly leave?: AbortSignal;
  /** Whether somebody gathers what the journal holds and tells people. */
  readonly hasOutbox?: boolean;
  /** What stands between the engine and the world; left out, the usual. */
  readonly ports?: Partial<Ports>;
}

/** What happened in an execution below the one that is run. */
export interface EventBelow {
  /** Where it happened. */
  readonly executionId: string;
  /** How its steps begin when they are named from the root: `PatchFleet@db1/`. */
  readonly prefix: string;
  /** In the words and under the number of its own execution. */
  readonly recorded: RecordedEvent;
}

/**
 * What a runner does when its execution waits and nothing else goes on. `leave`: it leaves where a person is waited for.
 * `leaveUndecided`: only where `rollback: ask` has nobody to ask. `leaveToDaemon`: wherever a person or a time is waited for;
 * the daemon of the state folder goes on.
 */
export type OnWait = 'stay' | 'leave' | 'leaveUndecided' | 'leaveToDaemon';

/** Real, sandboxed, recorded and faulty runs differ only in the ports handed over; the journal is the third of them. */
export interface Ports {
  /** The world that the execution acts on. */
  readonly openTransports: (options: TransportsOptions) => Promise<Transports>;
  /** Who carries out its activities, given who usually does. */
  readonly activityHost: (usual: ActivityHost) => ActivityHost;
}

export type RunEnding =
  | { readonly kind: 'ended'; readonly result: ExecutionResult }
  | { readonly kind: 'left'; readonly reason: 'asked' | 'waiting' };
