/**
 * Values that a window gives to its tasks, written `{{ TARGET_ID }}`.
 * Source: https://docs.aws.amazon.com/systems-manager/latest/userguide/maintenance-window-tasks-pseudo-parameters.html
 */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';

/** What each of them is. Those of a target exist only where a task has Targets. */
export const pseudoParameters = {
  WINDOW_ID: 'the name of the window',
  WINDOW_TASK_ID: 'the name of the task',
  WINDOW_TARGET_ID: 'the selector that the target came from',
  WINDOW_EXECUTION_ID:
    'the id of the occurrence; in tasks of TaskType RUN_COMMAND a UUID made of it, which AWS wants there',
  TASK_EXECUTION_ID: 'the id of the task in this occurrence',
  INVOCATION_ID: 'the id of the run that this target gets',
  TARGET_TYPE: 'INSTANCE',
  TARGET_ID: 'the host or instance id',
  RESOURCE_ID: 'the instance id of the host, where belay.yaml has one; else as TARGET_ID',
} as const;

export type PseudoParameter = keyof typeof pseudoParameters;

const ofTarget: readonly PseudoParameter[] = [
  'WINDOW_TARGET_ID',
  'INVOCATION_ID',
  'TARGET_TYPE',
  'TARGET_ID',
  'RESOURCE_ID',
];
const braces = /\{\{\s*([^{}]*?)\s*\}\}/g;

export function needsTarget(name: string): boolean {
  return ofTarget.some((known) => known === name);
}

export function isPseudoParameter(name: string): name is PseudoParameter {
  return Object.hasOwn(pseudoParameters, name);
}

/** Names in double braces, in the order written, pseudo parameters or not. */
export function namesInBraces(text: string): readonly string[] {
  return [...text.matchAll(braces)].map((match) => match[1] ?? '');
}

/** Values with every pseudo parameter in its place; what else stands in braces stays. */
export function withPseudoParameters(
  parameters: JsonObject,
  values: Readonly<Partial<Record<PseudoParameter, string>>>,
): JsonObject {
  const replaced = (value: Json): Json => {
    if (typeof value === 'string') {
      return value.replaceAll(braces, (whole, name: string) =>
        isPseudoParameter(name) ? (values[name] ?? whole) : whole,
      );
    }
    if (Array.isArray(value)) return value.map(replaced);
    if (isJsonObject(value)) {
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, replaced(inner)]));
    }
    return value;
  };
  return replaced(parameters) as JsonObject;
}
