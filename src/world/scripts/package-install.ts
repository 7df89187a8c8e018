/** package/install: nothing changes before the version is found, nothing else would go, and a way back is kept. */
import { systemOf } from '../hosts/devices.ts';
import {
  alongWith,
  fitting,
  installRelease,
  keep,
  obtainable,
  wouldGo,
  type Wanted,
} from '../hosts/packages.ts';
import type { Release } from '../state.ts';
import { argument, no, type ScriptEnd, type ScriptRun } from './model.ts';
import { changeLines, installedVersion, manager } from './package-fields.ts';

export function installPackages(run: ScriptRun): ScriptEnd {
  const { state, host, now } = run;
  const key = argument(run, 0, 'KEY');
  const how = argument(run, 1, 'ALLOWNOUNDO');
  const allowNoUndo = how.endsWith('yes');
  const wanted = argument(run, 2, 'VERSION');
  const names = run.args.slice(3);
  const system = systemOf(state, host);
  const record = (system.packageRecords[key] ??= {});
  const fields = () => [
    manager,
    ...changeLines(run, record),
    ...names.map((name) => `version=${name} ${installedVersion(run, name)}`),
  ];

  const asked: Wanted[] = [];
  for (const name of names) {
    const release = choose(run, name, wanted);
    if (!release) return noSuchVersion(run, name, wanted);
    const present = system.packages[name];
    if (present?.release.version !== release.version || present.status !== 'installed')
      asked.push({ name, release });
  }
  if (asked.length === 0) return { fields: fields() };
  const plan = [...asked, ...alongWith(state, host, asked)];
  const problem = planProblem(run, plan, names) ?? keepProblem(run, plan, allowNoUndo);
  if (problem) return problem;
  if (how.startsWith('stage-')) {
    const version = (name: string) =>
      asked.find((one) => one.name === name)?.release.version ?? installedVersion(run, name);
    return { fields: [manager, ...names.map((name) => `version=${name} ${version(name)}`)] };
  }

  // The first record wins: a second attempt must not take what the first one left for what was there before.
  for (const { name } of plan) record[name] ??= installedVersion(run, name);
  for (const one of plan) {
    const trouble = installRelease(state, host, one, now);
    if (!trouble) continue;
    const text = `dpkg: error processing package ${trouble.name} (--configure): ${trouble.message}`;
    return no(
      fields(),
      'INSTALL_FAILED',
      `apt ended with exit code 100: ${text.replaceAll('\n', '|')}`,
      text,
    );
  }
  return { fields: fields(), talk: `${plan.length} packages set up.` };
}

function planProblem(
  run: ScriptRun,
  plan: readonly Wanted[],
  names: readonly string[],
): ScriptEnd | undefined {
  const { state, host } = run;
  const gone = wouldGo(state, host, plan);
  if (gone.length > 0)
    return no([manager], 'WOULD_REMOVE', `this would remove ${gone.join(' ')}; nothing was changed`);
  const held = plan.find(
    ({ name }) => !names.includes(name) && systemOf(state, host).packages[name]?.held === true,
  );
  if (!held) return undefined;
  return no(
    [manager],
    'WOULD_REMOVE',
    `this would change ${held.name}, which is on hold; nothing was changed`,
  );
}

/** Keeps what will be replaced. */
function keepProblem(run: ScriptRun, plan: readonly Wanted[], allowNoUndo: boolean): ScriptEnd | undefined {
  for (const { name } of plan) {
    const version = installedVersion(run, name);
    if (version === '-' || keep(run.state, run.host, name, version) || allowNoUndo) continue;
    return no(
      [manager],
      'UNDO_NOT_POSSIBLE',
      `${name} ${version}, installed now, is neither in a repository nor in a cache: there would be no way back; nothing was changed. AllowNoUndo: true installs all the same`,
    );
  }
  return undefined;
}

/** The release to install; the installed one counts as available. */
function choose({ state, host }: ScriptRun, name: string, wanted: string): Release | undefined {
  const installed = systemOf(state, host).packages[name]?.release;
  if (wanted === 'latest') return state.repository[name]?.at(-1) ?? installed;
  return fitting(obtainable(state, host, name), wanted) ?? fitting(installed ? [installed] : [], wanted);
}

function noSuchVersion(run: ScriptRun, name: string, wanted: string): ScriptEnd {
  const offered = (run.state.repository[name] ?? []).map(({ version }) => version).toReversed();
  const text =
    wanted === 'latest'
      ? `no repository of this host has ${name}`
      : `this host cannot get ${name} ${wanted}; available: ${offered.join(' ')} (installed: ${installedVersion(run, name)})`;
  return no([manager], 'NO_SUCH_VERSION', text);
}
