/** What a step's action says of itself, given the inputs as written; frozen into the program when an execution starts. */
import type { TSchema } from 'typebox';
import { isExpression } from '../document/index.ts';
import type { Step } from '../document/types.ts';
import type { StepDescriptor, UndoDescriptor } from '../engine/types.ts';
import type { Json, JsonObject } from '../json.ts';
import type { AnyAction } from './define-action.ts';

/** Throws when there is no such action: a document that was found sound has none of those. */
export function describeStep(actions: ReadonlyMap<string, AnyAction>, step: Step): StepDescriptor {
  const action = actions.get(step.action);
  if (action === undefined)
    throw new Error(`step ${step.name} has the action ${step.action}, which does not exist`);
  return describeAction(action, step.inputs);
}

/** An expression in an input stands for everything that it may become: the step is described by the most that it may do. */
export function describeAction(action: AnyAction, inputs: JsonObject): StepDescriptor {
  const undos = possibleInputs(action, inputs).map((possible) => undoOf(action, possible));
  const effects = possibleInputs(action, inputs).map(
    (possible) => (typeof action.effect === 'function' ? action.effect(possible) : action.effect).kind,
  );
  return {
    flow: action.flow ?? null,
    ...(action.overHosts === true && inputs['Hosts'] !== undefined ? { overHosts: true as const } : {}),
    effect: most(effects, (kind) => effectRank.indexOf(kind)),
    observes: action.observe !== undefined,
    ...(action.settled === undefined ? {} : { settled: action.settled }),
    ...putsBackOf(action),
    undo: most(undos, undoRank),
    timeoutSeconds: action.timeoutSeconds ?? null,
    removesRestorePoints: action.removesRestorePoints ?? null,
    usesRestorePoints: action.usesRestorePoints ?? null,
    verdict: action.verdict ?? null,
  };
}

function putsBackOf({ putsBack, settled }: AnyAction): Pick<StepDescriptor, 'putsBack'> {
  const names = putsBack ?? settled;
  return names === undefined ? {} : { putsBack: names };
}

export function describeUndo(action: AnyAction, inputs: JsonObject): UndoDescriptor {
  return most(
    possibleInputs(action, inputs).map((possible) => undoOf(action, possible)),
    undoRank,
  );
}

const effectRank: readonly StepDescriptor['effect'][] = ['read', 'repeatable', 'begun'];

/** One that takes something back is tried, also where it may turn out that there is none: that is told then. */
function undoRank(undo: UndoDescriptor): number {
  switch (undo.kind) {
    case 'notNeeded':
      return 0;
    case 'none':
      return undo.leavesChange ? 2 : 1;
    case 'restorePoint':
      return 3;
    case 'restore':
      return 4;
    default:
      return undo satisfies never;
  }
}

function most<T>(values: readonly T[], rank: (value: T) => number): T {
  return values.reduce((best, value) => (rank(value) > rank(best) ? value : best));
}

/** So many combinations of values are looked at; no action has as many inputs that decide. */
const combinationsMax = 256;

/** The inputs as written, and with every value that an expression can stand for where the schema lists them. */
function possibleInputs(action: AnyAction, inputs: JsonObject): JsonObject[] {
  let all: JsonObject[] = [inputs];
  for (const [name, value] of Object.entries(inputs)) {
    if (typeof value !== 'string' || !isExpression(value)) continue;
    const choices = choicesOf(action.inputs, name);
    if (choices.length === 0 || all.length * (choices.length + 1) > combinationsMax) continue;
    all = all.flatMap((each) => [each, ...choices.map((choice) => ({ ...each, [name]: choice }))]);
  }
  return all;
}

/** The values that a schema lists for a member: true and false, or its literals. */
function choicesOf(schema: TSchema, name: string): Json[] {
  const { properties } = schema as { properties?: Record<string, Choices> };
  const member = properties?.[name];
  if (member === undefined) return [];
  return [member, ...(member.anyOf ?? [])].flatMap(({ type, const: literal, enum: listed }) => [
    ...(type === 'boolean' && literal === undefined ? [true, false] : []),
    ...(literal === undefined ? [] : [literal]),
    ...(listed ?? []),
  ]);
}

interface Choices {
  readonly type?: string;
  readonly const?: Json;
  readonly enum?: readonly Json[];
  readonly anyOf?: readonly Choices[];
}

function undoOf(action: AnyAction, inputs: JsonObject): UndoDescriptor {
  const undo = typeof action.undo === 'function' ? action.undo(inputs) : action.undo;
  switch (undo.kind) {
    case 'none':
      return { kind: 'none', reason: undo.reason, leavesChange: undo.leavesChange };
    case 'restore': {
      if (undo.again === undefined) return { kind: 'restore' };
      const { inputs: wanted, before, of } = undo.again;
      return { kind: 'restore', again: { inputs: wanted, before, of } };
    }
    case 'notNeeded':
    case 'restorePoint':
      return { kind: undo.kind };
    default:
      return undo satisfies never;
  }
}
