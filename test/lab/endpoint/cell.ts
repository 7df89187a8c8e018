/** What every part of the endpoint works with: moto below, hands on the hosts, state, journal, and work in the background. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ApiCall } from './api-call.ts';
import type { HostHands } from './hands.ts';
import type { Journal } from './journal.ts';
import type { Moto } from './moto.ts';
import type { Reply } from './reply.ts';
import type { EndpointState } from './state.ts';

/** How long things take that AWS does not do at once. */
export interface Settings {
  readonly snapshotMs: number;
  readonly volumeMs: number;
  readonly attachMs: number;
  /** How often a busy volume that is to be detached is tried again. */
  readonly detachRetryMs: number;
  /** How long after SendCommand an invocation does not exist yet. */
  readonly invocationHiddenMs: number;
  /** How long an agent's question for work is left open. */
  readonly agentPollMs: number;
  /** After that long without a question an agent counts as ConnectionLost. */
  readonly agentLostMs: number;
  /** The least time that status checks stay `initializing` after a boot. */
  readonly statusCheckMs: number;
  /** What a second of SendCommand's TimeoutSeconds lasts. */
  readonly deliverySecondMs: number;
  /** How long an evaluation of Config rules takes, during which another is refused. */
  readonly evaluationMs: number;
}

export const usualSettings: Settings = {
  snapshotMs: 1_500,
  volumeMs: 300,
  attachMs: 200,
  detachRetryMs: 250,
  invocationHiddenMs: 300,
  agentPollMs: 5_000,
  agentLostMs: 9_000,
  statusCheckMs: 1_000,
  deliverySecondMs: 1_000,
  evaluationMs: 1_500,
};

export interface Cell {
  readonly moto: Moto;
  readonly hands: HostHands;
  readonly journal: Journal;
  readonly settings: Settings;
  readonly state: EndpointState;
  save(): void;
  /** Work that outlives the call that began it; `close` waits for it. A failure is kept in `problems`. */
  background(what: string, work: (signal: AbortSignal) => Promise<void>): void;
  /** Resolves after the time, or at once when the endpoint closes. */
  pause(ms: number): Promise<void>;
}

/** Answers one operation. Throws ApiError to refuse. */
export type Handler = (call: ApiCall, cell: Cell) => Promise<Reply>;

export interface Background {
  readonly run: Cell['background'];
  readonly pause: Cell['pause'];
  readonly problems: readonly string[];
  /** Ends pauses, and resolves when all work has ended. */
  stop(): Promise<void>;
}

export function createBackground(): Background {
  const stopping = new AbortController();
  const running = new Set<Promise<void>>();
  const problems: string[] = [];
  return {
    problems,
    run: (what, work) => {
      const task = work(stopping.signal)
        .catch((error: unknown) => {
          problems.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
        })
        .finally(() => running.delete(task));
      running.add(task);
    },
    pause: async (ms) => {
      await delay(ms, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
    },
    stop: async () => {
      stopping.abort();
      await Promise.all(running);
    },
  };
}
