/** Frozen file systems: held by the command that froze them, until it ends. */
import type { HostState } from '../state.ts';

/** The mount points that are frozen now. */
export function freezing(host: HostState, now: number): string[] {
  return Object.values(host.commands)
    .filter((command) => command.vanished === null && command.endsAt > now)
    .flatMap(({ freezes }) => freezes);
}
