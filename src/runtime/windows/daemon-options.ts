/** What a daemon is given, and how it ends. */
import type { Window } from '../../windows/index.ts';
import type { Belay } from '../belay.ts';
import type { DaemonLog } from './daemon-log.ts';

export interface DaemonOptions {
  readonly belay: Belay;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** The project's window files; asked anew at every reload. Throws Refusal. */
  readonly folder: () => string;
  /** What starts Belay: the interpreter and its script. */
  readonly command: readonly [string, ...string[]];
  readonly now: () => number;
  readonly mode: DaemonMode;
  readonly log: DaemonLog;
  /** Called once a turn, by whoever watches whether the daemon lives. */
  readonly beat: (beat: Beat) => void;
  /** Ends it: nothing new begins. */
  readonly stop: AbortSignal;
  /** True once after somebody has asked to read the window files anew. */
  readonly takeReload: () => boolean;
}

export interface Beat {
  /** False: it stands by. */
  readonly leads: boolean;
  readonly windows: readonly Window[];
  /** Why it cannot decide anything now: the state folder, or the configuration. Null: it can. */
  readonly trouble: string | null;
}

export type DaemonMode =
  /** Until it is stopped; what runs then is left resumable, or waited for. */
  | { readonly kind: 'service'; readonly standby: boolean; readonly onStop: 'leave' | 'finish' }
  /** What is due now, and then it ends. */
  | { readonly kind: 'once' };

export type DaemonEnding =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'idle'; readonly failed: number }
  /** Another daemon leads the state folder. */
  | { readonly kind: 'led' };
