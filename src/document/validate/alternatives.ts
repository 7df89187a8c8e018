/** anyOf and oneOf: of ajv's errors for every branch, those that the author can act on. */
import type { ErrorObject } from 'ajv/dist/2020.js';

/** A problem as found, or several alternatives none of which fits. */
export type Problem =
  | ErrorObject
  | { readonly alternatives: readonly ErrorObject[]; readonly at: ErrorObject };

/**
 * anyOf and oneOf report every branch. When one branch is plainly meant, because all others already fail on the
 * value's type, its errors stand; otherwise the alternatives are told in one sentence.
 */
export function settleAlternatives(errors: readonly ErrorObject[]): Problem[] {
  const settled: Problem[] = [];
  for (const error of errors) {
    if (error.keyword === 'if') continue;
    if (error.keyword !== 'anyOf' && error.keyword !== 'oneOf') {
      settled.push(error);
      continue;
    }
    const inner: Problem[] = [];
    for (let last = settled.at(-1); last !== undefined; last = settled.at(-1)) {
      if (!isBelow(placeOf(last), error)) break;
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

/** The error that says where: alternatives within a branch are one problem of it. */
const placeOf = (problem: Problem): ErrorObject => ('alternatives' in problem ? problem.at : problem);

function chooseBranch(inner: readonly Problem[], outer: ErrorObject): Problem[] {
  const branches = new Map<string, Problem[]>();
  for (const problem of inner) {
    const error = placeOf(problem);
    const branch = error.schemaPath.startsWith(`${outer.schemaPath}/`)
      ? (error.schemaPath.slice(outer.schemaPath.length + 1).split('/')[0] ?? '')
      : error.schemaPath.split('/').slice(0, 3).join('/');
    branches.set(branch, [...(branches.get(branch) ?? []), problem]);
  }
  const told = (problem: Problem): readonly ErrorObject[] =>
    'alternatives' in problem ? problem.alternatives : [problem];
  const isOfOtherKind = (problems: readonly Problem[]): boolean =>
    problems
      .flatMap(told)
      .some(
        ({ keyword, instancePath }) =>
          instancePath === outer.instancePath && ['type', 'const', 'enum'].includes(keyword),
      );
  const meant = [...branches.values()].filter((errors) => !isOfOtherKind(errors));
  const [only] = meant;
  if (meant.length === 1 && only !== undefined) return only;
  return [{ alternatives: inner.flatMap(told), at: outer }];
}
