/**
 * Hosts: one step over many hosts (docs/decisions/0023). Each host has a record of its own, on which the step is one of a single host:
 * prepared, tried and later undone for itself. To everybody else it is one step, with one beginning, one end and one undo.
 */
import { errorBudgetOf, type ErrorBudget } from '../../document/index.ts';
import type { Json, JsonObject } from '../../json.ts';
import { cancelled, failureIn, flowFailed, type Ending } from '../endings.ts';
import { failureOf } from '../failure.ts';
import { maxConcurrencyDefault, prepareTimeoutMs } from '../limits.ts';
import { recordOn } from '../on-hosts.ts';
import type { StepRecord } from '../records.ts';
import type { RunStep, StepRun } from '../step-run.ts';
import { launch } from './launch.ts';
import { endingOfHosts } from './over-hosts-ending.ts';

/** `one`: the step on a single host. */
export const overHosts =
  (one: RunStep) =>
  (next: RunStep): RunStep =>
  async (run) => {
    const { record } = run;
    // Where Host is written beside, it is a step of a single host.
    if (record.descriptor.overHosts !== true) return next(run);
    const found = await hostsOf(run);
    if ('status' in found) return found;
    const { hosts } = found;
    const budget = budgetOf(record.inputs ?? {}, hosts.length);
    if (typeof budget === 'string') return flowFailed('INVALID_INPUT', `${record.path}: ${budget}`);
    const begun: StepRecord[] = [];
    record.onHosts = begun;
    record.budget = budget;
    const tally = await launch(run, {
      targets: hosts,
      nameOf: (host) => host,
      budget,
      isStrict: true,
      failsWhenCancelled: false,
      tellsStart: false,
      turn: async (frame, host) => {
        const own = recordOn(record, host);
        begun.push(own);
        const ending = await one({ ...run, frame, record: own, id: `${run.id}@${host}` });
        own.status = ending.status;
        own.result = ending.result;
        return { status: ending.status === 'Exited' ? 'Success' : ending.status, failure: failureIn(ending) };
      },
    });
    return endingOfHosts(record, hosts, tally, budget);
  };

/** Journaled, so that a resumed step goes on with the hosts that it began with. An ending: there are none. */
async function hostsOf({
  frame,
  record,
  id,
}: StepRun): Promise<Ending | { readonly hosts: readonly string[] }> {
  const values = textsIn(record.inputs?.['Hosts'] ?? null);
  if (values.length === 0)
    return flowFailed('UNKNOWN_TARGET', `Hosts of ${record.path} names no host; nothing was begun`);
  const outcome = await frame.activity({
    id: `${id}:hosts`,
    kind: 'findTargets',
    input: { key: 'Hosts', values },
    step: record.path,
    token: frame.execution.id,
    timeoutMs: frame.within(prepareTimeoutMs),
    onLost: 'rerun',
  });
  if (outcome.status === 'cancelled') return cancelled(0);
  if (outcome.status === 'ok') return { hosts: outcome.value };
  const { code, message } = failureOf(outcome);
  return flowFailed(code, `Hosts of ${record.path}: ${message}`);
}

function textsIn(written: Json): string[] {
  const list = Array.isArray(written) ? (written as readonly Json[]) : [written];
  return list.filter((value) => typeof value === 'string' && value !== '') as string[];
}

function budgetOf(inputs: JsonObject, total: number): ErrorBudget | string {
  const { MaxConcurrency: most = maxConcurrencyDefault, MaxErrors: errors = 0 } = inputs;
  return errorBudgetOf({ name: 'MaxConcurrency', value: most }, { name: 'MaxErrors', value: errors }, total);
}
