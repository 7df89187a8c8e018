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
}

interface Request {
  /** Answered at once, so that it need not wait for the other lanes. */
  readonly isQuick: boolean;
  readonly carryOut: () => Promise<unknown>;
  readonly answer: (value: never) => void;
}

/** The port as the lanes see it. What the host throws goes to whoever runs the lanes; they themselves never see it. */
export class Lanes implements Runtime {
  readonly executionId: string;
  readonly #runtime: Runtime;
  #live: Lane[] = [];
  #running: Lane | undefined;
  #paused: () => void = () => undefined;

  constructor(runtime: Runtime) {
    this.executionId = runtime.executionId;
    this.#runtime = runtime;
  }

  /** Runs a lane until it waits for the world for the first time, or has ended. */
  async start(run: () => Promise<void>): Promise<void> {
    const lane: Lane = { request: undefined, hasEnded: false, error: undefined };
    this.#live.push(lane);
    const end = (error?: Error): void => {
      lane.hasEnded = true;
      lane.error = error;
      this.#paused();
    };
    const fail = (error: unknown): void => end(error instanceof Error ? error : new Error(String(error)));
    await this.#goOn(lane, () => void run().then(() => end(), fail));
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
          await this.#goOn(lane, () => requests[index]?.answer(answer.value as never));
      }
    }
    this.#live = this.#live.filter(({ hasEnded }) => !hasEnded);
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
    const lane = this.#running;
    if (lane === undefined) throw new Error('a lane asked for something while none of them was running');
    return new Promise<T>((answer) => {
      lane.request = { isQuick, carryOut, answer };
      this.#paused();
    });
  }

  /** The lane runs until it asks for something that takes time, or has ended. */
  async #goOn(lane: Lane, begin: () => void): Promise<void> {
    await this.#step(lane, begin);
    while (lane.request?.isQuick === true) {
      const request = takeRequest(lane);
      const value = await request.carryOut();
      await this.#step(lane, () => request.answer(value as never));
    }
    if (lane.error !== undefined) throw lane.error;
  }

  async #step(lane: Lane, begin: () => void): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#paused = resolve;
    this.#running = lane;
    begin();
    await promise;
    this.#running = undefined;
  }
}

function takeRequest(lane: Lane): Request {
  const { request } = lane;
  if (request === undefined) throw new Error('a lane has neither ended nor asked for anything');
  lane.request = undefined;
  return request;
}
