/**
 * The daemon's own scheduler over its own journal, under a virtual clock: runs take a drawn time and end as drawn, and the scheduler dies
 * at drawn writes, before or after them, and is followed by another one.
 */
import { createCatalog } from '../../../src/actions/index.ts';
import { checkDocument, type Document } from '../../../src/document/index.ts';
import { parseInventory } from '../../../src/inventory/index.ts';
import { openWindowStore, type WindowStore } from '../../../src/journal/index.ts';
import { offlineModels } from '../../../src/runtime/offline-models.ts';
import { Scheduler } from '../../../src/runtime/windows/scheduler.ts';
import type { Effect, ExecutionFact, Task, Window } from '../../../src/windows/index.ts';

export interface SimulatedRun {
  readonly executionId: string;
  readonly task: Task;
  readonly target: string;
  readonly occurrence: string;
  readonly startedAt: number;
  /** When it ends by itself. */
  readonly dueEndAt: number;
  readonly status: 'Success' | 'Failed';
  cancelledAt: number | null;
  /** How long the climb down of a cancelled run takes. */
  readonly rollbackMs: number;
}

/** From 0 to below 1, the same for the same seed. */
export type Draw = () => number;

/** A small generator, so that a seed replays a year. */
export function drawFrom(seed: number): Draw {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface Simulation {
  readonly stateDir: string;
  readonly windows: readonly Window[];
  /** Of a task's runbook, by its name, in seconds: forward, and of the rollback. */
  readonly limits: (runbook: string) => { readonly forwardSeconds: number; readonly rollbackSeconds: number };
  /** Times in which no daemon runs: [from, until). */
  readonly absences: readonly (readonly [number, number])[];
  /** How likely it is that the scheduler dies at one of its writes. */
  readonly deathsPerWrite: number;
  readonly draw: Draw;
}

/** Kill -9, as far as one process can play it. */
class Death extends Error {}

const hosts = Array.from({ length: 5 }, (_each, index) => `h${index}: { address: 192.0.2.${index + 1} }`);
const { inventory } = parseInventory({ file: 'belay.yaml', text: `hosts: { ${hosts.join(', ')} }` });
const catalog = createCatalog(offlineModels());

/** Stopping has its own time, before the rollback begins. */
export const stopSeconds = 120;

export const plannedEnd = ({ cancelledAt, dueEndAt, rollbackMs }: SimulatedRun): number =>
  cancelledAt === null ? dueEndAt : Math.min(dueEndAt, cancelledAt + rollbackMs);

export class SimulatedDaemon {
  readonly runs = new Map<string, SimulatedRun>();
  now: number;
  deaths = 0;
  #ids = 0;
  #scheduler: Scheduler;
  readonly #store: WindowStore;
  readonly #simulation: Simulation;
  readonly #running = new Set<SimulatedRun>();
  readonly #documents = new Map<string, Document>();

  constructor(simulation: Simulation, startAt: number) {
    this.#simulation = simulation;
    this.now = startAt;
    this.#store = openWindowStore(simulation.stateDir);
    for (const { name } of simulation.windows) this.#store.see(name, startAt);
    this.#scheduler = this.#next();
  }

  /** From now to `until`, by way of every instant at which something may change. */
  async run(until: number): Promise<void> {
    let wakeAt = this.now;
    while (this.now < until) {
      const ends = [...this.#running].map(plannedEnd);
      this.now = Math.ceil(Math.max(this.now + 1, Math.min(until, wakeAt, ...ends)));
      const absence = this.#simulation.absences.find(([from, end]) => this.now >= from && this.now < end);
      if (absence !== undefined) this.now = Math.ceil(absence[1]);
      wakeAt = await this.#tick();
      for (const run of this.#running) if (this.endOf(run) !== undefined) this.#running.delete(run);
    }
    this.#store.close();
  }

  /** When a run has ended, or undefined while it goes on. */
  endOf(run: SimulatedRun): number | undefined {
    const end = plannedEnd(run);
    return end <= this.now ? end : undefined;
  }

  async #tick(): Promise<number> {
    for (;;) {
      try {
        return await this.#scheduler.tick(this.#simulation.windows);
      } catch (error) {
        if (!(error instanceof Death)) throw error;
        this.deaths += 1;
        this.#scheduler = this.#next();
      }
    }
  }

  #next(): Scheduler {
    return new Scheduler({
      store: this.#mortal(this.#store),
      now: () => this.now,
      onTimeMsMax: 60_000,
      inventory: () => inventory ?? null,
      document: (file) => ({ document: this.#documentOf(file) }),
      execution: (id) => Promise.resolve(this.#factOf(id)),
      newExecutionId: () => `run-${(this.#ids += 1)}`,
      start: (effect) => this.#start(effect),
      cancel: ({ executionId }) => {
        const run = this.runs.get(executionId);
        if (run !== undefined) run.cancelledAt ??= this.now;
        return Promise.resolve();
      },
      takeOver: () => Promise.resolve(),
      answer: () => Promise.resolve(false),
      told: async () => this.#mayDie(),
    });
  }

  #mortal(store: WindowStore): WindowStore {
    const writes = new Set(['decide', 'save']);
    return new Proxy(store, {
      get: (target, name: keyof WindowStore) => {
        const member = target[name].bind(target) as (...given: readonly unknown[]) => unknown;
        if (!writes.has(name)) return member;
        return (...given: readonly unknown[]) => {
          this.#mayDie();
          const result = member(...given);
          this.#mayDie();
          return result;
        };
      },
    });
  }

  #mayDie(): void {
    const { draw, deathsPerWrite } = this.#simulation;
    if (draw() < deathsPerWrite) throw new Death();
  }

  #documentOf(file: string): Document {
    const known = this.#documents.get(file);
    if (known !== undefined) return known;
    const { forwardSeconds, rollbackSeconds } = this.#simulation.limits(file);
    const text = `schemaVersion: '0.3'
timeoutSeconds: ${forwardSeconds}
rollback: { when: onFailure, timeoutSeconds: ${rollbackSeconds - stopSeconds} }
mainSteps: [{ name: Wait, action: 'aws:sleep', inputs: { Duration: PT1S } }]
`;
    const { document, diagnostics } = checkDocument({ file, text }, catalog);
    if (document === undefined) throw new Error(JSON.stringify(diagnostics));
    this.#documents.set(file, document);
    return document;
  }

  #start({ executionId, task, target, occurrence }: Extract<Effect, { kind: 'start' }>): boolean {
    const { draw, limits } = this.#simulation;
    // Whoever is asked again for what has begun begins nothing, as the runner does not.
    if (this.runs.has(executionId)) return false;
    const { forwardSeconds, rollbackSeconds } = limits(task.runbook ?? '');
    const forwardMs = task.reserveMs ?? forwardSeconds * 1_000;
    // Some hang: only the end of the window stops them.
    const lasts = draw() < 0.05 ? Infinity : draw() * forwardMs;
    const run: SimulatedRun = {
      executionId,
      task,
      target,
      occurrence,
      startedAt: this.now,
      dueEndAt: this.now + lasts,
      status: draw() < 0.1 ? 'Failed' : 'Success',
      cancelledAt: null,
      rollbackMs: draw() * rollbackSeconds * 1_000,
    };
    this.runs.set(executionId, run);
    this.#running.add(run);
    this.#mayDie();
    return true;
  }

  #factOf(id: string): ExecutionFact | undefined {
    const run = this.runs.get(id);
    if (run === undefined) return undefined;
    const at = this.endOf(run);
    if (at === undefined) return { kind: 'runs' };
    const isCancelled = run.cancelledAt !== null && run.cancelledAt < run.dueEndAt;
    return {
      kind: 'ended',
      status: isCancelled ? 'Cancelled' : run.status,
      rollbackStatus: isCancelled || run.status === 'Failed' ? 'clean' : 'notRequested',
      at,
    };
  }
}
