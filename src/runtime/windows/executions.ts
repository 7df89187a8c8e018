/** The scheduler's hands on executions: what is known of one, starting it under its id, stopping it, taking it over. */
import { isTerminal } from '../../engine/index.ts';
import type { WindowStore } from '../../journal/index.ts';
import type { Effect, ExecutionFact, Task } from '../../windows/index.ts';
import type { Belay } from '../belay.ts';
import type { TaskRunner } from './task-runner.ts';

/** Pause before an execution that could not go on is tried again; doubles up to the second. */
const retryMs = { first: 10_000, longest: 600_000 } as const;

export class WindowExecutions {
  readonly #belay: Belay;
  readonly #store: WindowStore;
  readonly #runner: TaskRunner;
  readonly #now: () => number;
  readonly #retries = new Map<string, { readonly at: number; readonly pauseMs: number }>();

  constructor(belay: Belay, store: WindowStore, runner: TaskRunner, now: () => number) {
    this.#belay = belay;
    this.#store = store;
    this.#runner = runner;
    this.#now = now;
  }

  fact(id: string): ExecutionFact | undefined {
    if (this.#belay.journal.execution(id) === undefined) {
      const refused = this.#store.words(id).find(({ kind }) => kind === 'refused');
      return refused === undefined ? undefined : { kind: 'refused', message: refused.value };
    }
    const { status, endedAt, rollbackStatus } = this.#belay.view(id);
    if (endedAt === null || !isTerminal(status)) return { kind: 'runs' };
    const known = status === 'Success' || status === 'TimedOut' || status === 'Cancelled' ? status : 'Failed';
    return { kind: 'ended', status: known, rollbackStatus, at: endedAt };
  }

  /** False when it is being started already. */
  start(effect: Extract<Effect, { kind: 'start' }>, window: string): boolean {
    if (this.#runner.isLive(effect.executionId)) return false;
    this.#runner.start(effect, window);
    return true;
  }

  cancel({ executionId }: Extract<Effect, { kind: 'cancel' }>): void {
    const row = this.#belay.journal.execution(executionId);
    if (row !== undefined) {
      if (!row.cancelRequested) this.#belay.journal.requestCancel(executionId);
    } else if (!this.#runner.isLive(executionId)) {
      this.refused(executionId, 'it was cancelled before it began');
    }
  }

  /** Resumes it where nobody runs it; one that cannot go on is tried again later and later. */
  takeOver(executionId: string, task: Task): boolean {
    if (this.#runner.isLive(executionId) || this.#belay.journal.execution(executionId) === undefined)
      return false;
    const { isLive, endedAt } = this.#belay.view(executionId);
    if (isLive || endedAt !== null) return false;
    const retry = this.#retries.get(executionId);
    const now = this.#now();
    if (retry !== undefined && now < retry.at && retry.at - now <= retryMs.longest) return false;
    const pauseMs = retry === undefined ? retryMs.first : Math.min(retry.pauseMs * 2, retryMs.longest);
    this.#retries.set(executionId, { at: now + pauseMs, pauseMs });
    this.#runner.resume(executionId, task);
    return true;
  }

  /** What a person has to do for it; undefined while it needs nobody. */
  needOf(executionId: string): string | undefined {
    if (this.#belay.journal.execution(executionId) === undefined) return undefined;
    const { waiting, at, endedAt, rollbackStatus } = this.#belay.view(executionId);
    if (endedAt !== null) {
      const isOpen = rollbackStatus === 'partial' || rollbackStatus === 'failed';
      return isOpen ? `its rollback is ${rollbackStatus}: belay show ${executionId}` : undefined;
    }
    switch (waiting?.kind) {
      case 'unknownOutcome':
        return `nobody knows what became of ${at}: ${waiting.message}`;
      case 'approval':
        return `${at} waits for approval: belay approve ${executionId}`;
      case 'pause':
        return `${at} waits: belay continue ${executionId}`;
      case 'rollbackDecision':
        return `it asks whether to roll back: belay rollback ${executionId}, or belay cancel ${executionId}`;
      case 'sleep':
      case 'lock':
      case undefined:
        return undefined;
      default:
        return waiting satisfies never;
    }
  }

  /** Its runner said no before it had written anything down. */
  refused(executionId: string, message: string): void {
    if (this.#belay.journal.execution(executionId) !== undefined) return;
    this.#store.say(executionId, { kind: 'refused', by: 'belay', value: message, at: this.#now() });
  }
}
