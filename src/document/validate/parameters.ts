/** Parameter definitions that contradict themselves. */
import { baseType, coerceArgument } from '../argument.ts';
import { referencesIn } from '../expression.ts';
import { checkArgument, checkDefault } from '../parameters.ts';
import { compilePattern } from '../pattern.ts';
import {
  asWritten,
  describeNode,
  isBareScalar,
  quoteHint,
  type Entry,
  type MapNode,
  type Span,
  type TreeNode,
} from '../tree.ts';
import type { Parameter } from '../types.ts';
import type { ValidationContext } from './context.ts';

export function validateParameters(context: ValidationContext): void {
  const { document, parameters, variables } = context.draft;
  validateDefinitions('parameter', document.parameters, parameters, context);
  validateDefinitions('variable', document.variables ?? {}, variables, context);
  reportDefaultCycles(context);
}

function validateDefinitions(
  noun: 'parameter' | 'variable',
  definitions: Readonly<Record<string, Parameter>>,
  entries: ReadonlyMap<string, Entry>,
  context: ValidationContext,
): void {
  const { report } = context;
  for (const [name, parameter] of Object.entries(definitions)) {
    const what = `${noun} ${name}`;
    const entry = entries.get(name);
    if (entry?.value.kind !== 'map') continue;
    const node = entry.value;
    checkAllowedValues(what, parameter, node, context);
    if (context.strictSsm) refuseBareScalars(what, parameter, node, context);
    if (parameter.allowedPattern !== undefined) {
      const compiled = compilePattern(parameter.allowedPattern);
      if (!compiled.ok) {
        const message = `allowedPattern of ${what} ${compiled.problem}`;
        report.error('BAD_PATTERN', spanOf(node, 'allowedPattern', entry.keySpan), message);
      }
    }
    if (parameter.default === undefined) continue;
    const at = spanOf(node, 'default', entry.keySpan);
    const problems = context.strictSsm
      ? checkArgument(name, parameter, parameter.default, what)
      : checkDefault(name, parameter, parameter.default, what);
    for (const problem of problems) {
      // AWS takes placeholders like "<subnet id>" that every caller must replace; a wrong type it does not.
      const value = node.entries.get('default')?.value;
      const hint = value === undefined ? problem.hint : asWritten(problem.hint, value);
      if (problem.code === 'WRONG_TYPE') report.error('DEFAULT_VALUE', at, problem.message, hint);
      else
        report.warn(
          'DEFAULT_VALUE',
          at,
          `nobody can start with this default: ${problem.message}`,
          problem.hint,
        );
    }
  }
}

function checkAllowedValues(
  what: string,
  parameter: Parameter,
  node: MapNode,
  { report }: ValidationContext,
): void {
  const list = node.entries.get('allowedValues')?.value;
  for (const [index, value] of (parameter.allowedValues ?? []).entries()) {
    const coerced = coerceArgument(parameter.type, value);
    if (coerced.ok) continue;
    const span = (list?.kind === 'list' ? list.items[index]?.span : undefined) ?? node.span;
    const message = `${what} is ${parameter.type}, but its allowed value ${coerced.problem}`;
    const item = list?.kind === 'list' ? list.items[index] : undefined;
    report.error(
      'WRONG_TYPE',
      span,
      message,
      item === undefined ? coerced.hint : asWritten(coerced.hint, item),
    );
  }
}

/** AWS wants a default in quotes where the type is text. Its own runbooks have bare numbers among allowed values. */
function refuseBareScalars(
  what: string,
  { type }: Parameter,
  node: MapNode,
  { report }: ValidationContext,
): void {
  const base = baseType(type);
  if (base !== 'String' && base !== 'StringList') return;
  const visit = (value: TreeNode | undefined): void => {
    if (value?.kind === 'list') value.items.forEach(visit);
    else if (value !== undefined && isBareScalar(value)) {
      const message = `${what} is ${type}, but ${describeNode(value)} is not text`;
      report.error('WRONG_TYPE', value.span, message, quoteHint(value));
    }
  };
  visit(node.entries.get('default')?.value);
}

/** Defaults may name other parameters, which may name others; a circle has no value. */
function reportDefaultCycles({ draft, report }: ValidationContext): void {
  const { parameters } = draft.document;
  const settled = new Set<string>();
  for (const start of Object.keys(parameters)) {
    const path: string[] = [];
    const visit = (name: string): boolean => {
      if (settled.has(name)) return false;
      if (path.includes(name)) {
        path.push(name);
        return true;
      }
      path.push(name);
      const value = Object.hasOwn(parameters, name) ? parameters[name]?.default : undefined;
      for (const reference of value === undefined ? [] : referencesIn(value)) {
        if (reference.kind === 'parameter' && visit(reference.name)) return true;
      }
      path.pop();
      settled.add(name);
      return false;
    };
    if (!visit(start)) continue;
    const circle = path.slice(path.indexOf(path.at(-1) ?? ''));
    const entry = draft.parameters.get(start);
    if (entry?.value.kind === 'map') {
      const message = `these defaults need each other: ${circle.join(' → ')}`;
      report.error('DEFAULT_CYCLE', spanOf(entry.value, 'default', entry.keySpan), message);
    }
    return;
  }
}

function spanOf(node: MapNode, key: string, fallback: Span): Span {
  const value = node.entries.get(key)?.value;
  if (value === undefined) return fallback;
  return value.kind === 'scalar' ? value.span : (node.entries.get(key)?.keySpan ?? fallback);
}
