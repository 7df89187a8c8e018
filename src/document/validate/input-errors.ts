/** ajv's errors as sentences: one per problem, at its place, with the nearest name. */
import type { ErrorObject } from 'ajv/dist/2020.js';

import type { StepDraft } from '../draft.ts';
import { describeNode, locate, type Span } from '../tree.ts';
import { inputSpan } from './inputs.ts';
import type { ValidationContext } from './validate.ts';

type Path = readonly (string | number)[];

export function explainErrors(
  errors: readonly ErrorObject[],
  draft: StepDraft,
  context: ValidationContext,
): void {
  for (const error of settleAlternatives(errors)) explain(error, draft, context);
}

/** A problem as found, or several alternatives none of which fits. */
type Problem = ErrorObject | { readonly alternatives: readonly ErrorObject[]; readonly at: ErrorObject };

/**
 * anyOf and oneOf report every branch. When one branch is plainly meant, because all others already fail on the
 * value's type, its errors stand; otherwise the alternatives are told in one sentence.
 */
function settleAlternatives(errors: readonly ErrorObject[]): Problem[] {
  const settled: Problem[] = [];
  for (const error of errors) {
    if (error.keyword === 'if') continue;
    if (error.keyword !== 'anyOf' && error.keyword !== 'oneOf') {
      settled.push(error);
      continue;
    }
    const inner: ErrorObject[] = [];
    for (let last = settled.at(-1); last !== undefined; last = settled.at(-1)) {
      if ('alternatives' in last || !isBelow(last, error)) break;
      inner.unshift(last);
      settled.pop();
    }
    settled.push(...chooseBranch(inner, error));
  }
  return settled;
}

function isBelow(inner: ErrorObject, outer: ErrorObject): boolean {
  return (
    inner.instancePath.startsWith(outer.instancePath) &&
    (inner.schemaPath.startsWith(`${outer.schemaPath}/`) || inner.schemaPath.startsWith('#/$defs/'))
  );
}

function chooseBranch(inner: readonly ErrorObject[], outer: ErrorObject): Problem[] {
  const branches = new Map<string, ErrorObject[]>();
  for (const error of inner) {
    const branch = error.schemaPath.startsWith(`${outer.schemaPath}/`)
      ? (error.schemaPath.slice(outer.schemaPath.length + 1).split('/')[0] ?? '')
      : error.schemaPath.split('/').slice(0, 3).join('/');
    branches.set(branch, [...(branches.get(branch) ?? []), error]);
  }
  const isOfOtherKind = (errors: readonly ErrorObject[]): boolean =>
    errors.some(
      ({ keyword, instancePath }) =>
        instancePath === outer.instancePath && ['type', 'const', 'enum'].includes(keyword),
    );
  const meant = [...branches.values()].filter((errors) => !isOfOtherKind(errors));
  const [only] = meant;
  if (meant.length === 1 && only !== undefined) return only;
  return [{ alternatives: inner, at: outer }];
}

function explain(problem: Problem, draft: StepDraft, context: ValidationContext): void {
  const { report } = context;
  const error = 'alternatives' in problem ? problem.at : problem;
  const path = pathOf(error.instancePath);
  const what = path.length === 0 ? `step "${draft.step.name}" (${draft.step.action})` : pathText(path);
  if ('alternatives' in problem) {
    explainAlternatives(problem.alternatives, path, draft, context);
    return;
  }
  const span = inputSpan(draft, path);
  const params: Readonly<Record<string, unknown>> = error.params;
  switch (error.keyword) {
    case 'additionalProperties':
    case 'unevaluatedProperties': {
      const key = textOf(params['additionalProperty'] ?? params['unevaluatedProperty']);
      const known = knownKeys(error);
      const noun = path.length === 0 ? 'input' : 'key';
      report.error(
        'UNKNOWN_INPUT',
        keySpan(draft, [...path, key]) ?? span,
        `${what} has no ${noun} ${key}`,
        report.suggest(key, known),
      );
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
      wrong(draft, path, context, `must be ${typeNames(params['type'])}`);
      return;
    case 'enum':
      wrongChoice(draft, path, context, (params['allowedValues'] as readonly unknown[] | undefined) ?? []);
      return;
    case 'const':
      wrongChoice(draft, path, context, [params['allowedValue']]);
      return;
    case 'pattern':
      wrong(draft, path, context, `must match ${textOf(params['pattern'])}`);
      return;
    default:
      report.error(
        'WRONG_INPUT',
        span,
        `${what} of step "${draft.step.name}" ${error.message ?? 'is wrong'}`,
      );
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
  path: Path,
  draft: StepDraft,
  context: ValidationContext,
): void {
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
    const what = path.length === 0 ? `step "${draft.step.name}" (${draft.step.action})` : pathText(path);
    const message = `${what} needs one of ${[...new Set(missing)].join(', ')}`;
    context.report.error('MISSING_INPUT', inputSpan(draft, path), message);
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
  const must = texts.length === 1 ? `must be ${texts[0]}` : `must be one of ${texts.join(', ')}`;
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

function valueAt(draft: StepDraft, path: Path): unknown {
  const inputs = draft.node.entries.get('inputs');
  const node = inputs === undefined ? undefined : locate(inputs.value, path).node;
  return node?.kind === 'scalar' ? node.value : undefined;
}

function keySpan(draft: StepDraft, path: Path): Span | undefined {
  const inputs = draft.node.entries.get('inputs');
  return inputs === undefined ? undefined : locate(inputs.value, path).key;
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

function pathText(path: Path): string {
  if (path.length === 0) return 'inputs';
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${part}`))
    .join('');
}

function typeNames(type: unknown): string {
  const names: Readonly<Record<string, string>> = {
    string: 'text',
    integer: 'a whole number',
    number: 'a number',
    boolean: 'true or false',
    array: 'a list',
    object: 'a map',
    null: 'empty',
  };
  return (Array.isArray(type) ? type : [type])
    .map((name: unknown) => names[textOf(name)] ?? textOf(name))
    .join(' or ');
}

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
