/** Frozen file systems: held by the command that froze them, until it ends. */
import type { HostState, WorldState } from '../state.ts';
import { dataDirectory } from './postgres.ts';

/** The mount points that are frozen now. */
export function freezing(host: HostState, now: number): string[] {
  return Object.values(host.commands)
    .filter((command) => command.vanished === null && command.endsAt > now)
    .flatMap(({ freezes }) => freezes);
}

/**
 * Everything that a write to the frozen file systems would make different: what they hold, that they are mounted, and
 * the servers whose data they are. Two texts that differ mean that something wrote.
 */
export function frozenState(state: WorldState, host: HostState, now: number): string {
  return JSON.stringify(
    freezing(host, now).map((mountPoint) => {
      const mount = host.mounts[mountPoint];
      const servers = Object.entries(host.servers).filter(([cluster]) =>
        dataDirectory(cluster).startsWith(`${mountPoint}/`),
      );
      return [mount, mount && state.volumes[mount.volumeId]?.contents, servers];
    }),
  );
}
