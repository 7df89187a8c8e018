/** What a task of a window may take at most, by its Reserve, its runbook's limit, or the limits that are written in its steps. */
import { actions, describeStep } from '../../actions/index.ts';
import type { Document } from '../../document/index.ts';
import { plan, worstCaseTime, type UnboundStep } from '../../engine/index.ts';
import type { Json, JsonObject } from '../../json.ts';
import { resolveTargets, type Inventory } from '../../inventory/index.ts';
import type { Task, WorstCase } from '../../windows/index.ts';

export interface TaskLimits {
  readonly worstCase: WorstCase;
  /** Steps for which nobody can say how long they may take; they matter where there is no Reserve. */
  readonly unbound: readonly UnboundStep[];
  /** Steps that wait for a person, which nobody is at night. */
  readonly people: readonly string[];
}

const namedMax = 4;

export function limitsOf(task: Task, document: Document, inventory: Inventory | null): TaskLimits {
  const program = plan(document, (step) => describeStep(actions, step));
  const parameters = { ...defaultsOf(document), ...task.parameters };
  const time = worstCaseTime(program, {
    parameters,
    targets: (step) => {
      const written = step.inputs['Targets'] ?? null;
      const name = typeof written === 'string' ? /^\s*\{\{\s*(\w+)\s*\}\}\s*$/.exec(written)?.[1] : undefined;
      const selectors = name !== undefined && Object.hasOwn(parameters, name) ? parameters[name] : written;
      if (!Array.isArray(selectors) || !selectors.every((each) => typeof each === 'string')) return undefined;
      const found = resolveTargets(inventory, selectors);
      return found.kind === 'hosts' ? found.hosts.length : undefined;
    },
  });
  const people = Object.entries(program.descriptors)
    .filter(([path, { flow }]) => !path.includes('/undo/') && (flow === 'approve' || flow === 'pause'))
    .map(([path]) => path);
  const unbound = time.kind === 'unknown' ? time.steps : [];
  const { reserveMs } = task;
  if (reserveMs !== undefined) {
    return {
      worstCase: { kind: 'known', forwardMs: reserveMs, rollbackMs: time.rollbackMs },
      unbound,
      people,
    };
  }
  if (time.kind === 'known') return { worstCase: time, unbound, people };
  const named = unbound.slice(0, namedMax).map(({ path, why }) => `${path} ${why}`);
  const more = unbound.length > namedMax ? `, and ${unbound.length - namedMax} more` : '';
  const message = `nobody can say how long it may take: ${named.join('; ')}${more}`;
  return { worstCase: { kind: 'unknown', message }, unbound, people };
}

/** Defaults that are values; an expression is only known when it runs. */
function defaultsOf(document: Document): JsonObject {
  const known = Object.entries(document.parameters).flatMap(([name, parameter]): [string, Json][] =>
    parameter.default === undefined || JSON.stringify(parameter.default).includes('{{')
      ? []
      : [[name, parameter.default]],
  );
  return Object.fromEntries(known);
}
