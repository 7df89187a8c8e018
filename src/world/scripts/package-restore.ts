/** package/restore: the packages that were there before a step, and whatever else its record names. */
import { systemOf } from '../hosts/devices.ts';
import { installRelease, obtainable, removePackage, wouldGo } from '../hosts/packages.ts';
import { argument, no, type ScriptEnd, type ScriptRun } from './model.ts';
import { changeLines, describePackage, installedVersion, manager } from './package-fields.ts';

interface Before {
  /** `-`: it was not installed. */
  readonly version: string;
  /** Undefined: as it is. */
  readonly held?: boolean;
}

export function restorePackages(run: ScriptRun): ScriptEnd {
  const { state, host } = run;
  const { packages, packageRecords } = systemOf(state, host);
  const key = argument(run, 0, 'KEY');
  const before = { ...recorded(packageRecords[key] ?? {}), ...given(run) };
  const was = Object.fromEntries(Object.keys(before).map((name) => [name, installedVersion(run, name)]));

  for (const [name, { version }] of Object.entries(before)) {
    if (isBack(run, name, version) || version === '-' || find(run, name, version)) continue;
    return no(
      [manager],
      'UNDO_FAILED',
      `${name} is ${was[name]}, was ${version}: version ${version} is no longer in the cache or the repository`,
    );
  }
  const problems: string[] = [];
  for (const [name, { version, held }] of Object.entries(before)) {
    const problem = putBack(run, name, version);
    if (problem !== undefined)
      problems.push(`${name} is ${installedVersion(run, name)}, was ${version}: ${problem}`);
    const present = packages[name];
    if (present && held !== undefined) present.held = held;
  }
  const fields = [manager, ...changeLines(run, was)];
  if (problems.length > 0) return no(fields, 'UNDO_FAILED', problems.join('; '));
  delete packageRecords[key];
  return { fields };
}

/** Arguments NAME VERSION HELD, from the second one on. */
function given(run: ScriptRun): Record<string, Before> {
  const before: Record<string, Before> = {};
  for (let index = 1; index + 2 < run.args.length; index += 3) {
    before[argument(run, index, 'NAME')] = {
      version: argument(run, index + 1, 'VERSION'),
      held: argument(run, index + 2, 'HELD') === 'held',
    };
  }
  return before;
}

function recorded(record: Readonly<Record<string, string>>): Record<string, Before> {
  return Object.fromEntries(Object.entries(record).map(([name, version]) => [name, { version }]));
}

function isBack(run: ScriptRun, name: string, version: string): boolean {
  return describePackage(run, name).startsWith(`${version} ${version === '-' ? 'absent' : 'installed'} `);
}

/** Says what stands in the way. */
function putBack(run: ScriptRun, name: string, version: string): string | undefined {
  const { state, host, now } = run;
  if (isBack(run, name, version)) return undefined;
  if (version !== '-') {
    const release = find(run, name, version);
    return release && installRelease(state, host, { name, release }, now)?.message;
  }
  const needing = wouldGo(state, host, []).length;
  removePackage(state, host, name);
  return wouldGo(state, host, []).length > needing ? 'other packages need it' : undefined;
}

function find({ state, host }: ScriptRun, name: string, version: string) {
  return obtainable(state, host, name).find((one) => one.version === version);
}
