/** How the package scripts print what is installed. */
import { systemOf } from '../hosts/devices.ts';
import type { ScriptRun } from './model.ts';

export const manager = 'manager=apt';

/** `-` when it is not installed. */
export function installedVersion({ state, host }: ScriptRun, name: string): string {
  return systemOf(state, host).packages[name]?.release.version ?? '-';
}

/** `VERSION STATE HELD`. */
export function describePackage(run: ScriptRun, name: string): string {
  const found = systemOf(run.state, run.host).packages[name];
  if (!found) return '- absent free';
  const { release, status, held } = found;
  return `${release.version} ${status === 'installed' ? 'installed' : 'broken'} ${held ? 'held' : 'free'}`;
}

/** What became different since `was`. */
export function changeLines(run: ScriptRun, was: Readonly<Record<string, string>>): string[] {
  return Object.entries(was).flatMap(([name, from]) => {
    const to = installedVersion(run, name);
    return from === to ? [] : [`change=${name} ${from} ${to}`];
  });
}
