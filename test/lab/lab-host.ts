/** A host of the lab behind the real protocol, entered by its namespaces as root: for tests of actions, not of connections. */
import { fileURLToPath } from 'node:url';
import type { Host } from '../../src/transports/host.ts';
import { channelHost } from '../../src/transports/hosts/channel-host.ts';
import { hostFailure } from '../../src/transports/hosts/failure.ts';
import { startProcess } from '../../src/transports/hosts/process.ts';
import { defaultShell, openingWords } from '../../src/transports/hosts/protocol/shell.ts';
import type { Lab } from './hosts/lab.ts';

const script = fileURLToPath(new URL('hosts/lab.sh', import.meta.url));

export function labHost(lab: Lab, name: string, instanceId?: string): Host {
  const address = { name, transport: 'local' as const, become: 'none' as const, tags: {} };
  const settings = [`BELAY_LAB_ID=${lab.id}`, `BELAY_LAB_STATE=${lab.stateFolder}`];
  return channelHost(
    instanceId === undefined ? address : { ...address, instanceId },
    `${name} (lab ${lab.id})`,
    {
      shell: defaultShell,
      open: () =>
        startProcess('env', [
          ...settings,
          'bash',
          script,
          'exec',
          name,
          ...openingWords(defaultShell, 'none'),
        ]),
      explain: async ({ stderr, exitCode }) =>
        hostFailure({
          host: name,
          name,
          code: 'CONNECTION_LOST',
          what: `lab.sh exec ended with ${exitCode}: ${stderr.trim()}`,
          retryable: true,
          effect: 'unknown',
        }),
      dial: () => Promise.reject(new Error('the lab dials over ssh; open the host by its inventory')),
      close: async () => {},
    },
  );
}
