/** package/observe, package/install and package/restore over modelled packages; the manager is apt. */
import { durationsMs } from '../durations.ts';
import { systemOf } from '../hosts/devices.ts';
import { dependents, fitting, installVersion, keep, obtainable, removePackage } from '../hosts/packages.ts';
import type { InstalledPackage } from '../state.ts';
import { argument, no, type ScriptEnd, type ScriptModel, type ScriptRun } from './model.ts';

const manager = 'manager=apt';

const observe: ScriptModel = {
  changes: false,
  durationMs: 0,
  run: (run) => ({ fields: [manager, ...run.args.map((name) => `package=${name} ${describe(run, name)}`)] }),
};

interface Wanted {
  readonly name: string;
  readonly version: string;
}

const install: ScriptModel = {
  changes: true,
  durationMs: durationsMs.packageChange,
  run(run) {
    const { state, host, now } = run;
    const key = argument(run, 0, 'KEY');
    const allowNoUndo = argument(run, 1, 'ALLOWNOUNDO') === 'yes';
    const wantedVersion = argument(run, 2, 'VERSION');
    const names = run.args.slice(3);
    const system = systemOf(state, host);
    const record = (system.packageRecords[key] ??= {});

    const plan: Wanted[] = [];
    for (const name of names) {
      const version = choose(run, name, wantedVersion);
      if (version === undefined) return noSuchVersion(run, name, wantedVersion);
      const present = system.packages[name];
      if (present?.version !== version || present.status !== 'installed') plan.push({ name, version });
    }
    plan.push(...missingRequirements(run, plan));
    const changed = () => [
      manager,
      ...changeLines(run, record),
      ...names.map((name) => versionLine(run, name)),
    ];
    if (plan.length === 0) return { fields: changed(), talk: '0 upgraded, 0 newly installed.' };

    for (const { name, version } of plan) {
      const present = system.packages[name];
      if (present && !keep(state, host, name, present.version) && !allowNoUndo)
        return no(
          [manager],
          'UNDO_NOT_POSSIBLE',
          `${name} ${present.version}, installed now, is neither in a repository nor in a cache: there would be no way back; nothing was changed. AllowNoUndo: true installs all the same`,
        );
      keep(state, host, name, version);
    }
    // The first record wins: a second attempt must not take what the first one left for what was there before.
    for (const { name } of plan) record[name] ??= system.packages[name] ? { ...system.packages[name] } : null;
    for (const { name, version } of plan) {
      const problem = installVersion(state, host, name, version, now);
      if (problem) return installFailed(changed(), problem.name, problem.message);
    }
    return { fields: changed(), talk: `${plan.length} packages installed.` };
  },
};

const restore: ScriptModel = {
  changes: true,
  durationMs: durationsMs.packageChange,
  run(run) {
    const { state, host, now } = run;
    const key = argument(run, 0, 'KEY');
    const system = systemOf(state, host);
    const before: Record<string, { version: string | null; held: boolean }> = {};
    for (let index = 1; index + 2 < run.args.length; index += 3) {
      const version = argument(run, index + 1, 'VERSION');
      before[argument(run, index, 'NAME')] = {
        version: version === '-' ? null : version,
        held: argument(run, index + 2, 'HELD') === 'held',
      };
    }
    for (const [name, was] of Object.entries(system.packageRecords[key] ?? {})) {
      before[name] ??= { version: was?.version ?? null, held: was?.held ?? false };
    }
    const lost = Object.entries(before).find(
      ([name, { version }]) =>
        version !== null &&
        system.packages[name]?.version !== version &&
        !obtainable(state, host, name).includes(version),
    );
    if (lost) {
      const [name, { version }] = lost;
      return no(
        [manager],
        'UNDO_FAILED',
        `${name} is ${system.packages[name]?.version ?? '-'}, was ${version}: version ${version} is no longer in the cache or the repository`,
      );
    }
    const lines: string[] = [];
    for (const [name, { version, held }] of Object.entries(before)) {
      const from = system.packages[name]?.version ?? '-';
      const problem = putBack(run, name, version, Object.keys(before));
      if (problem !== undefined) return no([manager, ...lines], 'UNDO_FAILED', problem);
      const present = system.packages[name];
      if (present) present.held = held;
      if (from !== (version ?? '-')) lines.push(`change=${name} ${from} ${version ?? '-'}`);
    }
    delete system.packageRecords[key];
    return { fields: [manager, ...lines] };

    function putBack(
      { state: world }: ScriptRun,
      name: string,
      version: string | null,
      all: readonly string[],
    ) {
      const present = system.packages[name];
      if (version === null) {
        if (!present) return undefined;
        const others = dependents(world, host, name).filter((other) => !all.includes(other));
        if (others.length > 0) return `${name} cannot be removed, ${others.join(', ')} needs it`;
        removePackage(world, host, name);
        return undefined;
      }
      if (present?.version === version && present.status === 'installed') return undefined;
      const problem = installVersion(world, host, name, version, now);
      return problem && `${problem.name} is ${version}, but ${problem.message}`;
    }
  },
};

