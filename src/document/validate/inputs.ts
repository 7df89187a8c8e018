/** A step's inputs against its action's JSON Schema, with each problem at the value that has it. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

import type { JsonObject } from '../../json.ts';
import type { StepDraft } from '../draft.ts';
import { isExpression, wholeReference } from '../expression.ts';
import { pathsOfNul } from '../nul.ts';
import { branchAction } from './branch.ts';
import { explainErrors } from './input-errors.ts';
import { validateKnownTypes } from './known-types.ts';
import { expressionKeyword, openSchema, splicedKeyword } from './open-schema.ts';
import { inputSpan, keySpan, outputSpan } from './spans.ts';
import type { ValidationContext } from './context.ts';

const ajv = new Ajv2020({
  allErrors: true,
  strict: false,
  verbose: true,
  validateFormats: false,
  meta: false,
  validateSchema: false,
  // Making it shorter costs more than it saves: it looks at few values.
  code: { optimize: false },
});
ajv.addKeyword({
  keyword: expressionKeyword,
  schemaType: 'boolean',
  validate: (_: boolean, value: unknown) => isExpression(value),
});
ajv.addKeyword({
  keyword: splicedKeyword,
  schemaType: 'boolean',
  validate: (_: boolean, value: unknown) =>
    Array.isArray(value) &&
    value.some((item: unknown) => typeof item === 'string' && wholeReference(item) !== undefined),
});

/** Compiled once per schema object; an action's schema is the same object for all of its steps. */
const compiled = new WeakMap<JsonObject, ValidateFunction>();

function validatorOf(schema: JsonObject): ValidateFunction {
  const known = compiled.get(schema);
  if (known !== undefined) return known;
  const { $id: _, ...anonymous } = openSchema(schema);
  const validate = ajv.compile(anonymous);
  compiled.set(schema, validate);
  return validate;
}

export function validateInputs(draft: StepDraft, context: ValidationContext): void {
  const { step } = draft;
  const action = context.catalog.action(step.action);
  // The language itself knows what a branch looks like, and says it better.
  if (action === undefined || step.action === branchAction) return;
  const validate = validatorOf(action.inputs);
  if (!validate(step.inputs)) explainErrors(validate.errors ?? [], draft, context);
  for (const path of pathsOfNul(step.inputs, action.bytesInputs ?? []))
    context.report.error(
      'NUL_CHARACTER',
      inputSpan(draft, path),
      `${path.join('.')} of step "${step.name}" holds a NUL character, which no command or API takes`,
    );
  validateKnownTypes(draft, action.inputs, context);
  const refusedByAws = context.strictSsm ? (action.checkInSsm?.(step.inputs) ?? []) : [];
  for (const problem of [
    ...(action.check?.(step.inputs, isExpression) ?? []),
    ...refusedByAws,
    ...context.besides(action.name, step.inputs),
  ]) {
    context.report.foreign(
      problem.code,
      problem.isAboutKey === true
        ? (keySpan(draft, problem.path) ?? inputSpan(draft, problem.path))
        : inputSpan(draft, problem.path),
      `step "${step.name}": ${problem.message}`,
      problem.hint,
      problem.isWarning === true ? 'warning' : 'error',
    );
  }
  warnOfUnknownFiles(draft, action.fileInputs ?? [], context);
  for (const problem of action.checkOutputs?.(step.inputs, step.outputs, isExpression) ?? [])
    context.report.foreign(
      problem.code,
      outputSpan(draft, problem.output, problem.key),
      `step "${step.name}": ${problem.message}`,
      problem.hint,
      problem.isWarning ? 'warning' : 'error',
    );
}

/** A run refuses what files: does not name, before anything is done. */
function warnOfUnknownFiles(
  draft: StepDraft,
  inputs: readonly string[],
  { draft: { document }, report }: ValidationContext,
): void {
  const known = Object.keys(document.files ?? {});
  for (const input of inputs) {
    const { [input]: name } = draft.step.inputs;
    if (typeof name !== 'string' || isExpression(name) || known.includes(name)) continue;
    report.warn(
      'UNKNOWN_REFERENCE',
      inputSpan(draft, [input]),
      `step "${draft.step.name}" takes ${name}, and files: names ${known.join(', ') || 'none'}: it cannot be run so`,
      report.suggest(name, () => known),
    );
  }
}
