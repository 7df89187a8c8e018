/** The sandbox's db1 and its volumes, with a clock that passes when somebody waits and an AWS that can lose replies, lag and be cut off. */
import type { Json, JsonObject } from '../../../src/json.ts';
import { AwsFailure, type Aws } from '../../../src/transports/aws.ts';
import type { Host } from '../../../src/transports/host.ts';
import { memoryWorld, newWorld, sandboxAws, sandboxHost, type WorldState } from '../../../src/world/index.ts';
import { fakeClock } from '../../world/fake-clock.ts';
import type { World } from '../../support/action-bed.ts';

/** The runner is gone: nothing of it may run on. */
export class Killed extends Error {
  override readonly name = 'Killed';
}

export interface EbsWorld {
  readonly ports: World & { readonly aws: Aws };
  readonly db1: Host;
  readonly look: () => WorldState;
  /** Operations that changed something, in order: those that succeeded. */
  readonly done: string[];
  /** Operations that were asked to change something, whatever came of it. */
  readonly asked: string[];
  /** The nth call from now (1: the next one) of this operation happens, and its reply is lost. */
  readonly loseReply: (operation: string, nth?: number) => void;
  /** The nth call of anything from now kills the runner, before or after it happened. */
  readonly killAt: (nth: number, when: 'before' | 'after') => void;
  /** How many calls were made. */
  readonly calls: () => number;
  /** From now on, after each change, so many listings answer as before it. */
  readonly lag: (listings: number) => void;
  readonly stopDatabase: () => Promise<void>;
  readonly pass: (ms: number) => void;
}

export function ebsWorld(change: (state: WorldState) => WorldState = (state) => state): EbsWorld {
  const clock = fakeClock();
  const world = memoryWorld(change(newWorld()), clock);
  const real = sandboxAws(world);
  const done: string[] = [];
  const asked: string[] = [];
  let calls = 0;
  let lost: { operation: string; nth: number } | undefined;
  let kill: { at: number; when: 'before' | 'after' } | undefined;
  let lagging = 0;
  let stale = 0;
  let before: Aws = real;

  const strike = (when: 'before' | 'after') => {
    if (kill?.at === calls && kill.when === when) throw new Killed();
  };
  const aws: Aws = {
    ...real,
    call: async (call, options) => {
      calls += 1;
      strike('before');
      if (call.operation.startsWith('Describe')) {
        if (stale === 0) {
          const reply = await real.call(call, options);
          strike('after');
          return reply;
        }
        stale -= 1;
        return before.call(call);
      }
      asked.push(call.operation);
      const frozen = memoryWorld(structuredClone(world.look()), { now: () => clock.now() });
      const reply: JsonObject = await real.call(call, options);
      before = sandboxAws(frozen);
      stale = lagging;
      done.push(call.operation);
      strike('after');
      if (lost?.operation === call.operation && (lost.nth -= 1) === 0) {
        lost = undefined;
        throw new AwsFailure({
          code: 'NO_REPLY',
          message: 'the reply was lost',
          retryable: true,
          effect: 'unknown',
        });
      }
      return reply;
    },
  };
  const host = sandboxHost(world, 'db1');
  if (!host) throw new Error('the sandbox has no db1');
  const hosts: Record<string, Host> = { db1: host };
  return {
    ports: {
      hosts,
      aws,
      now: () => clock.now(),
      wait: async (ms) => clock.pass(ms),
    },
    db1: host,
    look: () => world.look(),
    done,
    asked,
    loseReply: (operation, nth = 1) => {
      lost = { operation, nth };
    },
    killAt: (nth, when) => {
      kill = { at: calls + nth, when };
    },
    calls: () => calls,
    lag: (listings) => {
      lagging = listings;
    },
    stopDatabase: async () => {
      const script = { name: 'service/set', text: '', args: ['postgresql@15-main', 'stopped', '-'] };
      const signal = AbortSignal.timeout(10_000);
      await host.start('stop-database', script, { signal });
      clock.pass(5_000);
    },
    pass: (ms) => clock.pass(ms),
  };
}

export const tagsOf = (state: WorldState, id: string): Readonly<Record<string, Json>> => state.tags[id] ?? {};
