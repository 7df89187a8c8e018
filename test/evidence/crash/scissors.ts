/**
 * Ends the process that it runs in, by SIGKILL, at one named point: after a write to the journal, amid or after an
 * activity, before or after one of the calls that an activity makes to the world. Every point that is passed is
 * written to standard output first, so that a run without a kill lists what there is to kill at.
 */
import { writeSync } from 'node:fs';
import type { ActivityHost } from '../../../src/runtime/activity-host.ts';
import type { Transports } from '../../../src/runtime/transports.ts';
import type { Journal } from '../../../src/journal/index.ts';
import type { Aws } from '../../../src/transports/aws.ts';
import type { Host } from '../../../src/transports/host.ts';

/** `at` is a point's name, or `write` for any write to the journal. */
export interface Cut {
  readonly at: string;
  /** Not there, but so long after it, wherever the run is by then. */
  readonly afterMs?: number;
  /** With `write`: after so many of them. */
  readonly nth?: number;
}

/** What a runner prints for each point, as a line of JSON. */
export interface Passed {
  readonly point: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export class Scissors {
  readonly #cut: Cut | undefined;
  readonly #counts = new Map<string, number>();
  #activity = 'none';
  #writes = 0;

  constructor(cut: Cut | undefined) {
    this.#cut = cut;
  }

  /** Every durable write of a runner, by what was written. */
  journal(journal: Journal): Journal {
    const watched: Partial<Journal> = {
      begin: (id, activity, at, events) =>
        this.#around(`intent of ${activity}`, () => journal.begin(id, activity, at, events)),
      end: (id, activity, outcome, events) =>
        this.#around(`outcome of ${activity}`, () => journal.end(id, activity, outcome, events)),
      take: (id, entry, activity, outcome, events) =>
        this.#around(`answer to ${activity}`, () => journal.take(id, entry, activity, outcome, events)),
      beginChild: (child, at, events) =>
        this.#around(`intent of ${child.child.call}`, () => journal.beginChild(child, at, events)),
      beginChildRollback: (child, call, request, at, events) =>
        this.#around(`intent of ${call}`, () => journal.beginChildRollback(child, call, request, at, events)),
      setRunner: (id, runner) =>
        this.#around(runner === null ? 'runner gone' : 'runner', () => journal.setRunner(id, runner)),
      leave: (id, summary, left) => this.#around('runner gone', () => journal.leave(id, summary, left)),
      append: (id, events) => {
        const isEnding = events.some(({ event }) => event.type === 'ExecutionEnded');
        const append = (): Promise<void> => journal.append(id, events);
        return isEnding ? this.#around('ending', append) : append();
      },
    };
    return new Proxy(journal, {
      get: (target, name) => {
        const member: unknown = Reflect.get(watched, name) ?? Reflect.get(target, name);
        return typeof member === 'function' ? (member.bind(target) as unknown) : member;
      },
    });
  }

  activities(usual: ActivityHost): ActivityHost {
    return {
      run: async (call, scope) => {
        this.#activity = call.id;
        this.#pass(`${call.kind} begins: ${call.id}`);
        const result = await usual.run(call, scope);
        this.#pass(`${call.kind} is done: ${call.id}`);
        return result;
      },
      settled: (call, outcome) => usual.settled(call, outcome),
    };
  }

  /** Every call to the world that may change something. */
  place(place: Transports): Transports {
    return {
      ...place,
      aws: this.#aws(place.aws),
      host: (name) => this.#host(place.host(name)),
      scripts: { ...place.scripts, host: this.#host(place.scripts.host) },
      close: () => place.close(),
    };
  }

  #aws(aws: Aws): Aws {
    return {
      call: (request, options) =>
        /^(Describe|Get|List)/.test(request.operation)
          ? aws.call(request, options)
          : this.#aroundCall(request.operation, () => aws.call(request, options)),
      identity: (signal) => aws.identity(signal),
      ...(aws.environment === undefined
        ? {}
        : { environment: (signal) => aws.environment?.(signal) ?? Promise.resolve({}) }),
      assume: (role, region) => this.#aws(aws.assume(role, region)),
    };
  }

  #host(host: Host): Host {
    return {
      ...host,
      start: (token, script, options) =>
        this.#aroundCall(`start ${script.name ?? 'a script'}`, () => host.start(token, script, options)),
      stop: (token, options) => this.#aroundCall('stop', () => host.stop(token, options)),
      forget: (token, options) => this.#aroundCall('forget', () => host.forget(token, options)),
    };
  }

  async #around<T>(what: string, write: () => Promise<T>): Promise<T> {
    this.#pass(`before the ${what}`);
    const result = await write();
    this.#wrote(what);
    return result;
  }

  #wrote(what: string): void {
    this.#pass(`after the ${what}`);
    this.#writes += 1;
    if (this.#cut?.at === 'write' && this.#writes === this.#cut.nth) process.kill(process.pid, 'SIGKILL');
  }

  async #aroundCall<T>(what: string, call: () => Promise<T>): Promise<T> {
    const key = `${what} of ${this.#activity}`;
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    this.#pass(`before call ${count} to ${key}`);
    const result = await call();
    this.#pass(`after call ${count} to ${key}`);
    return result;
  }

  #pass(point: string): void {
    const passed: Passed = { point, at: Date.now() };
    writeSync(1, `${JSON.stringify(passed)}\n`);
    if (this.#cut?.at !== point) return;
    if (this.#cut.afterMs === undefined) process.kill(process.pid, 'SIGKILL');
    else setTimeout(() => process.kill(process.pid, 'SIGKILL'), this.#cut.afterMs);
  }
}
