/** Belay in this process on this machine as a host, with all that a host keeps in the folder of the test. */
import { join } from 'node:path';
import { Belay } from '../../src/runtime/belay.ts';
import { openTransports } from '../../src/runtime/transports.ts';
import type { Host, HostScript } from '../../src/transports/host.ts';

/** `dir` holds the state, what the host keeps (`kept`), and a belay.yaml if the test wants one. */
export function localBelay(dir: string): Belay {
  return new Belay({
    state: join(dir, 'state'),
    cwd: dir,
    env: { ...process.env, HOME: dir },
    stdin: () => Promise.resolve(''),
    openTransports: async (options) => {
      const transports = await openTransports(options);
      return { ...transports, host: (name) => keptIn(dir, transports.host(name)) };
    },
  });
}

export function keptIn(dir: string, host: Host): Host {
  const moved = (script: HostScript): HostScript => ({
    ...script,
    env: { ...script.env, BELAY_HOST_STATE: join(dir, 'kept') },
  });
  return {
    ...host,
    read: (script, options) => host.read(moved(script), options),
    start: (token, script, options) => host.start(token, moved(script), options),
  };
}
