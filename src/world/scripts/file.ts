/** file/observe, file/set and file/restore over modelled files. */
import { durationsMs } from '../durations.ts';
import { systemOf } from '../hosts/devices.ts';
import { fileAt, isFolder, putFile, sha256Of } from '../hosts/files.ts';
import { isActive, startUnit, stopUnit, unitFile, unitName } from '../hosts/units.ts';
import type { FileState } from '../state.ts';
import { argument, no, type ScriptEnd, type ScriptModel, type ScriptRun } from './model.ts';

type PlainFile = Extract<FileState, { kind: 'file' }>;

const observe: ScriptModel = {
  changes: false,
  durationMs: 0,
  run(run) {
    const path = argument(run, 0, 'PATH');
    const kind = kindOf(run, path);
    const file = fileAt(run.state, run.host, path);
    if (file?.kind !== 'file') return { fields: [`kind=${kind}`] };
    return {
      fields: [
        'kind=file',
        `sha256=${sha256Of(file)}`,
        `size=${Buffer.from(file.base64, 'base64').length}`,
        `mode=${file.mode}`,
        `owner=${file.owner}`,
        `group=${file.group}`,
      ],
    };
  },
};

const set: ScriptModel = {
  changes: true,
  durationMs: durationsMs.fileChange,
  run(run) {
    const [key, path] = [argument(run, 0, 'KEY'), argument(run, 1, 'PATH')];
    const wanted = argument(run, 2, 'STATE');
    const [owner, group] = [argument(run, 3, 'OWNER'), argument(run, 4, 'GROUP')];
    const mode = argument(run, 5, 'MODE');
    const previous = argument(run, 6, 'PREVIOUS');
    const refused = onlyFiles(run, path);
    if (refused) return refused;
    const was = standing(run, path);
    const present = plainFile(run, path);
    const kept = systemOf(run.state, run.host).keptFiles;

    if (previous !== '-' && kept[key] === undefined) {
      if (!present)
        return no(
          [`was=${was}`],
          'CHANGED_MEANWHILE',
          `${path} has gone since it was looked at; nothing was changed`,
        );
      if (sha256Of(present) !== previous)
        return no(
          [`was=${was}`],
          'CHANGED_MEANWHILE',
          `${path} was changed by somebody else since it was looked at; nothing was changed`,
        );
      kept[key] = { ...present };
    }
    if (wanted === 'absent') putFile(run.state, run.host, path, null);
    else {
      const file: PlainFile = {
        kind: 'file',
        mode: mode === '-' ? (present?.mode ?? '0644') : mode.padStart(4, '0'),
        owner: owner === '-' ? (present?.owner ?? 'root') : owner,
        group: group === '-' ? (present?.group ?? 'root') : group,
        base64: Buffer.from(run.stdin).toString('base64'),
      };
      const problem = cannotWrite(run, path, file);
      if (problem) return { ...problem, fields: [`was=${was}`] };
      putFile(run.state, run.host, path, file);
    }
    const is = standing(run, path);
    return tell(run, [`was=${was}`, `is=${is}`], was !== is, { at: 7, only: 'active' });
  },
};

