/** systemd units: starting and stopping them, with what they need and what needs them. */
import { hash } from '../ids.ts';
import type { HostState, UnitFile, WorldState } from '../state.ts';
import { blockDevices, systemOf } from './devices.ts';
import { startServer } from './postgres.ts';

/** What systemctl would print on standard error and exit with. */
export interface Refusal {
  readonly exitCode: number;
  readonly message: string;
}

/** With the suffix that systemd adds to a bare name. */
export function unitName(name: string): string {
  return /\.(service|mount|socket|timer|target|path|slice)$/.test(name) ? name : `${name}.service`;
}

export function isActive(host: HostState, name: string): boolean {
  return host.units[unitName(name)]?.active === 'active';
}

export function unitFile(state: WorldState, host: HostState, name: string): UnitFile | undefined {
  const { units, packages } = systemOf(state, host);
  const unit = units[unitName(name)];
  return unit && (unit.package === null || packages[unit.package]) ? unit : undefined;
}

/** Starts the unit and first what it requires. Undefined when it runs. */
export function startUnit(
  state: WorldState,
  host: HostState,
  given: string,
  now: number,
): Refusal | undefined {
  const name = unitName(given);
  const unit = unitFile(state, host, name);
  if (!unit) return { exitCode: 5, message: `Failed to start ${name}: Unit ${name} not found.` };
  if (unit.enablement === 'masked')
    return { exitCode: 1, message: `Failed to start ${name}: Unit ${name} is masked.` };
  if (isActive(host, name)) return undefined;
  for (const needed of unit.requires) {
    if (startUnit(state, host, needed, now))
      return {
        exitCode: 1,
        message: `A dependency job for ${name} failed. See 'journalctl -xe' for details.`,
      };
  }
  const problem = enter(state, host, unit, now);
  const pid = 1_000 + (Number.parseInt(hash(host.name, name, now).slice(0, 4), 16) % 30_000);
  host.units[name] = { active: problem === undefined ? 'active' : 'failed', since: now, pid };
  if (problem === undefined) return undefined;
  return {
    exitCode: 1,
    message: `Job for ${name} failed because the control process exited with error code.\n${problem}`,
  };
}

/** Stops the unit and first what requires it. Undefined when it no longer runs. */
export function stopUnit(state: WorldState, host: HostState, given: string): Refusal | undefined {
  const name = unitName(given);
  const unit = unitFile(state, host, name);
  if (!unit) return { exitCode: 5, message: `Failed to stop ${name}: Unit ${name} not loaded.` };
  for (const [other, { requires }] of Object.entries(systemOf(state, host).units)) {
    if (requires.includes(name) && isActive(host, other)) stopUnit(state, host, other);
  }
  leave(state, host, unit);
  delete host.units[name];
  return undefined;
}

function enter(state: WorldState, host: HostState, unit: UnitFile, now: number): string | undefined {
  const { runs } = unit;
  switch (runs.kind) {
    case 'process':
    case 'web':
      return undefined;
    case 'postgres':
      return startServer(state, host, runs, now);
    case 'wrapper':
      for (const member of runs.members) startUnit(state, host, member, now);
      return undefined;
    case 'mount': {
      const device = findDevice(state, host, runs.device);
      if (!device) return `mount: ${runs.where}: special device ${runs.device} does not exist.`;
      if (device.volume.contents.filesystem === null)
        return `mount: ${runs.where}: wrong fs type, bad option, bad superblock on ${device.node}.`;
      host.mounts[runs.where] = { device: device.node, volumeId: device.volume.id };
      return undefined;
    }
    default:
      return runs satisfies never;
  }
}

function leave(state: WorldState, host: HostState, { runs }: UnitFile): void {
  switch (runs.kind) {
    case 'process':
    case 'web':
      return;
    case 'postgres':
      delete host.servers[runs.cluster];
      return;
    case 'wrapper':
      for (const member of runs.members) stopUnit(state, host, member);
      return;
    case 'mount':
      delete host.mounts[runs.where];
      return;
    default:
      runs satisfies never;
  }
}

/** A mount unit's What=: a device node or `UUID=…`. */
function findDevice(state: WorldState, host: HostState, what: string) {
  return blockDevices(state, host).find(
    ({ node, volume }) => node === what || `UUID=${volume.contents.uuid}` === what,
  );
}
