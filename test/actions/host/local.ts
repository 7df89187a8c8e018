/** This machine as a host for tests, through the real local transport, with everything that it keeps in a temporary folder. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Host, HostScript } from '../../../src/transports/host.ts';
import { localHost } from '../../../src/transports/hosts/local.ts';
import { defaultShell } from '../../../src/transports/hosts/protocol/shell.ts';

export interface LocalTestHost extends AsyncDisposable {
  readonly host: Host;
  /** Gone after the test. */
  readonly folder: string;
  /** How many commands were really begun. */
  readonly starts: () => number;
}

export function localTestHost(env: Readonly<Record<string, string>> = {}): LocalTestHost {
  const folder = mkdtempSync(join(tmpdir(), 'belay-actions-'));
  const host = localHost(
    { name: 'here', transport: 'local', become: 'none', tags: {} },
    { ...defaultShell, stateBase: folder },
  );
  let starts = 0;
  const added = (script: HostScript): HostScript => ({
    ...script,
    env: { BELAY_HOST_STATE: join(folder, 'kept'), ...env, ...script.env },
  });
  return {
    folder,
    starts: () => starts,
    host: {
      ...host,
      read: (script, options) => host.read(added(script), options),
      start: (token, script, options) => {
        starts += 1;
        return host.start(token, added(script), options);
      },
    },
    [Symbol.asyncDispose]: async () => {
      await host.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
