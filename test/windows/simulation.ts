/** Windows under a virtual clock: the loop of a daemon without its journal and its runs, each of which takes a drawn time and ends as drawn. */
import type { FreezeCalendar } from '../../src/windows/index.ts';
import {
  admit,
  advance,
  isEnded,
  missedMax,
  nextDueOf,
  wakeOf,
  type Effect,
  type ExecutionFact,
  type Facts,
  type Occurrence,
  type Task,
  type Window,
  type WorstCase,
} from '../../src/windows/index.ts';

export interface SimulatedRun {
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
  readonly windows: readonly Window[];
  readonly worstCase: (task: Task) => WorstCase;
  readonly freeze: (window: Window) => readonly FreezeCalendar[];
  /** Times in which no daemon runs: [from, until). */
  readonly absences: readonly (readonly [number, number])[];
  readonly draw: Draw;
}

const plannedEnd = ({ cancelledAt, dueEndAt, rollbackMs }: SimulatedRun): number =>
  cancelledAt === null ? dueEndAt : Math.min(dueEndAt, cancelledAt + rollbackMs);

export class SimulatedDaemon {
  readonly occurrences = new Map<string, Occurrence>();
  readonly runs = new Map<string, SimulatedRun>();
  now: number;
  #ids = 0;
  readonly #simulation: Simulation;
  readonly #open = new Set<string>();
  readonly #running = new Set<SimulatedRun>();
  readonly #decided = new Map<string, number>();
  readonly #due = new Map<string, number>();

  constructor(simulation: Simulation, startAt: number) {
    this.#simulation = simulation;
    this.now = startAt;
    for (const window of simulation.windows) {
      this.#decided.set(window.name, startAt);
      this.#due.set(window.name, nextDueOf(window, 0, startAt) ?? Infinity);
    }
  }

  /** From now to `until`, by way of every instant at which something may change. */
  run(until: number): void {
    while (this.now < until) {
      this.now = Math.max(this.now + 1, Math.min(until, this.#wake()));
      const absence = this.#simulation.absences.find(([from, end]) => this.now >= from && this.now < end);
      if (absence !== undefined) this.now = absence[1];
      this.#tick();
    }
  }

  /** When a run has ended, or undefined while it goes on. */
  endOf(run: SimulatedRun): number | undefined {
    const end = plannedEnd(run);
    return end <= this.now ? end : undefined;
  }

  #wake(): number {
    const instants = [...this.#due.values()];
    for (const id of this.#open) {
      const occurrence = this.occurrences.get(id);
      if (occurrence !== undefined) instants.push(wakeOf(occurrence, this.now));
    }
    for (const run of this.#running) instants.push(plannedEnd(run));
    return Math.min(...instants);
  }

  #tick(): void {
    for (const window of this.#simulation.windows) this.#admit(window);
    for (const id of this.#open) {
      const before = this.occurrences.get(id);
      if (before === undefined) continue;
      const { occurrence, effects } = advance(before, this.#facts(), this.now);
      this.occurrences.set(id, occurrence);
      for (const effect of effects) this.#act(effect);
      if (isEnded(occurrence.status)) this.#open.delete(id);
    }
    for (const run of this.#running) if (this.endOf(run) !== undefined) this.#running.delete(run);
  }

  #admit(window: Window): void {
    if ((this.#due.get(window.name) ?? 0) > this.now) return;
    const open = [...this.#open].flatMap((id) => this.occurrences.get(id) ?? []);
    const admitted = admit(
      {
        window,
        seenAt: 0,
        decidedUntil: this.#decided.get(window.name) ?? this.now,
        running: open.filter((each) => each.window === window.name),
        freeze: this.#simulation.freeze(window),
        freezeProblem: null,
        pause: null,
        skipped: new Map(),
        onTimeMsMax: 60_000,
      },
      this.now,
    );
    for (const occurrence of admitted) {
      if (this.occurrences.has(occurrence.id)) throw new Error(`${occurrence.id} was decided twice`);
      this.occurrences.set(occurrence.id, occurrence);
      if (!isEnded(occurrence.status)) this.#open.add(occurrence.id);
    }
    const until = admitted.length < missedMax ? this.now : (admitted.at(-1)?.dueAt ?? this.now);
    this.#decided.set(window.name, until);
    this.#due.set(window.name, nextDueOf(window, 0, until) ?? Infinity);
  }

  #act(effect: Effect): void {
    const { draw, worstCase } = this.#simulation;
    if (effect.kind === 'cancel') {
      const run = this.runs.get(effect.executionId);
      if (run !== undefined) run.cancelledAt ??= this.now;
      return;
    }
    if (this.runs.has(effect.executionId)) throw new Error(`${effect.executionId} was started twice`);
    const worst = worstCase(effect.task);
    if (worst.kind === 'unknown') throw new Error(worst.message);
    // Some hang: only the end of the window stops them.
    const lasts = draw() < 0.05 ? Infinity : draw() * worst.forwardMs;
    const run: SimulatedRun = {
      task: effect.task,
      target: effect.target,
      occurrence: effect.occurrence,
      startedAt: this.now,
      dueEndAt: this.now + lasts,
      status: draw() < 0.1 ? 'Failed' : 'Success',
      cancelledAt: null,
      rollbackMs: draw() * worst.rollbackMs,
    };
    this.runs.set(effect.executionId, run);
    this.#running.add(run);
  }

  #facts(): Facts {
    return {
      targets: ({ targets }) => ({ kind: 'targets', targets: targets.length === 0 ? [''] : targets }),
      refusal: () => null,
      worstCase: this.#simulation.worstCase,
      execution: (id) => this.#factOf(id),
      newExecutionId: () => `run-${(this.#ids += 1)}`,
      approvals: () => [],
      isCancelled: () => false,
      isForced: () => false,
    };
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
