/**
 * What all parts of one execution share: the steps that began, the clock as outcomes tell it, the count of events.
 * Everything in here is rebuilt identically when a host runs the interpreter again after a crash.
 */
import { own, type JsonObject } from '../json.ts';
import type { Identity, OutcomeTimes } from './activities.ts';
import type { MainScope, StepRecord } from './records.ts';
import type { ExecutionInput, Program, StepDescriptor } from './types.ts';

export class Execution {
  readonly id: string;
  readonly program: Program;
  readonly input: ExecutionInput;
  /** Steps that began, in order; the forward flow's only. */
  readonly began: StepRecord[] = [];
  readonly scope: MainScope = { kind: 'main', outputs: new Map(), parent: null };
  /** Values of the document's variables. Replaced, never changed. */
  variables: JsonObject = {};
  /** Variables whose default gave no value, and why. */
  readonly withoutValue = new Map<string, string>();
  assumeRole: string | undefined;
  /** As AWS told it, once it was asked. */
  identity: Identity | undefined;
  /** Names of the locks that it holds, or has held and a later rollback takes again. */
  readonly locks = new Set<string>();
  /** Ids of restore points that an undo put back into use. */
  readonly used = new Set<string>();
  /** How many calls the world has answered. */
  answered = 0;
  #seq = 0;
  #clock = 0;
  #absentMs = 0;

  constructor(id: string, program: Program, input: ExecutionInput) {
    this.id = id;
    this.program = program;
    this.input = input;
  }

  /** The number of the next event. */
  nextSeq(): number {
    this.#seq += 1;
    return this.#seq;
  }

  /** The number of the latest event. */
  get lastSeq(): number {
    return this.#seq;
  }

  /** The latest time that an outcome has told, in ms since 1970; never goes back. */
  get lastAt(): number {
    return this.#clock;
  }

  /** The same, less the time in which nobody ran the execution: what budgets are measured by. */
  get attendedAt(): number {
    return this.#clock - this.#absentMs;
  }

  /** Of `lastAt`, what nobody ran the execution. */
  get absentMs(): number {
    return this.#absentMs;
  }

  heard({ endedAt, absentMs = 0 }: Pick<OutcomeTimes, 'endedAt' | 'absentMs'>): void {
    this.#clock = Math.max(this.#clock, endedAt);
    this.#absentMs += absentMs;
  }

  /** By the step's place in the document. */
  descriptor(planPath: string): StepDescriptor {
    const descriptor = own(this.program.descriptors, planPath);
    if (descriptor === undefined) throw new Error(`the program has no descriptor of step ${planPath}`);
    return descriptor;
  }
}
