/**
 * Turns side by side, and still the same on every replay: one lane runs at a time, until it asks the world for something
 * that takes time. Then the next one runs. When all of them have asked, the host says which call ended first, and has that
 * on record; that lane goes on, the others wait for the world. So nothing that the interpreter decides or says depends on
 * anything but the order in which outcomes were recorded, and a slow lane holds up no other (docs/decisions/0010).
 *
 * In journals of an earlier version the lanes went in step: all calls were waited for before any lane went on, in the order
 * in which the lanes were started. They are replayed as they were written.
 */
import type { ActivityCallOf, ActivityKind, Outcome } from '../activities.ts';
import type { ChildCall, ChildOutcome, ChildRollbackCall } from '../children.ts';
import type { EngineEvent } from '../events.ts';
import type { Runtime, SignalResult } from '../ports.ts';

interface Lane {
  /** What it asked for and nobody has begun: one thing, or of a lane that has lanes of its own what all of these asked for. */
  requests: Request[];
  /** What it asked for and is under way, by id. */
  readonly calls: Map<string, Call>;
  /** Of a lane that has lanes of its own: told which of its calls ended first. */
  question: ((id: string) => void) | undefined;
  hasEnded: boolean;
  error: Error | undefined;
  /** Tells who lets the lane run that it asked for something, or has ended. */
  paused: () => void;
}

interface Request {
  readonly id: string;
  /** Answered at once, so that it need not wait for the other lanes. */
  readonly isQuick: boolean;
  /** Asks the host; what comes of it hands the answer to the lane. */
  readonly carryOut: () => Promise<Answer>;
}

type Answer = () => void;

interface Call {
  readonly id: string;
  readonly outcome: Promise<Answer>;
}

export class Lanes {
  readonly #runtime: Runtime;
  readonly #id: string;
  readonly #isInStep: boolean;
  #live: Lane[] = [];
  #questions = 0;
  /** What the host threw at one of the calls that are under way. */
  readonly #trouble = Promise.withResolvers<never>();

  /** What the host throws goes to whoever runs the lanes; they themselves never see it. `id`: of the questions to the host. */
  constructor(runtime: Runtime, id: string, { inStep }: { readonly inStep: boolean }) {
    this.#runtime = runtime;
    this.#id = id;
    this.#isInStep = inStep;
    this.#trouble.promise.catch(() => undefined);
  }