const restore: ScriptModel = {
  changes: true,
  durationMs: durationsMs.fileChange,
  run(run) {
    const [key, path] = [argument(run, 0, 'KEY'), argument(run, 1, 'PATH')];
    const [kind, sha256] = [argument(run, 2, 'KIND'), argument(run, 3, 'SHA256')];
    const [owner, group, mode] = [
      argument(run, 4, 'OWNER'),
      argument(run, 5, 'GROUP'),
      argument(run, 6, 'MODE'),
    ];
    const refused = onlyFiles(run, path);
    if (refused) return refused;
    const was = standing(run, path);
    const present = plainFile(run, path);
    const kept = systemOf(run.state, run.host).keptFiles;

    if (kind === 'absent') putFile(run.state, run.host, path, null);
    else if (was !== `file ${sha256} ${owner} ${group} ${mode}`) {
      const source = present && sha256Of(present) === sha256 ? present : kept[key];
      if (source?.kind !== 'file')
        return no(
          [`was=${was}`],
          'BACKUP_MISSING',
          `the previous ${path} is no longer kept at /var/lib/belay/files/${key}`,
        );
      if (sha256Of(source) !== sha256)
        return no(
          [`was=${was}`],
          'BACKUP_DAMAGED',
          `what is kept at /var/lib/belay/files/${key} is not the previous ${path}: its sha256 differs`,
        );
      const file: PlainFile = { kind: 'file', base64: source.base64, owner, group, mode };
      const problem = cannotWrite(run, path, file);
      if (problem) return { ...problem, fields: [`was=${was}`] };
      putFile(run.state, run.host, path, file);
    }
    delete kept[key];
    const is = standing(run, path);
    return tell(run, [`was=${was}`, `is=${is}`], was !== is, {
      at: 7,
      only: argument(run, 9, 'UNITWASACTIVE') === 'yes' ? 'always' : 'never',
    });
  },
};

/** Lets the unit know of a change: arguments UNIT and UNITSTATE stand at `at`. */
function tell(
  run: ScriptRun,
  fields: readonly string[],
  isChanged: boolean,
  { at, only }: { readonly at: number; readonly only: 'active' | 'always' | 'never' },
): ScriptEnd {
  const unit = argument(run, at, 'UNIT');
  if (unit === '-' || !isChanged) return { fields };
  const { state, host, now } = run;
  const name = unitName(unit);
  if (!unitFile(state, host, name)) return no(fields, 'UNIT_NOT_FOUND', `there is no unit ${unit}`);
  const wasActive = isActive(host, name);
  if (only === 'always' || (only === 'active' && wasActive)) {
    if (wasActive && argument(run, at + 1, 'UNITSTATE') === 'restarted') stopUnit(state, host, name);
    const refusal = startUnit(state, host, name, now);
    if (refusal)
      return no(
        fields,
        'SERVICE_FAILED',
        `${unit} could not be started: ${refusal.message.replaceAll('\n', ' | ')}`,
      );
  }
  return { fields: [...fields, `unit=${host.units[name]?.active ?? 'inactive'}`] };
}

function cannotWrite({ state, host }: ScriptRun, path: string, file: PlainFile): ScriptEnd | undefined {
  const folder = path.slice(0, path.lastIndexOf('/')) || '/';
  if (!isFolder(state, host, folder)) return no([], 'NO_SUCH_FOLDER', `the folder ${folder} does not exist`);
  const { users, groups } = systemOf(state, host);
  const isKnown = (names: readonly string[], name: string) => names.includes(name) || /^\d+$/.test(name);
  if (!isKnown(users, file.owner))
    return no([], 'NO_SUCH_OWNER', `cannot give ${path} to the user ${file.owner}`);
  if (!isKnown(groups, file.group))
    return no([], 'NO_SUCH_OWNER', `cannot give ${path} to the group ${file.group}`);
  return undefined;
}

function onlyFiles(run: ScriptRun, path: string): ScriptEnd | undefined {
  const kind = kindOf(run, path);
  return kind === 'file' || kind === 'absent'
    ? undefined
    : no([], 'NOT_A_FILE', `${path} is not a plain file`);
}

function plainFile({ state, host }: ScriptRun, path: string): PlainFile | undefined {
  const file = fileAt(state, host, path);
  return file?.kind === 'file' ? file : undefined;
}

function kindOf({ state, host }: ScriptRun, path: string): 'absent' | 'file' | 'directory' {
  if (fileAt(state, host, path)?.kind === 'file') return 'file';
  return isFolder(state, host, path) ? 'directory' : 'absent';
}

/** `KIND SHA256 OWNER GROUP MODE`. */
function standing(run: ScriptRun, path: string): string {
  const file = plainFile(run, path);
  return file
    ? `file ${sha256Of(file)} ${file.owner} ${file.group} ${file.mode}`
    : `${kindOf(run, path)} - - - -`;
}

export const fileScripts = { 'file/observe': observe, 'file/set': set, 'file/restore': restore };
