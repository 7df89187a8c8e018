/** The sandbox's hosts against the suites that real hosts run. */
import { memoryWorld, newWorld, sandboxHost } from '../../src/world/index.ts';
import { databaseScriptsContract } from '../contract/named-scripts-postgresql.ts';
import { namedScriptsContract } from '../contract/named-scripts.ts';
import { fakeClock } from './fake-clock.ts';
import { withDataVolume, withoutDemo } from './seeds.ts';

namedScriptsContract('the sandbox', () => {
  const state = withDataVolume(withoutDemo(newWorld()));
  const releases = state.repository['belay-demo'] ?? [];
  const [oldest] = releases;
  if (!oldest) throw new Error('the sandbox offers no belay-demo');
  const broken = {
    ...oldest,
    version: '1.2',
    broken: { when: 'configure', message: 'simulated migration failure' },
  } as const;
  const states = { old: [oldest], new: releases, broken: [...releases, broken] };
  const world = memoryWorld(state, fakeClock());
  const host = sandboxHost(world, 'web1');
  if (!host) throw new Error('the sandbox has no web1');
  return Promise.resolve({
    host,
    publish: (which) =>
      world.change((draft) => {
        draft.repository['belay-demo'] = [...states[which]];
      }),
    close: () => host.close(),
  });
});

databaseScriptsContract('the sandbox', () => {
  const host = sandboxHost(memoryWorld(newWorld(), fakeClock()), 'db1');
  if (!host) throw new Error('the sandbox has no db1');
  const versions = { old: '15.18-0+deb12u1', new: '15.20-0+deb12u1' };
  return Promise.resolve({ host, versions, close: () => host.close() });
});
