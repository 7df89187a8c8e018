/**
 * Where the flow of a document can lead, as nodes and edges: what comes next, branches, jumps on failure and cancel, nested
 * steps with their passes, and undo lists. Pure; how it looks is for others.
 */
import { isJsonObject, type Json } from '../json.ts';
import { operators } from './condition.ts';
import { embeddedText } from './expression.ts';
import type { Document, Step } from './types.ts';
import { branchAction } from './validate/branch.ts';

export type GraphEdgeKind =
  | 'next'
  | 'choice'
  | 'default'
  | 'failure'
  | 'cancel'
  | 'nested'
  | 'again'
  | 'undo';

export interface GraphNode {
  /** `Stop`, `PatchNodes/Steps/Stop`, `Stop/undo/Start`; also `(start)` and `(end)`, which no step is called. */
  readonly id: string;
  readonly kind: 'start' | 'end' | 'step' | 'branch';
  readonly name: string;
  readonly action: string;
}

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly kind: GraphEdgeKind;
  /** What is compared, for choices; else empty. */
  readonly label: string;
}

/** Nested steps or an undo list, drawn as a box of its own. */
export interface GraphGroup {
  readonly id: string;
  readonly label: string;
  readonly nodes: readonly GraphNode[];
  readonly groups: readonly GraphGroup[];
}

export interface Graph extends Omit<GraphGroup, 'id' | 'label'> {
  readonly edges: readonly GraphEdge[];
}

/** Where a list of steps goes on: what stands behind its last step, and what a jump may name outside of it. */
interface Continuation {
  readonly prefix: string;
  readonly after: string;
  readonly afterKind: GraphEdgeKind;
  readonly outer: ReadonlyMap<string, string>;
}

interface Made {
  readonly nodes: GraphNode[];
  readonly groups: GraphGroup[];
}

const startId = '(start)';
const endId = '(end)';

export function graphOf(document: Document): Graph {
  const edges: GraphEdge[] = [];
  const made = drawList(
    document.mainSteps,
    { prefix: '', after: endId, afterKind: 'next', outer: new Map() },
    edges,
  );
  const [first] = document.mainSteps;
  edges.unshift({ from: startId, to: first?.name ?? endId, kind: 'next', label: '' });
  const ends: GraphNode[] = [
    { id: startId, kind: 'start', name: 'start', action: '' },
    { id: endId, kind: 'end', name: 'end', action: '' },
  ];
  return { nodes: [...ends, ...made.nodes], groups: made.groups, edges };
}

function drawList(steps: readonly Step[], continuation: Continuation, edges: GraphEdge[]): Made {
  const ids = new Map([
    ...continuation.outer,
    ...steps.map(({ name }): [string, string] => [name, `${continuation.prefix}${name}`]),
  ]);
  const made: Made = { nodes: [], groups: [] };
  for (const [index, step] of steps.entries()) {
    const id = `${continuation.prefix}${step.name}`;
    const kind = step.action === branchAction ? 'branch' : 'step';
    made.nodes.push({ id, kind, name: step.name, action: step.action });
    const follows = steps[index + 1];
    const next =
      follows === undefined
        ? { to: continuation.after, kind: continuation.afterKind }
        : { to: `${continuation.prefix}${follows.name}`, kind: 'next' as const };
    drawFlow(step, id, next, { ids, end: continuation.after === '' ? '' : endId }, edges);
    for (const [input, nested] of Object.entries(step.nested ?? {})) {
      const prefix = `${id}/${input}/`;
      const [first] = nested;
      if (first !== undefined)
        edges.push({ from: id, to: prefix + first.name, kind: 'nested', label: input });
      const inner = drawList(nested, { prefix, after: id, afterKind: 'again', outer: ids }, edges);
      made.groups.push({ id: prefix.slice(0, -1), label: `${step.name}: ${input}`, ...inner });
    }
    if (step.undo.kind === 'steps') {
      const prefix = `${id}/undo/`;
      const [first] = step.undo.steps;
      if (first !== undefined) edges.push({ from: id, to: prefix + first.name, kind: 'undo', label: '' });
      const inner = drawList(
        step.undo.steps,
        { prefix, after: '', afterKind: 'next', outer: new Map() },
        edges,
      );
      made.groups.push({ id: prefix.slice(0, -1), label: `undo of ${step.name}`, ...inner });
    }
  }
  return made;
}

function drawFlow(
  step: Step,
  id: string,
  next: { readonly to: string; readonly kind: GraphEdgeKind },
  { ids, end }: { readonly ids: ReadonlyMap<string, string>; readonly end: string },
  edges: GraphEdge[],
): void {
  const jump = (name: string, kind: GraphEdgeKind, label = ''): void => {
    const to = ids.get(name);
    if (to !== undefined) edges.push({ from: id, to, kind, label });
  };
  let goesOn = true;
  // Behind a branch that takes none of its choices.
  const onward: GraphEdgeKind = step.action === branchAction ? 'default' : 'next';
  if (step.action === branchAction) {
    const { Choices: choices, Default: fallback } = step.inputs;
    for (const choice of Array.isArray(choices) ? (choices as readonly Json[]) : []) {
      if (isJsonObject(choice) && typeof choice['NextStep'] === 'string')
        jump(choice['NextStep'], 'choice', conditionText(choice));
    }
    if (typeof fallback === 'string') {
      jump(fallback, 'default');
      goesOn = false;
    }
  }
  if (goesOn && step.isEnd) {
    if (end !== '') edges.push({ from: id, to: end, kind: onward, label: '' });
  } else if (goesOn && step.nextStep !== undefined) jump(step.nextStep, onward);
  else if (goesOn && next.to !== '') {
    const kind = next.kind === 'next' ? onward : next.kind;
    edges.push({ from: id, to: next.to, kind, label: '' });
  }
  if (step.onFailure.kind === 'step') jump(step.onFailure.step, 'failure');
  if (step.onCancel.kind === 'step') jump(step.onCancel.step, 'cancel');
}

/** `{{ State.Name }} StringEquals running`, `not (…)`, `… and …`. */
export function conditionText(condition: Json): string {
  if (!isJsonObject(condition)) return '';
  for (const [key, word] of [
    ['And', ' and '],
    ['Or', ' or '],
  ] as const) {
    const operands = condition[key];
    if (Array.isArray(operands))
      return (operands as readonly Json[]).map((each) => conditionText(each)).join(word);
  }
  if (condition['Not'] !== undefined) return `not (${conditionText(condition['Not'])})`;
  const operator = operators.find((name) => name in condition);
  if (operator === undefined) return '';
  return `${embeddedText(condition['Variable'] ?? '')} ${operator} ${embeddedText(condition[operator] ?? '')}`;
}
