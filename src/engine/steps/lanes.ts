/**
 * Turns side by side, and still the same on every replay: one lane runs at a time, in the order they were started, until it
 * asks the world for something that takes time. When all of them have asked, the calls are carried out together, and only
 * when the last has been answered do the lanes go on, again one after the other. So calls may overlap, and nothing that
 * the interpreter decides or says depends on which of them was faster.
 */
import type { ActivityCallOf, ActivityKind, Outcome } from '../activities.ts';
import type { EngineEvent } from '../events.ts';
import type { Runtime, SignalResult } from '../ports.ts';

interface Lane {
  request: Request | undefined;
  hasEnded: boolean;
  error: Error | undefined;
  /** Tells who lets the lane run that it asked for something, or has ended. */
  paused: () => void;
}

interface Request {
  /** Answered at once, so that it need not wait for the other lanes. */
  readonly isQuick: boolean;
  readonly carryOut: () => Promise<unknown>;
  readonly answer: (value: never) => void;
}

export class Lanes {
  readonly #runtime: Runtime;
  #live: Lane[] = [];

  /** What the host throws goes to whoever runs the lanes; they themselves never see it. */
  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Runs a lane until it waits for the world for the first time, or has ended. It reaches the host by the runtime that it is given. */
  async start(run: (runtime: Runtime) => Promise<void>): Promise<void> {
    const lane: Lane = { request: undefined, hasEnded: false, error: undefined, paused: () => undefined };
    this.#live.push(lane);
    const end = (error?: Error): void => {
      lane.hasEnded = true;
      lane.error = error;
      lane.paused();
    };
    const fail = (error: unknown): void => end(error instanceof Error ? error : new Error(String(error)));
    await goOn(lane, () => void run(new LaneRuntime(this.#runtime, lane)).then(() => end(), fail));
  }

  /** Lets all lanes go on until one or more of them have ended. */
  async untilOneEnds(): Promise<void> {
    while (this.#live.length > 0 && !this.#live.some(({ hasEnded }) => hasEnded)) {
      const lanes = [...this.#live];
      const requests = lanes.map(takeRequest);
      const answers = await Promise.allSettled(requests.map(({ carryOut }) => carryOut()));
      for (const answer of answers) if (answer.status === 'rejected') throw answer.reason;
      for (const [index, lane] of lanes.entries()) {
        const answer = answers[index];
        if (answer?.status === 'fulfilled')
          await goOn(lane, () => requests[index]?.answer(answer.value as never));
      }
    }
    this.#live = this.#live.filter(({ hasEnded }) => !hasEnded);
  }
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
    return this.#ask(false, () => this.#runtime.activity(call));
  }

  sleep(
    id: string,
    ms: number,
    options: { readonly ignoreCancel: boolean },
  ): Promise<'elapsed' | 'cancelled'> {
    return this.#ask(false, () => this.#runtime.sleep(id, ms, options));
  }

  waitForSignal(
    id: string,
    name: string,
    timeoutMs: number,
    options: { readonly ignoreCancel: boolean },
  ): Promise<SignalResult> {
    return this.#ask(false, () => this.#runtime.waitForSignal(id, name, timeoutMs, options));
  }

  now(id: string): Promise<number> {
    return this.#ask(true, () => this.#runtime.now(id));
  }

  emit(seq: number, event: EngineEvent): Promise<void> {
    return this.#ask(true, () => this.#runtime.emit(seq, event));
  }

  #ask<T>(isQuick: boolean, carryOut: () => Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<T>();
    this.#lane.request = { isQuick, carryOut, answer: resolve };
    this.#lane.paused();
    return promise;
  }
}

/** The lane runs until it asks for something that takes time, or has ended. */
async function goOn(lane: Lane, begin: () => void): Promise<void> {
  await untilPaused(lane, begin);
  while (lane.request?.isQuick === true) {
    const request = takeRequest(lane);
    const value = await request.carryOut();
    await untilPaused(lane, () => request.answer(value as never));
  }
  if (lane.error !== undefined) throw lane.error;
}

async function untilPaused(lane: Lane, begin: () => void): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  lane.paused = resolve;
  begin();
  await promise;
}

function takeRequest(lane: Lane): Request {
  const { request } = lane;
  if (request === undefined) throw new Error('a lane has neither ended nor asked for anything');
  lane.request = undefined;
  return request;
}
