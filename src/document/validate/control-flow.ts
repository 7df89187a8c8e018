/**
 * The control flow: where each step can lead. Finds jumps to steps that do not exist, circles, steps that nothing leads to.
 * Linear in the number of steps and jumps, and iterative, so that 10,000 steps in a row neither take long nor
 * exhaust the stack. Sources: reference page sections 1.3 and 4.1–4.3.
 */
import type { StepDraft } from '../draft.ts';
import type { Span } from '../tree.ts';
import { branchAction, branchTargets, validateBranch } from './branch.ts';
import { exitsOf, leavesTo } from './exits.ts';
import { listsAround, type StepList, type ValidationContext } from './context.ts';

export interface Edge {
  readonly to: number;
  /** Where the jump is written; undefined for the step that simply stands next. */
  readonly span: Span | undefined;
  /** Taken only after a failure or a cancel. */
  readonly isTrouble?: true;
}

export interface ControlFlowGraph {
  /** By index of the step in its list. */
  readonly edges: readonly (readonly Edge[])[];
  readonly isReachable: readonly boolean[];
  /** Reachable steps, each before all that it leads to; undefined when there is a circle. */
  readonly order: readonly number[] | undefined;
}

export function validateControlFlow(list: StepList, context: ValidationContext): ControlFlowGraph {
  let isComplete = true;
  const edges = list.drafts.map((draft, index) =>
    edgesOf(draft, index, list, context, () => {
      isComplete = false;
    }),
  );
  const { isReachable, order, cycles } = walk(edges);
  for (const cycle of cycles) reportCycle(cycle, edges, list, context);
  // A jump to nowhere was meant for somewhere: what it leaves unreached is its echo.
  if (isComplete) reportUnreachable(isReachable, list, context);
  return { edges, isReachable, order: cycles.length === 0 ? order : undefined };
}

function edgesOf(
  draft: StepDraft,
  index: number,
  list: StepList,
  context: ValidationContext,
  missed: () => void,
): Edge[] {
  const { step, node } = draft;
  const edges: Edge[] = [];
  const jump = (target: string, span: Span, key: string): void => {
    const to = list.indexOf.get(target);
    const isTrouble = key === 'onFailure' || key === 'onCancel';
    if (to !== undefined) edges.push({ to, span, ...(isTrouble ? { isTrouble } : {}) });
    else if (leavesTo(list, target)) return;
    else {
      reportUnknownStep(step.name, key, target, span, list, context);
      missed();
    }
  };
  const spanOf = (key: string): Span => node.entries.get(key)?.value.span ?? draft.nameSpan;

  const isBranch = step.action === branchAction;
  let fallsThrough = !step.isEnd;
  if (isBranch) {
    validateBranch(draft, context);
    for (const target of branchTargets(draft)) {
      jump(target.step, target.span, target.key);
      if (target.key === 'Default' && step.onFailure.kind !== 'Continue') fallsThrough = false;
    }
  }
  if (step.nextStep !== undefined) {
    // A jump that isEnd keeps from being taken must still name a step.
    if (fallsThrough) jump(step.nextStep, spanOf('nextStep'), 'nextStep');
    else if (!list.indexOf.has(step.nextStep) && !leavesTo(list, step.nextStep)) {
      reportUnknownStep(step.name, 'nextStep', step.nextStep, spanOf('nextStep'), list, context);
    }
  } else if (fallsThrough && index + 1 < list.drafts.length) {
    edges.push({ to: index + 1, span: undefined });
  }
  for (const { target, span } of exitsOf(draft)) {
    const to = list.indexOf.get(target);
    if (to !== undefined) edges.push({ to, span });
  }
  if (step.onFailure.kind === 'step') jump(step.onFailure.step, spanOf('onFailure'), 'onFailure');
  if (step.onCancel.kind === 'step') {
    jump(step.onCancel.step, spanOf('onCancel'), 'onCancel');
    checkOnCancelTarget(draft, step.onCancel.step, spanOf('onCancel'), list, context);
  }
  return edges;
}

