/** ajv's errors as sentences: one per problem, at its place, with the nearest name. */
import type { ErrorObject } from 'ajv/dist/2020.js';

import type { StepDraft } from '../draft.ts';
import { isAwsAction } from '../fit-inputs.ts';
import { joinOr } from '../suggest.ts';
import { describeNode, locate, quoteHint } from '../tree.ts';
import { settleAlternatives, type Problem } from './alternatives.ts';
import { inputSpan, keySpan } from './spans.ts';
import { pathText, textOf, typeNames, valueRule } from './schema-words.ts';
import type { ValidationContext } from './context.ts';

type Path = readonly (string | number)[];

export function explainErrors(
  errors: readonly ErrorObject[],
  draft: StepDraft,
  context: ValidationContext,
): void {
  for (const error of settleAlternatives(errors)) explain(error, draft, context);
}

function explain(problem: Problem, draft: StepDraft, context: ValidationContext): void {
  const { report } = context;
  const error = 'alternatives' in problem ? problem.at : problem;
  const path = pathOf(error.instancePath);
  const what = path.length === 0 ? `step "${draft.step.name}" (${draft.step.action})` : pathText(path);
  if ('alternatives' in problem) {
    explainAlternatives(problem.alternatives, error, draft, context);
    return;
  }
  const span = inputSpan(draft, path);
  const params: Readonly<Record<string, unknown>> = error.params;
  switch (error.keyword) {
    case 'additionalProperties':
    case 'unevaluatedProperties': {
      const key = textOf(params['additionalProperty'] ?? params['unevaluatedProperty']);
      const known = [...knownKeys(error), ...(path.length === 0 ? nestedLists(draft, context) : [])];
      const at = keySpan(draft, [...path, key]) ?? span;
      const hint = report.suggest(key, known);
      const message = `${what} has no ${path.length === 0 ? 'input' : 'key'} ${key}`;
      const isMisspelt = hint?.startsWith('Did') === true;
      if (path.length === 0 && isAwsAction(draft.step.action) && !isMisspelt && !context.strictSsm)
        report.warn('UNKNOWN_INPUT', at, `${message}; it is ignored`, hint);
      else report.error('UNKNOWN_INPUT', at, message, hint);
      return;
    }
    case 'required': {
      const key = textOf(params['missingProperty']);
      const noun = path.length === 0 ? 'the input ' : '';
      const misspelt = misspeltKey(error, key, draft, path, context);
      if (!misspelt) report.error('MISSING_INPUT', span, `${what} needs ${noun}${key}`);
      return;
    }
    case 'type':
      wrong(
        draft,
        path,
        context,
        `must be ${typeNames(params['type'])}`,
        hintAt(params['type'], draft, path),
      );
      return;
    case 'enum':
      wrongChoice(draft, path, context, (params['allowedValues'] as readonly unknown[] | undefined) ?? []);
      return;
    case 'const':
      wrongChoice(draft, path, context, [params['allowedValue']]);
      return;
    default:
      wrong(draft, path, context, valueRule(error) ?? error.message ?? 'is wrong');
  }
}

/** When the missing key stands there misspelt, the unknown key is reported already and says so. */
function misspeltKey(
  error: ErrorObject,
  key: string,
  draft: StepDraft,
  path: Path,
  { report }: ValidationContext,
): boolean {
  const inputs = draft.node.entries.get('inputs');
  const node = inputs === undefined ? undefined : locate(inputs.value, path).node;
  if (node?.kind !== 'map' || isOpenMap(error)) return false;
  const known = knownKeys(error);
  return [...node.entries.keys()].some(
    (present) => !known.includes(present) && report.suggest(present, known) === `Did you mean ${key}?`,
  );
}

function isOpenMap({ parentSchema }: ErrorObject): boolean {
  return (
    parentSchema?.['additionalProperties'] !== false && parentSchema?.['unevaluatedProperties'] !== false
  );
}

