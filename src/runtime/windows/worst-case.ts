/** What a task of a window may take at most, by its Reserve, its runbook's limit, or the limits that are written in its steps. */
import { actions, describeStep } from '../../actions/index.ts';
import type { Document } from '../../document/index.ts';
import { plan, worstCaseTime, type UnboundStep } from '../../engine/index.ts';
import type { JsonObject } from '../../json.ts';
import { resolveTargets, type Inventory } from '../../inventory/index.ts';
import type { CheckTask, RunbookTask, WorstCase } from '../../windows/index.ts';
import { defaultsOf } from './task-runbooks.ts';

export interface TaskLimits {
  readonly worstCase: WorstCase;
  /** Steps for which nobody can say how long they may take; they matter where there is no Reserve. */
  readonly unbound: readonly UnboundStep[];
}

const namedMax = 4;

/** A check only reads, so it has nothing to climb down; how long it may take nobody but its Reserve says. */
export function limitsOfCheck({ reserveMs }: CheckTask): TaskLimits {
  if (reserveMs !== undefined)
    return { worstCase: { kind: 'known', forwardMs: reserveMs, rollbackMs: 0 }, unbound: [] };
  const message = 'nobody can say how long it may take: it is a check, and has no limits of its own';
  return { worstCase: { kind: 'unknown', message }, unbound: [] };
}

export function limitsOf(task: RunbookTask, document: Document, inventory: Inventory | null): TaskLimits {
  const program = plan(document, (step) => describeStep(actions, step));
  const parameters = knownParameters(task, document);
  const time = worstCaseTime(program, {
    parameters,
    targets: (step) => {
      const written = step.inputs['Targets'] ?? step.inputs['Hosts'] ?? null;
      const name = typeof written === 'string' ? /^\s*\{\{\s*(\w+)\s*\}\}\s*$/.exec(written)?.[1] : undefined;
      const given = name !== undefined && Object.hasOwn(parameters, name) ? parameters[name] : written;
      const selectors = typeof given === 'string' ? [given] : given;
      if (!Array.isArray(selectors) || !selectors.every((each) => typeof each === 'string')) return undefined;
      const found = resolveTargets(inventory, selectors);
      return found.kind === 'hosts' ? found.hosts.length : undefined;
    },
  });
  const unbound = time.kind === 'unknown' ? time.steps : [];
  const { reserveMs } = task;
  if (reserveMs !== undefined) {
    return {
      worstCase: { kind: 'known', forwardMs: reserveMs, rollbackMs: time.rollbackMs },
      unbound,
    };
  }
  if (time.kind === 'known') return { worstCase: time, unbound };
  const named = unbound.slice(0, namedMax).map(({ path, why }) => `${path} ${why}`);
  const more = unbound.length > namedMax ? `, and ${unbound.length - namedMax} more` : '';
  const message = `nobody can say how long it may take: ${named.join('; ')}${more}`;
  return { worstCase: { kind: 'unknown', message }, unbound };
}

/** What the task gives, and the runbook's defaults behind it. */
export function knownParameters(task: RunbookTask, document: Document): JsonObject {
  return { ...defaultsOf(document), ...task.parameters };
}
