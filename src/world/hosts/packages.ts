/** Packages: what is installed, what can be installed, and what changing one does to the units that it brings. */
import type { HostState, Release, WorldState } from '../state.ts';
import { systemOf } from './devices.ts';
import { isActive, startUnit, stopUnit } from './units.ts';

/** A package that is to be brought to a version. */
export interface Wanted {
  readonly name: string;
  readonly release: Release;
}

/** Why a transaction did not come to a good end. */
export interface PackageProblem {
  readonly name: string;
  readonly message: string;
}

/** Everything that can be installed now, oldest version first: what the repository offers and what the host kept. */
export function obtainable(state: WorldState, host: HostState, name: string): Release[] {
  const offered = state.repository[name] ?? [];
  const kept = systemOf(state, host).cache[name] ?? [];
  const isDropped = ({ version }: Release) => !offered.some((one) => one.version === version);
  return [...kept.filter(isDropped), ...offered];
}

/** The newest release that fits an exact version or a glob such as `15.20*`. */
export function fitting(releases: readonly Release[], wanted: string): Release | undefined {
  const escaped = wanted.replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`);
  const pattern = new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`);
  return releases.findLast(({ version }) => pattern.test(version));
}

/** Keeps the package file of a release on the host; false when no repository offers it any more. */
export function keep(state: WorldState, host: HostState, name: string, version: string): boolean {
  const { cache } = systemOf(state, host);
  if (cache[name]?.some((kept) => kept.version === version)) return true;
  const release = obtainable(state, host, name).find((one) => one.version === version);
  if (!release) return false;
  cache[name] = [...(cache[name] ?? []), release];
  return true;
}

/**
 * What else must change with the plan: packages that are needed and absent or too old, each at the version of the one
 * that needs it where there is such a one, else at its newest.
 */
export function alongWith(state: WorldState, host: HostState, plan: readonly Wanted[]): Wanted[] {
  const { packages } = systemOf(state, host);
  const found: Wanted[] = [];
  for (let index = 0; index < plan.length + found.length; index += 1) {
    const next = [...plan, ...found][index];
    for (const name of next?.release.requires ?? []) {
      const version = next?.release.version ?? '';
      const coming = [...plan, ...found].find((one) => one.name === name)?.release;
      const there = coming ?? packages[name]?.release;
      if (there && !isOlder(state, host, name, there.version, version)) continue;
      const all = obtainable(state, host, name);
      const release = all.find((one) => one.version === version) ?? all.at(-1);
      if (release && !coming) found.push({ name, release });
    }
  }
  return found;
}

/** Installed packages beyond the plan that could not stay with it. */
export function wouldGo(state: WorldState, host: HostState, plan: readonly Wanted[]): string[] {
  const { packages } = systemOf(state, host);
  const releaseOf = (name: string) =>
    plan.find((one) => one.name === name)?.release ?? packages[name]?.release;
  return Object.keys(packages).filter((name) => {
    const release = releaseOf(name);
    return release?.requires.some((needed) => {
      const there = releaseOf(needed);
      return !there || isOlder(state, host, needed, there.version, release.version);
    });
  });
}

/**
 * Brings a package to a version. Its scripts stop its units and start them again with the new files. A broken script
 * leaves the package half-configured at the new version, as dpkg does.
 */
export function installRelease(
  state: WorldState,
  host: HostState,
  { name, release }: Wanted,
  now: number,
): PackageProblem | undefined {
  const { packages } = systemOf(state, host);
  const toStart = release.units.filter((unit) => release.starts === 'always' || isActive(host, unit));
  for (const unit of packages[name]?.release.units ?? []) {
    // A wrapper holds no files of the package: Debian leaves it as it is.
    if (isActive(host, unit) && systemOf(state, host).units[unit]?.runs.kind !== 'wrapper')
      stopUnit(state, host, unit);
  }
  const held = packages[name]?.held ?? false;
  packages[name] = { release, held, status: 'half-configured' };
  if (release.broken?.when === 'configure') return { name, message: release.broken.message };
  for (const unit of toStart) {
    const refusal = startUnit(state, host, unit, now);
    if (refusal) return { name, message: refusal.message };
  }
  packages[name] = { release, held, status: 'installed' };
  return undefined;
}

/** Removes a package and its units, stopped first. Whether they were enabled is remembered, as Debian does. */
export function removePackage(state: WorldState, host: HostState, name: string): void {
  const { packages } = systemOf(state, host);
  for (const unit of packages[name]?.release.units ?? []) stopUnit(state, host, unit);
  delete packages[name];
}

/** By the order in which the package's releases came out; what is not known is as old as the oldest. */
function isOlder(state: WorldState, host: HostState, name: string, one: string, other: string): boolean {
  const all = obtainable(state, host, name).map(({ version }) => version);
  return all.indexOf(one) < all.indexOf(other);
}
