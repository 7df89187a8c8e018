/**
 * Where a secret parameter must not stand: in what Belay itself reads, compares or keeps. It never sees the value there,
 * so a branch on it would silently go the wrong way.
 */
import type { StepDraft } from '../draft.ts';
import { baseType } from '../argument.ts';
import { referencesIn } from '../expression.ts';
import type { Reference } from '../reference.ts';
import type { TreeNode } from '../tree.ts';
import { own } from '../../json.ts';
import type { Path } from '../expression.ts';
import { mayHoldSecret } from '../secret-places.ts';
import { findExpressions } from './expressions.ts';
import type { StepList, ValidationContext } from './context.ts';

/** Types, assumeRole, notify and locks. */
export function validateDocumentSecrets(context: ValidationContext): void {
  const { draft, report } = context;
  for (const [name, entry] of draft.parameters) {
    const parameter = own(draft.document.parameters, name);
    if (parameter?.secret !== true || baseType(parameter.type) === 'String') continue;
    const at = entry.value.kind === 'map' ? entry.value.entries.get('type')?.value.span : undefined;
    report.error(
      'SECRET_PARAMETER',
      at ?? entry.keySpan,
      `parameter ${name} is secret and ${parameter.type}, but a secret is always text`,
      'Take type: String.',
    );
  }
  for (const key of ['assumeRole', 'notify', 'locks', 'variables'])
    refuseIn(draft.node.entries.get(key)?.value, key, undefined, context);
}

/** Inputs, time limits, locks and captures of a list's steps. */
export function validateStepSecrets(list: StepList, context: ValidationContext): void {
  for (const { step, node } of list.drafts) {
    const what = `step "${step.name}"`;
    const undone = list.undoOf;
    for (const key of ['timeoutSeconds', 'capture', 'locks'])
      refuseIn(node.entries.get(key)?.value, `${key} of ${what}`, undone, context);
    const action = context.catalog.action(step.action);
    const inputs = node.entries.get('inputs')?.value;
    if (action === undefined || inputs === undefined) continue;
    const allowed = action.secretInputs(step.inputs);
    for (const place of placesOf(inputs, [])) {
      if (mayHoldSecret(place.path, allowed)) continue;
      const [input = 'inputs'] = place.path;
      refuseIn(place.node, `${input} of ${what}`, undone, context, allowed);
    }
  }
}

/** Every part of the inputs that holds no other. */
function placesOf(node: TreeNode, path: Path): readonly { readonly path: Path; readonly node: TreeNode }[] {
  switch (node.kind) {
    case 'scalar':
      return [{ path, node }];
    case 'list':
      return node.items.flatMap((item, index) => placesOf(item, [...path, index]));
    case 'map':
      return Array.from(node.entries, ([key, { value }]) => placesOf(value, [...path, key])).flat();
    default:
      return node satisfies never;
  }
}

function refuseIn(
  node: TreeNode | undefined,
  where: string,
  undone: StepDraft | undefined,
  context: ValidationContext,
  allowed: readonly string[] = [],
): void {
  if (node === undefined) return;
  for (const { reference, span } of findExpressions(node, context.source.text).references) {
    const name = secretBehind(reference, undone, context);
    if (name === undefined) continue;
    context.report.error(
      'SECRET_PARAMETER',
      span,
      `${where} uses {{ ${reference.text} }}, but ${name} is secret: what is written here is kept, shown or sent where others read it`,
      where.startsWith('Choices ')
        ? 'Let a host:command look at it by Env, and go by its exit code.'
        : allowed.length > 0
          ? `Of this action, ${allowed.join(', ')} may hold one.`
          : undefined,
    );
  }
}

/** The secret parameter that the reference gives, itself or as `inputs.X` of the step that is undone. */
function secretBehind(
  reference: Reference,
  undone: StepDraft | undefined,
  { draft }: ValidationContext,
): string | undefined {
  if (reference.kind === 'parameter')
    return own(draft.document.parameters, reference.name)?.secret === true ? reference.name : undefined;
  if (reference.kind !== 'output' || reference.step !== 'inputs' || undone === undefined) return undefined;
  const given = own(undone.step.inputs, reference.output);
  return given === undefined
    ? undefined
    : referencesIn(given)
        .flatMap((inner) => (inner.kind === 'parameter' ? [inner.name] : []))
        .find((name) => own(draft.document.parameters, name)?.secret === true);
}
