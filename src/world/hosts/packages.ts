/** Packages: what is installed, what can be had, and what changing one does to the units that it brings. */
import type { HostState, InstalledPackage, RepositoryPackage, WorldState } from '../state.ts';
import { systemOf } from './devices.ts';
import { isActive, startUnit, stopUnit } from './units.ts';

/** Why a transaction did not come to a good end. */
export interface PackageProblem {
  readonly name: string;
  readonly message: string;
}

/** Every version that can be installed now, oldest first: what the repository offers and what the host kept. */
export function obtainable(state: WorldState, host: HostState, name: string): string[] {
  const offered = (state.repository[name] ?? []).map(({ version }) => version);
  const kept = systemOf(state, host).cache[name] ?? [];
  return [...kept.filter((version) => !offered.includes(version)), ...offered];
}

/** The newest version that fits: `latest`, an exact version, or a glob such as `15.20*`. */
export function fitting(versions: readonly string[], wanted: string): string | undefined {
  if (wanted === 'latest') return versions.at(-1);
  if (!wanted.includes('*') && !wanted.includes('?')) return versions.find((version) => version === wanted);
  const pattern = new RegExp(
    `^${wanted
      .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  );
  return versions.findLast((version) => pattern.test(version));
}

/** Keeps the package file of a version on the host; false when it cannot be had any more. */
export function keep(state: WorldState, host: HostState, name: string, version: string): boolean {
  const { cache } = systemOf(state, host);
  if (cache[name]?.includes(version)) return true;
  if (!obtainable(state, host, name).includes(version)) return false;
  cache[name] = [...(cache[name] ?? []), version];
  return true;
}

/**
 * Brings a package to a version. Its unit, when active, is restarted with the new files; a stopped one stays stopped.
 * A broken maintainer script leaves the package half-configured at the new version, as dpkg does.
 */
export function installVersion(
  state: WorldState,
  host: HostState,
  name: string,
  version: string,
  now: number,
): PackageProblem | undefined {
  const { packages } = systemOf(state, host);
  const offered = release(state, name, version);
  const entry: InstalledPackage = { version, held: packages[name]?.held ?? false, status: 'installed' };
  packages[name] = entry;
  if (offered?.broken?.when === 'configure') {
    entry.status = 'half-configured';
    return { name, message: offered.broken.message };
  }
  const unit = offered?.restarts;
  if (unit && isActive(host, unit)) {
    stopUnit(state, host, unit);
    const refusal = startUnit(state, host, unit, now);
    if (refusal) {
      entry.status = 'half-configured';
      return { name, message: refusal.message };
    }
  }
  return undefined;
}

/** Removes a package and its unit, stopped first. Whether the unit was enabled is remembered, as Debian does. */
export function removePackage(state: WorldState, host: HostState, name: string): void {
  const { packages } = systemOf(state, host);
  const version = packages[name]?.version;
  const unit = version === undefined ? undefined : release(state, name, version)?.restarts;
  if (unit && isActive(host, unit)) stopUnit(state, host, unit);
  delete packages[name];
}

/** Installed packages that cannot do without this one. */
export function dependents(state: WorldState, host: HostState, name: string): string[] {
  return Object.entries(systemOf(state, host).packages)
    .filter(([other, { version }]) => release(state, other, version)?.requires.includes(name))
    .map(([other]) => other);
}

/** The package's description; of any version when the repository no longer offers this one. */
function release(state: WorldState, name: string, version: string): RepositoryPackage | undefined {
  const offered = state.repository[name] ?? [];
  return (
    offered.find((one) => one.version === version) ?? offered.map((one) => ({ ...one, broken: null }))[0]
  );
}
