/**
 * The loop's one turn: looks at windows, journal and clock, writes down what is decided, and then does it. It is asked at any time
 * and as often as one likes; what was begun is never begun again (src/windows says why).
 */
import type { OccurrenceRow } from '../../journal/index.ts';
import type { JsonObject } from '../../json.ts';
import {
  admit,
  advance,
  isEnded,
  missedMax,
  outdatedOf,
  nextDueOf,
  wakeOf,
  type Effect,
  type Facts,
  type Occurrence,
  type Task,
  type Window,
} from '../../windows/index.ts';
import { Refusal } from '../refusal.ts';
import { factsOf, type FactSources } from './facts-of.ts';
import { FreezeCalendars } from './freeze-calendars.ts';
import { isDamage, occurrenceOf } from './stored.ts';

export interface SchedulerPorts extends FactSources {
  readonly now: () => number;
  /** How late an occurrence may be seen and still be on time. */
  readonly onTimeMsMax: number;
  /** False when it is being started already. */
  readonly start: (effect: Extract<Effect, { kind: 'start' }>, window: string) => boolean;
  readonly cancel: (effect: Extract<Effect, { kind: 'cancel' }>) => Promise<void>;
  /** Of an execution that nobody runs any more and that has not ended. */
  readonly takeOver: (executionId: string, task: Task) => Promise<void>;
  /** Answers what the execution asks on its way forward, for those who said yes to the occurrence. True: it did so now. */
  readonly answer: (
    executionId: string,
    occurrence: Occurrence,
    approvers: readonly string[],
  ) => Promise<boolean>;
  readonly told: (news: News) => Promise<void>;
}

export type News =
  | { readonly kind: 'open'; readonly occurrence: Occurrence; readonly executionId: string }
  | { readonly kind: 'occurrence'; readonly occurrence: Occurrence }
  /** It waits for somebody to say yes. `outdated`: what was said, and holds no more. */
  | { readonly kind: 'asks'; readonly occurrence: Occurrence; readonly outdated: readonly string[] }
  | {
      readonly kind: 'started';
      readonly occurrence: Occurrence;
      readonly task: string;
      readonly target: string;
      readonly executionId: string;
    };

export class Scheduler {
  readonly #ports: SchedulerPorts;
  readonly #freeze = new FreezeCalendars();
  #damage: readonly string[] = [];
  /** By the window as it was read: a file that is read anew is looked at anew. */
  readonly #dueAt = new WeakMap<Window, number>();

  constructor(ports: SchedulerPorts) {
    this.#ports = ports;
  }

  /** What of the store could not be read in the last turn: a sentence each. */
  get damage(): readonly string[] {
    return this.#damage;
  }

  /** When time alone changes something next, in ms; Infinity when nothing is scheduled. Rejects with Refusal when every other occurrence was looked at. */
  async tick(windows: readonly Window[]): Promise<number> {
    const { store, now } = this.#ports;
    const at = now();
    // Side by side: a calendar that does not answer holds up its own window, and the others no longer than once.
    const looks = await Promise.allSettled(windows.map((window) => this.#admit(window, at)));
    const damage = new Set<string>();
    const wakes = looks.map((look) => {
      if (look.status === 'fulfilled') return look.value;
      if (!isDamage(look.reason)) throw look.reason;
      damage.add(look.reason.message);
      return Infinity;
    });
    const refusals: Refusal[] = [];
    for (const row of store.open()) {
      try {
        wakes.push(wakeOf(await this.#advance(occurrenceOf(row), at), at));
      } catch (error) {
        // What one of them cannot start must not keep the others from being cancelled in time.
        if (error instanceof Refusal) refusals.push(error);
        else if (!isDamage(error)) throw error;
        else if (store.words(row.id).some(({ kind }) => kind === 'cancel')) store.closeDamaged(row.id);
        else damage.add(error.message);
      }
    }
    this.#damage = [...damage];
    if (refusals[0] !== undefined) throw refusals[0];
    return Math.min(...wakes, Infinity);
  }

  async #admit(window: Window, at: number): Promise<number> {
    const { store } = this.#ports;
    const known = this.#dueAt.get(window);
    if (known !== undefined && known > at) return known;
    const row = store.see(window.name, at);
    const due = nextDueOf(window, row.seenAt, row.decidedUntil) ?? Infinity;
    this.#dueAt.set(window, due);
    if (due > at) return due;
    const freeze = await this.#freeze.of(window, at);
    const pause = store.words(window.name).find(({ kind }) => kind === 'pause');
    const open = store
      .open()
      .filter((each) => each.window === window.name)
      .map(occurrenceOf);
    const skipped = Array.from(
      store.wordsOf('skip'),
      ([id, { by, value: why }]) => [id, { by, why }] as const,
    );
    const admitted = admit(
      {
        window,
        seenAt: row.seenAt,
        decidedUntil: row.decidedUntil,
        running: open,
        freeze: freeze.kind === 'known' ? freeze.calendars : [],
        freezeProblem: freeze.kind === 'known' ? null : freeze.message,
        pause: pause === undefined ? null : { why: pause.value, by: pause.by },
        skipped: new Map(skipped),
        onTimeMsMax: this.#ports.onTimeMsMax,
      },
      at,
    );
    const until = admitted.length < missedMax ? at : (admitted.at(-1)?.dueAt ?? at);
    for (const occurrence of admitted) {
      if (isEnded(occurrence.status)) await this.#ports.told({ kind: 'occurrence', occurrence });
    }
    store.decide(window.name, until, admitted.map(rowOf));
    return nextDueOf(window, row.seenAt, until) ?? Infinity;
  }

  async #advance(before: Occurrence, at: number): Promise<Occurrence> {
    const { store, start, cancel, told } = this.#ports;
    const facts = await factsOf(before, this.#ports);
    const { occurrence, effects } = advance(before, facts, at);
    // Told first: who dies in between tells it again, and nothing goes untold.
    if (isEnded(occurrence.status)) await told({ kind: 'occurrence', occurrence });
    else if (occurrence.status === 'PENDING' && occurrence.approval !== null)
      await told({ kind: 'asks', occurrence, outdated: outdatedOf(occurrence, facts) });
    if (JSON.stringify(occurrence) !== JSON.stringify(before)) store.save(rowOf(occurrence));
    for (const effect of effects) {
      if (effect.kind === 'cancel') await cancel(effect);
      else if (start(effect, occurrence.window)) {
        const { task, target, executionId } = effect;
        await told({ kind: 'started', occurrence, task: task.name, target, executionId });
      }
    }
    for (const { task, invocations } of occurrence.tasks) {
      for (const { status, executionId } of invocations) {
        if (isEnded(status)) continue;
        await this.#ports.takeOver(executionId, task);
        const isAnswered =
          occurrence.approval !== null &&
          (await this.#ports.answer(executionId, occurrence, approversOf(occurrence, facts)));
        if (!isAnswered) await told({ kind: 'open', occurrence, executionId });
      }
    }
    return occurrence;
  }
}

/** Whose yes was one when it began. Under an earlier version nobody wrote that down. */
function approversOf({ id, approved }: Occurrence, facts: Facts): readonly string[] {
  if (approved !== undefined) return approved.by;
  return facts.approvals(id).flatMap(({ by, answer }) => (answer === 'no' ? [] : [by]));
}

export function rowOf(occurrence: Occurrence): OccurrenceRow {
  const { id, window, dueAt, status } = occurrence;
  return { id, window, dueAt, isOpen: !isEnded(status), record: occurrence as unknown as JsonObject };
}