function reportUnknownStep(
  from: string,
  key: string,
  target: string,
  span: Span,
  list: StepList,
  { report }: ValidationContext,
): void {
  const isOutside = [...listsAround(list.outer)].some(({ indexOf }) => indexOf.has(target));
  const message = isOutside
    ? `${key} of step "${from}" leads to ${target}, which is not in this ${list.undoOf === undefined ? 'list of nested steps' : 'undo list'}`
    : `${key} of step "${from}" leads to ${target}, which does not exist`;
  report.error(
    'UNKNOWN_STEP',
    span,
    message,
    report.suggest(target, () => [...list.indexOf.keys()]),
  );
}

function checkOnCancelTarget(
  draft: StepDraft,
  target: string,
  span: Span,
  list: StepList,
  { catalog, report }: ValidationContext,
): void {
  const around = [...listsAround(list)].find(({ indexOf }) => indexOf.has(target));
  const index = around?.indexOf.get(target);
  const action = index === undefined ? undefined : around?.drafts[index]?.step.action;
  if (action === undefined || catalog.action(action)?.allowedInOnCancel !== false) return;
  // Published documents do it all the same, so AWS does not refuse them.
  report.warn(
    'ON_CANCEL_TARGET',
    span,
    `onCancel of step "${draft.step.name}" leads to ${target}, an ${action} step, which AWS does not support there`,
  );
}

interface Walk {
  readonly isReachable: boolean[];
  readonly order: number[];
  /** Each a list of steps, the last of which leads to the first. */
  readonly cycles: number[][];
}

/** Depth first from the first step, with an explicit stack. */
function walk(edges: readonly (readonly Edge[])[]): Walk {
  const state: ('open' | 'done' | undefined)[] = Array.from({ length: edges.length });
  const finished: number[] = [];
  const cycles: number[][] = [];
  const stack: { readonly at: number; next: number }[] = edges.length === 0 ? [] : [{ at: 0, next: 0 }];
  if (edges.length > 0) state[0] = 'open';
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const edge = edges[top.at]?.[top.next];
    top.next += 1;
    if (edge === undefined) {
      state[top.at] = 'done';
      finished.push(top.at);
      stack.pop();
    } else if (state[edge.to] === 'open') {
      cycles.push(stack.slice(stack.findIndex(({ at }) => at === edge.to)).map(({ at }) => at));
      if (cycles.length >= cyclesMax) break;
    } else if (state[edge.to] === undefined) {
      state[edge.to] = 'open';
      stack.push({ at: edge.to, next: 0 });
    }
  }
  return {
    isReachable: state.map((known) => known !== undefined),
    order: finished.toReversed(),
    cycles,
  };
}

/** Each circle is followed through the whole stack, so their number is bounded. */
const cyclesMax = 20;

function reportCycle(
  cycle: readonly number[],
  edges: readonly (readonly Edge[])[],
  list: StepList,
  { report }: ValidationContext,
): void {
  const names = cycle.map((index) => list.drafts[index]?.step.name ?? '');
  // A circle has at least one jump backwards, and that one is written down.
  for (const [place, index] of cycle.entries()) {
    const to = cycle[(place + 1) % cycle.length] ?? index;
    const edge = edges[index]?.find((candidate) => candidate.to === to && candidate.span !== undefined);
    if (to > index || edge?.span === undefined) continue;
    const path = [...names.slice(place + 1), ...names.slice(0, place + 1)];
    const shown = path.length > 8 ? [...path.slice(0, 4), '…', ...path.slice(-3)] : path;
    report.error(
      'CYCLE',
      edge.span,
      `these steps never end: ${[...shown, path[0] ?? ''].join(' → ')}`,
      'A jump back is fine as long as it does not come round again.',
    );
    return;
  }
}

function reportUnreachable(
  isReachable: readonly boolean[],
  list: StepList,
  { report }: ValidationContext,
): void {
  for (const [index, draft] of list.drafts.entries()) {
    const isFirstOfRun = isReachable[index] === false && isReachable[index - 1] !== false;
    if (!isFirstOfRun) continue;
    let after = index + 1;
    while (isReachable[after] === false) after += 1;
    const others = after - index - 1;
    const more = others === 0 ? '' : `, nor the ${others === 1 ? 'step' : `${others} steps`} after it`;
    report.warn('UNREACHABLE_STEP', draft.nameSpan, `no path leads to step "${draft.step.name}"${more}`);
  }
}
