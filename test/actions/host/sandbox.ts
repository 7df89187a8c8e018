/** The sandbox's hosts for tests of host actions, with a clock that passes when somebody waits. */
import { ActionFailure } from '../../../src/actions/define-action.ts';
import type { Host } from '../../../src/transports/host.ts';
import { memoryWorld, newWorld, sandboxHost, type WorldState } from '../../../src/world/index.ts';
import { fakeClock } from '../../world/fake-clock.ts';
import type { World } from '../../support/action-bed.ts';

export interface SandboxHosts {
  readonly world: World;
  readonly look: () => WorldState;
  /** How many commands were really begun. */
  readonly starts: () => number;
}

export function sandboxHosts(change: (state: WorldState) => WorldState = (state) => state): SandboxHosts {
  const clock = fakeClock();
  const world = memoryWorld(change(newWorld()), clock);
  const tokens = new Set<string>();
  const counted = (name: string): Host => {
    const host = sandboxHost(world, name);
    if (!host) throw new ActionFailure({ code: 'UNKNOWN_HOST', message: `the sandbox has no host ${name}` });
    return {
      ...host,
      start: async (token, script, options) => {
        await host.start(token, script, options);
        tokens.add(token);
      },
    };
  };
  return {
    world: {
      hosts: { db1: counted('db1'), web1: counted('web1') },
      now: () => clock.now(),
      wait: async (ms) => clock.pass(ms),
    },
    look: () => world.look(),
    starts: () => tokens.size,
  };
}