function explainAlternatives(
  alternatives: readonly ErrorObject[],
  at: ErrorObject,
  draft: StepDraft,
  context: ValidationContext,
): void {
  const path = pathOf(at.instancePath);
  const what = path.length === 0 ? `step "${draft.step.name}" (${draft.step.action})` : pathText(path);
  const values: unknown[] = [];
  const types: unknown[] = [];
  const missing: string[] = [];
  for (const { keyword, params } of alternatives) {
    if (keyword === 'const') values.push(params['allowedValue']);
    else if (keyword === 'enum') values.push(...(params['allowedValues'] as readonly unknown[]));
    else if (keyword === 'type') types.push(params['type']);
    else if (keyword === 'required') missing.push(textOf(params['missingProperty']));
  }
  if (values.length > 0 && types.length === 0) {
    wrongChoice(draft, path, context, values);
    return;
  }
  if (missing.length > 0 && types.length === 0) {
    if (missing.some((key) => misspeltKey(at, key, draft, path, context))) return;
    const message = `${what} needs ${joinOr([...new Set(missing)])}`;
    context.report.error('MISSING_INPUT', inputSpan(draft, path), message);
    return;
  }
  const exclusive = at.keyword === 'oneOf' && alternatives.length === 0 ? requiredKeys(at.schema) : [];
  if (exclusive.length > 0) {
    const message = `${what} takes only one of ${exclusive.join(', ')}`;
    context.report.error('WRONG_INPUT', inputSpan(draft, path), message);
    return;
  }
  const wanted = [...new Set([...types.map(typeNames), ...values.map((value) => JSON.stringify(value))])];
  wrong(
    draft,
    path,
    context,
    wanted.length === 0 ? 'has no form that fits' : `must be ${wanted.join(' or ')}`,
  );
}

function wrongChoice(
  draft: StepDraft,
  path: Path,
  context: ValidationContext,
  allowed: readonly unknown[],
): void {
  const texts = allowed.map(textOf);
  const value = valueAt(draft, path);
  const hint = typeof value === 'string' ? context.report.suggest(value, texts) : undefined;
  const must = texts.length === 1 ? `must be ${texts[0]}` : `must be ${joinOr(texts)}`;
  wrong(draft, path, context, must, hint?.startsWith('Did') === true ? hint : undefined);
}

function wrong(draft: StepDraft, path: Path, context: ValidationContext, must: string, hint?: string): void {
  const inputs = draft.node.entries.get('inputs');
  const node = inputs === undefined ? undefined : locate(inputs.value, path).node;
  const is = node === undefined ? 'missing' : describeNode(node);
  context.report.error(
    'WRONG_INPUT',
    inputSpan(draft, path),
    `${pathText(path)} of step "${draft.step.name}" ${must}, but is ${is}`,
    hint,
  );
}

function hintAt(type: unknown, draft: StepDraft, path: Path): string | undefined {
  const inputs = draft.node.entries.get('inputs');
  return type === 'string' && inputs !== undefined ? quoteHint(locate(inputs.value, path).node) : undefined;
}

function valueAt(draft: StepDraft, path: Path): unknown {
  const inputs = draft.node.entries.get('inputs');
  const node = inputs === undefined ? undefined : locate(inputs.value, path).node;
  return node?.kind === 'scalar' ? node.value : undefined;
}

/** The keys that the branches of a oneOf require. */
function requiredKeys(branches: unknown): string[] {
  if (!Array.isArray(branches)) return [];
  return branches.flatMap((branch: unknown) => {
    const keys: unknown =
      typeof branch === 'object' && branch !== null && 'required' in branch ? branch.required : [];
    return Array.isArray(keys) ? keys.map(textOf) : [];
  });
}

/** The inputs that hold steps: they are read as steps before the schema sees the inputs. */
function nestedLists({ step }: StepDraft, { catalog }: ValidationContext): string[] {
  return Object.keys(catalog.action(step.action)?.nests?.lists ?? {});
}

function knownKeys({ parentSchema }: ErrorObject): string[] {
  const properties: unknown = parentSchema?.['properties'];
  return typeof properties === 'object' && properties !== null ? Object.keys(properties) : [];
}

/** `/Filters/0/Name` → ['Filters', 0, 'Name']. Indices of lists come as numbers. */
function pathOf(pointer: string): Path {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}
