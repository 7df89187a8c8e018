/** A host going down and coming up: what is in memory is gone, what is enabled starts again. */
import { hash, uuidOf } from '../ids.ts';
import type { HostState, WorldState } from '../state.ts';
import { rootVolume } from './devices.ts';
import { startUnit } from './units.ts';

export function hostOfInstance(state: WorldState, instanceId: string): HostState | undefined {
  return Object.values(state.hosts).find((host) => host.instanceId === instanceId);
}

/** Power off. Commands that had not ended leave no result. */
export function haltHost(state: WorldState, instanceId: string, now: number): void {
  const host = hostOfInstance(state, instanceId);
  if (!host) return;
  host.units = {};
  host.mounts = {};
  host.servers = {};
  for (const command of Object.values(host.commands)) {
    if (command.endsAt > now) command.vanished = `${host.name} went down while the command ran`;
  }
}

/** Power on: every enabled unit is started, mounts first; one that fails is `failed`, as after a real boot. */
export function bootHost(state: WorldState, instanceId: string, now: number): void {
  const host = hostOfInstance(state, instanceId);
  const system = host && rootVolume(state, host)?.contents.system;
  if (!host || !system) return;
  host.bootId = uuidOf(hash('boot', instanceId, now));
  host.bootedAt = now;
  const enabled = Object.entries(system.units).filter(([, unit]) =>
    ['enabled', 'enabled-runtime'].includes(unit.enablement),
  );
  const rank = (kind: string) => (kind === 'mount' ? 0 : 1);
  enabled.sort(([, a], [, b]) => rank(a.runs.kind) - rank(b.runs.kind));
  for (const [name] of enabled) startUnit(state, host, name, now);
}
