/** A data volume that is hurt and restored: what its file system holds, and what became of the volumes. */
import { fileURLToPath } from 'node:url';
import { start, type Bed } from './bed.ts';
import { storyOf, type Story } from './oracle.ts';
import type { Subject } from './series.ts';

const runbook = fileURLToPath(new URL('restore.yaml', import.meta.url));

/** `wanted` sound runs to its end; anything else climbs down, to the volume that was there before. */
export function volumes(bed: Bed, wanted: string): Subject {
  const { world } = bed;
  const before = new Map<string, { readonly volume: string; readonly story: () => Story }>();
  const onHost = async (host: string, script: string): Promise<string> => {
    const { code, stdout, stderr } = await world.lab.exec(host, script);
    if (code !== 0) throw new Error(`${host}: ${script} ended with ${code}: ${stderr}`);
    return stdout.trim();
  };
  return {
    way: 'ssh',
    reset: async (host) => {
      await onHost(host, 'echo sound >/srv/data/state && sync');
      before.set(host, { volume: world.volumeId(host, '/srv/data'), story: storyOf(world, host) });
    },
    start: (host) => start(bed.belay(host), runbook, { Host: host, Wanted: wanted }),
    look: async (host) => ({
      state: await onHost(host, 'cat /srv/data/state'),
      mounts: await onHost(host, "grep -c ' /srv/data ' /proc/mounts"),
      unit: await onHost(host, 'systemctl is-active srv-data.mount'),
      isOldVolume: world.volumeId(host, '/srv/data') === before.get(host)?.volume,
      ...before.get(host)?.story(),
    }),
  };
}