  /** Runs a lane until it waits for the world for the first time, or has ended. It reaches the host by the runtime that it is given. */
  async start(run: (runtime: Runtime) => Promise<void>): Promise<void> {
    const lane: Lane = {
      requests: [],
      calls: new Map(),
      question: undefined,
      hasEnded: false,
      error: undefined,
      paused: () => undefined,
    };
    this.#live.push(lane);
    const end = (error?: Error): void => {
      lane.hasEnded = true;
      lane.error = error;
      lane.paused();
    };
    const fail = (error: unknown): void => end(error instanceof Error ? error : new Error(String(error)));
    try {
      await goOn(lane, () => void run(new LaneRuntime(this.#runtime, lane)).then(() => end(), fail));
    } catch (error) {
      await this.#settled();
      throw error;
    }
  }

  /** Lets the lanes go on until one or more of them have ended. */
  async untilOneEnds(): Promise<void> {
    while (this.#live.length > 0 && !this.#live.some(({ hasEnded }) => hasEnded)) {
      for (const lane of this.#live) this.#begin(lane);
      if (this.#isInStep) await this.#allGoOn();
      else await this.#firstGoesOn();
    }
    this.#live = this.#live.filter(({ hasEnded }) => !hasEnded);
  }

  #begin(lane: Lane): void {
    for (const request of takeRequests(lane)) {
      const outcome = request.carryOut();
      outcome.catch((error: unknown) => this.#trouble.reject(error));
      lane.calls.set(request.id, { id: request.id, outcome });
    }
    if (lane.calls.size === 0) throw new Error('a lane has neither ended nor asked for anything');
  }

  async #firstGoesOn(): Promise<void> {
    const lanes = new Map(this.#live.flatMap((lane) => [...lane.calls.keys()].map((id) => [id, lane])));
    try {
      const id = await this.#first([...lanes.keys()]);
      const lane = lanes.get(id);
      if (lane === undefined) throw new Error('the host named a call that is not under way');
      await answer(lane, id, await Promise.race([callOf(lane, id).outcome, this.#trouble.promise]));
    } catch (error) {
      await this.#settled();
      throw error;
    }
  }

  #first(among: readonly string[]): Promise<string> {
    this.#questions += 1;
    const first = this.#runtime.first(`${this.#id}:first${this.#questions}`, among);
    return Promise.race([first, this.#trouble.promise]);
  }

  async #allGoOn(): Promise<void> {
    const lanes = [...this.#live];
    const answers = await this.#settled();
    for (const outcome of answers) if (outcome.status === 'rejected') throw outcome.reason;
    for (const lane of lanes)
      for (const { id, outcome } of lane.calls.values()) await answer(lane, id, await outcome);
  }

  /** What is under way comes to its end before anybody leaves: its outcome is worth being on record. */
  #settled(): Promise<PromiseSettledResult<unknown>[]> {
    return Promise.allSettled(
      this.#live.flatMap(({ calls }) => [...calls.values()].map(({ outcome }) => outcome)),
    );
  }
}

async function answer(lane: Lane, id: string, give: Answer): Promise<void> {
  lane.calls.delete(id);
  const tell = lane.question;
  lane.question = undefined;
  await goOn(lane, () => {
    give();
    tell?.(id);
  });
}

function callOf({ calls }: Lane, id: string): Call {
  const call = calls.get(id);
  if (call === undefined) throw new Error('a lane waits for nothing');
  return call;
}

/** The host as one lane sees it. */
class LaneRuntime implements Runtime {
  readonly executionId: string;
  readonly #runtime: Runtime;
  readonly #lane: Lane;

  constructor(runtime: Runtime, lane: Lane) {
    this.executionId = runtime.executionId;
    this.#runtime = runtime;
    this.#lane = lane;
  }

  activity<K extends ActivityKind>(call: ActivityCallOf<K>): Promise<Outcome<K>> {
    return this.#ask(call.id, () => this.#runtime.activity(call));
  }

  sleep(
    id: string,
    ms: number,
    options: { readonly ignoreCancel: boolean },
  ): Promise<'elapsed' | 'cancelled'> {
    return this.#ask(id, () => this.#runtime.sleep(id, ms, options));
  }

  waitForSignal(
    id: string,
    name: string,
    timeoutMs: number,
    options: { readonly ignoreCancel: boolean },
  ): Promise<SignalResult> {
    return this.#ask(id, () => this.#runtime.waitForSignal(id, name, timeoutMs, options));
  }

  child(call: ChildCall): Promise<ChildOutcome> {
    return this.#ask(call.id, () => this.#runtime.child(call));
  }

  rollbackChild(call: ChildRollbackCall): Promise<ChildOutcome> {
    return this.#ask(call.id, () => this.#runtime.rollbackChild(call));
  }

  /** Of lanes within this one: what they have under way is asked about with everything else, and answered with it. */
  first(): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    this.#lane.question = resolve;
    this.#lane.paused();
    return promise;
  }

  isToComplete(id: string, seq: number): Promise<boolean> {
    return this.#ask(null, () => this.#runtime.isToComplete(id, seq));
  }

  now(id: string): Promise<number> {
    return this.#ask(null, () => this.#runtime.now(id));
  }

  emit(seq: number, event: EngineEvent): Promise<void> {
    return this.#ask(null, () => this.#runtime.emit(seq, event));
  }

  /** `id`: of what takes time; null: it is answered at once. */
  #ask<T>(id: string | null, carryOut: () => Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<T>();
    const asked = (): Promise<Answer> => carryOut().then((value) => () => resolve(value));
    this.#lane.requests.push({ id: id ?? '', isQuick: id === null, carryOut: asked });
    this.#lane.paused();
    return promise;
  }
}

/** The lane runs until it asks for something that takes time, or has ended. */
async function goOn(lane: Lane, begin: () => void): Promise<void> {
  await untilPaused(lane, begin);
  while (lane.requests[0]?.isQuick === true) {
    const [request] = takeRequests(lane);
    const give = await request?.carryOut();
    await untilPaused(lane, () => give?.());
  }
  if (lane.error !== undefined) throw lane.error;
}

async function untilPaused(lane: Lane, begin: () => void): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  lane.paused = resolve;
  begin();
  await promise;
}

function takeRequests(lane: Lane): Request[] {
  const { requests } = lane;
  lane.requests = [];
  return requests;
}
