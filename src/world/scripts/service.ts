/** service/observe and service/set over modelled units. */
import { durationsMs } from '../durations.ts';
import { isActive, startUnit, stopUnit, unitFile, unitName, type Refusal } from '../hosts/units.ts';
import type { UnitBehaviour } from '../state.ts';
import { argument, no, type ScriptEnd, type ScriptModel, type ScriptRun } from './model.ts';

const observe: ScriptModel = {
  changes: false,
  durationMs: 0,
  run(run) {
    const name = unitName(argument(run, 0, 'UNIT'));
    const unit = unitFile(run.state, run.host, name);
    if (!unit)
      return {
        fields: ['LoadState=not-found', 'ActiveState=inactive', 'SubState=dead', 'UnitFileState=', 'Type='],
      };
    return {
      fields: [
        `LoadState=${unit.enablement === 'masked' ? 'masked' : 'loaded'}`,
        `ActiveState=${activeState(run, name)}`,
        `SubState=${subState(run, name, unit.runs)}`,
        `UnitFileState=${unit.enablement}`,
        `Type=${unit.type}`,
      ],
    };
  },
};

const set: ScriptModel = {
  changes: true,
  durationMs: durationsMs.serviceChange,
  run(run) {
    const { state, host } = run;
    const given = argument(run, 0, 'UNIT');
    const wanted = argument(run, 1, 'STATE');
    const enablement = argument(run, 2, 'ENABLED');
    const name = unitName(given);
    const unit = unitFile(state, host, name);
    if (!unit) return no([], 'UNIT_NOT_FOUND', `there is no unit ${given}`);
    if (
      unit.enablement === 'masked' &&
      !(['-', 'stopped', 'inactive'].includes(wanted) && enablement !== 'enabled')
    )
      return no([], 'UNIT_MASKED', `${given} is masked: systemctl unmask it first`);
    const was = `was=${standing(run, name)}`;

    const unlike = setEnablement(run, name, enablement);
    if (unlike !== undefined)
      return no([was, `is=${standing(run, name)}`], 'NOT_ENABLED', `${given} ${unlike}`);
    const isAgain = wanted.endsWith('-again');
    const idles = isAgain && !isActive(host, name);
    const refusal = idles ? undefined : bring(run, name, wanted.replace('-again', ''));
    const fields = [was, `is=${standing(run, name)}`, ...(isAgain && !idles ? [`again=${name}`] : [])];
    if (refusal?.exitCode === reloadNotSupported) return no([was], 'RELOAD_NOT_SUPPORTED', refusal.message);
    if (refusal) return broke(fields, `${given} could not be ${wanted}: ${refusal.message}`);
    return { fields };
  },
};

/** What is to be enabled or disabled and cannot be so, in words. What nothing starts at boot is disabled enough. */
function setEnablement({ state, host }: ScriptRun, name: string, wanted: string): string | undefined {
  const unit = unitFile(state, host, name);
  if (!unit || wanted === '-') return undefined;
  if (unit.enablement === 'static' || unit.enablement === 'masked') {
    if (wanted !== 'enabled') return undefined;
    return 'cannot be enabled: it is static, its file has no [Install] section that says what would start it at boot';
  }
  if (wanted === 'enabled') unit.enablement = 'enabled';
  else unit.enablement = unit.isGenerated ? 'enabled-runtime' : 'disabled';
  if (wanted !== 'disabled' || unit.enablement === 'disabled') return undefined;
  return 'was asked to be disabled and is enabled-runtime afterwards: something in /run enables it anew at each boot, as a generator does';
}

const reloadNotSupported = -1;

/** Brings the unit into the wanted state; does nothing when it is there. */
function bring({ state, host, now }: ScriptRun, name: string, wanted: string): Refusal | undefined {
  switch (wanted) {
    case 'started':
      return startUnit(state, host, name, now);
    case 'stopped':
      return isActive(host, name) ? stopUnit(state, host, name) : undefined;
    case 'inactive':
      // As it is after a stop: no unit at all, so none that has failed.
      return host.units[name] === undefined ? undefined : stopUnit(state, host, name);
    case 'restarted':
      return stopUnit(state, host, name) ?? startUnit(state, host, name, now);
    case 'reloaded':
      if (!canReload(unitFile(state, host, name)?.runs))
        return {
          exitCode: reloadNotSupported,
          message: `${name} cannot reload its configuration; use State: restarted`,
        };
      return isActive(host, name) ? undefined : { exitCode: 1, message: 'it is not active' };
    default:
      return undefined;
  }
}

function canReload(runs: UnitBehaviour | undefined): boolean {
  return runs?.kind === 'process' ? runs.reloads : runs !== undefined;
}

function broke(fields: readonly string[], text: string): ScriptEnd {
  return no(fields, 'SERVICE_FAILED', text.replaceAll('\n', ' | '), text);
}

function standing(run: ScriptRun, name: string): string {
  return `${activeState(run, name)} ${unitFile(run.state, run.host, name)?.enablement ?? '-'}`;
}

function activeState({ host }: ScriptRun, name: string): string {
  return host.units[name]?.active ?? 'inactive';
}

function subState({ host }: ScriptRun, name: string, runs: UnitBehaviour): string {
  const active = host.units[name]?.active;
  if (active !== 'active') return active ?? 'dead';
  if (runs.kind === 'mount') return 'mounted';
  return runs.kind === 'wrapper' ? 'exited' : 'running';
}

export const serviceScripts = { 'service/observe': observe, 'service/set': set };
