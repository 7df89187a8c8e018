/** The small service of the lab, patched with a snapshot before: what the series cut. */
import { fileURLToPath } from 'node:url';
import { start, type Bed, type Way } from './bed.ts';
import { hostState, resetHost } from './host-state.ts';
import { storyOf, type Story } from './oracle.ts';
import { runRunner } from './run-runner.ts';
import type { Subject } from './series.ts';

const runbook = fileURLToPath(new URL('demo.yaml', import.meta.url));

/** `wanted` 1.1 runs to its end; anything else climbs down. */
export function demo(bed: Bed, way: Way, wanted: string): Subject & { readonly runbook: string } {
  const { world } = bed;
  const stories = new Map<string, () => Story>();
  const volumes = new Map<string, string>();
  return {
    way,
    runbook,
    reset: async (host) => {
      await resetHost(world.lab, host);
      stories.set(host, storyOf(world, host));
      volumes.set(host, world.volumeId(host, '/srv/data'));
    },
    start: (host) => start(bed.belay(host, way), runbook, { Host: host, Wanted: wanted }),
    look: async (host) => ({
      ...(await hostState(world.lab, host)),
      ...stories.get(host)?.(),
      sameVolume: world.volumeId(host, '/srv/data') === volumes.get(host),
    }),
  };
}

/** The same run, to its good end; what is cut is `belay rollback` of it. */
export function takenBack(bed: Bed): Subject {
  const subject = demo(bed, 'ssh', '1.1');
  return {
    ...subject,
    start: async (host) => {
      const belay = bed.belay(host);
      const id = await subject.start(host);
      const { ending, stderr } = await runRunner(bed, belay.stateDir, id);
      if (ending?.kind !== 'ended') throw new Error(`the run to be taken back did not end: ${stderr}`);
      await belay.requestRollback(id, { force: false });
      return id;
    },
  };
}