/** The version to install; the installed one counts as available. */
function choose({ state, host }: ScriptRun, name: string, wanted: string): string | undefined {
  const installed = systemOf(state, host).packages[name]?.version;
  if (wanted === 'latest') return (state.repository[name] ?? []).at(-1)?.version ?? installed;
  const versions = obtainable(state, host, name);
  return fitting(versions, wanted) ?? (installed === undefined ? undefined : fitting([installed], wanted));
}

function noSuchVersion({ state, host }: ScriptRun, name: string, wanted: string): ScriptEnd {
  const offered = (state.repository[name] ?? []).map(({ version }) => version).toReversed();
  const installed = systemOf(state, host).packages[name]?.version ?? '-';
  return no(
    [manager],
    'NO_SUCH_VERSION',
    wanted === 'latest'
      ? `no repository of this host has ${name}`
      : `${name} ${wanted} is not to be had here; available: ${offered.join(' ')} (installed: ${installed})`,
  );
}

/** What the planned packages need and the host does not have, at its newest version. */
function missingRequirements({ state, host }: ScriptRun, plan: readonly Wanted[]): Wanted[] {
  const { packages } = systemOf(state, host);
  const found: Wanted[] = [];
  const has = (name: string) =>
    packages[name] !== undefined || [...plan, ...found].some((one) => one.name === name);
  for (const queue = [...plan]; queue.length > 0;) {
    const next = queue.shift();
    const offered = state.repository[next?.name ?? '']?.find(({ version }) => version === next?.version);
    for (const name of offered?.requires ?? []) {
      const version = state.repository[name]?.at(-1)?.version;
      if (has(name) || version === undefined) continue;
      found.push({ name, version });
      queue.push({ name, version });
    }
  }
  return found;
}

function installFailed(fields: readonly string[], name: string, message: string): ScriptEnd {
  const text = `apt ended with exit code 100: dpkg: error processing package ${name} (--configure): ${message}`;
  return no(fields, 'INSTALL_FAILED', text, text);
}

/** `VERSION STATE HELD`. */
function describe({ state, host }: ScriptRun, name: string): string {
  const found = systemOf(state, host).packages[name];
  if (!found) return '- absent free';
  return `${found.version} ${found.status === 'installed' ? 'installed' : 'broken'} ${found.held ? 'held' : 'free'}`;
}

function versionLine({ state, host }: ScriptRun, name: string): string {
  return `version=${name} ${systemOf(state, host).packages[name]?.version ?? '-'}`;
}

function changeLines({ state, host }: ScriptRun, record: Readonly<Record<string, InstalledPackage | null>>) {
  const { packages } = systemOf(state, host);
  return Object.entries(record).flatMap(([name, was]) => {
    const [from, to] = [was?.version ?? '-', packages[name]?.version ?? '-'];
    return from === to ? [] : [`change=${name} ${from} ${to}`];
  });
}

export const packageScripts = {
  'package/observe': observe,
  'package/install': install,
  'package/restore': restore,
};
