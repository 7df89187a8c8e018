/**
 * A runbook in plain SSM Automation 0.3: Belay's additions are said in AWS's own actions and keys where those can, and named
 * with their place where they cannot.
 */
import { isJsonObject, own, type Json, type JsonObject } from '../../json.ts';
import type { Catalog } from '../catalog.ts';
import { checkDocument } from '../check.ts';
import type { Diagnostic, SourceText } from '../diagnostic.ts';
import type { DocumentDraft, StepDraft } from '../draft.ts';
import { isAwsAction } from '../fit-inputs.ts';
import { inputAdditions } from '../input-additions.ts';
import { parseTree } from '../parse.ts';
import { readTree } from '../read-tree.ts';
import { makeReport } from '../report.ts';
import { toJsonObject, type MapNode, type Span } from '../tree.ts';
import { lowering, type Lowering } from './lowering.ts';
import { substitute } from './substitute.ts';
import { captureSteps, chainOf, findJump, type Chain } from './undo-chain.ts';

export interface Exported {
  /** Present when nothing stood in the way. Keys in the order in which AWS writes them. */
  readonly document?: JsonObject;
  /** Why there is none; and, with `drop`, what was left out. */
  readonly diagnostics: readonly Diagnostic[];
}

type Text = Readonly<Record<string, Json>>;

const stepAdditions = ['undo', 'undoNeeds', 'capture', 'locks'];

export function exportDocument(
  source: SourceText,
  catalog: Catalog,
  options: { readonly drop: boolean },
): Exported {
  const checked = checkDocument(source, catalog);
  if (checked.document === undefined) return { diagnostics: checked.diagnostics };
  // Sound, so that reading it once more finds nothing.
  const quiet = makeReport(source);
  const root = readTree(source, quiet);
  const draft = root === undefined ? undefined : parseTree(root, catalog, quiet);
  if (root?.kind !== 'map' || draft === undefined) return { diagnostics: quiet.finish() };
  const report = makeReport(source);
  const document = lower(root, draft, catalog, lowering(report, options.drop));
  const hasErrors = report.hasErrors;
  return { diagnostics: report.finish(), ...(hasErrors ? {} : { document }) };
}

function lower(root: MapNode, draft: DocumentDraft, catalog: Catalog, out: Lowering): JsonObject {
  const { document } = draft;
  const written = toJsonObject(root);
  const spanOf = (key: string): Span => root.entries.get(key)?.keySpan ?? root.span;
  if (document.locks !== undefined) out.loses(spanOf('locks'), 'SSM has no locks');
  if (document.timeoutSeconds !== undefined)
    out.loses(spanOf('timeoutSeconds'), 'SSM has no time limit of the whole document');
  if (document.notify !== undefined)
    out.loses(spanOf('notify'), 'SSM tells nobody of a failure by itself', 'An EventBridge rule can.');
  const rollsBack = document.rollback.when !== 'never';
  if (document.rollback.when === 'ask') out.loses(spanOf('rollback'), 'SSM asks nobody whether to roll back');
  const steps = lowerSteps(draft, written, rollsBack, catalog, out);
  const parameters = lowerParameters(draft, written, out);
  const kept = ['description', 'assumeRole'].filter((key) => (written[key] ?? null) !== null);
  return {
    schemaVersion: '0.3',
    ...Object.fromEntries(kept.map((key) => [key, written[key] ?? ''])),
    ...(parameters === undefined ? {} : { parameters }),
    ...(written['variables'] === undefined ? {} : { variables: written['variables'] }),
    mainSteps: steps,
    ...(document.outputs.length === 0 ? {} : { outputs: document.outputs }),
    ...(written['files'] === undefined ? {} : { files: written['files'] }),
  };
}

function lowerParameters(draft: DocumentDraft, written: JsonObject, out: Lowering): JsonObject | undefined {
  const parameters = written['parameters'];
  if (!isJsonObject(parameters)) return undefined;
  return Object.fromEntries(
    Object.entries(parameters).map(([name, definition]) => {
      if (!isJsonObject(definition)) return [name, definition];
      const { secret, minValue, maxValue, ...rest } = { ...definition, ...typed(draft, name) };
      const at = draft.parameters.get(name)?.keySpan ?? draft.node.span;
      if (secret !== undefined && secret !== false)
        out.loses(at, `parameter ${name} is secret, and AWS keeps and shows the values of all parameters`);
      if (minValue !== undefined || maxValue !== undefined)
        out.loses(at, `parameter ${name} has bounds for its value, which SSM does not know`);
      return [name, rest];
    }),
  );
}

/** What YAML 1.1 reads otherwise than 1.2, as it is meant. */
function typed({ document }: DocumentDraft, name: string): JsonObject {
  const parameter = own(document.parameters, name);
  const { default: fallback, allowedValues } = parameter ?? {};
  return {
    ...(fallback === undefined ? {} : { default: fallback }),
    ...(allowedValues === undefined ? {} : { allowedValues }),
  };
}

function lowerSteps(
  draft: DocumentDraft,
  written: JsonObject,
  rollsBack: boolean,
  catalog: Catalog,
  out: Lowering,
): readonly Json[] {
  const list = Array.isArray(written['mainSteps']) ? (written['mainSteps'] as readonly Json[]) : [];
  const texts = new Map(draft.steps.map((each, index): [StepDraft, Json | undefined] => [each, list[index]]));
  const toSsm = (each: StepDraft, name: string): readonly Text[] => {
    const text = texts.get(each);
    return lowerStep(each, isJsonObject(text) ? text : toJsonObject(each.node), name, catalog, out);
  };
  const manual = rollsBack ? undefined : draft.steps.find(({ undo }) => undo !== undefined);
  if (manual !== undefined)
    out.loses(
      manual.nameSpan,
      `the undo of step "${manual.step.name}" waits for belay rollback, which SSM does not have`,
    );
  const chain = rollsBack ? undoChain(draft.steps, toSsm, catalog, out) : undefined;
  const routeOf = (each: StepDraft | undefined): Text => {
    const entry = each === undefined ? undefined : chain?.entries.get(each.step.name);
    return entry === undefined ? {} : { onFailure: `step:${entry}` };
  };
  const steps = draft.steps.flatMap((each, index): readonly Text[] => {
    const reads = chain === undefined ? [] : captureSteps(each);
    const route = each.step.onFailure.kind === 'Continue' ? {} : routeOf(each);
    return [
      // A read before a step is not a part of it yet.
      ...reads.map((text) => ({ ...text, ...routeOf(draft.steps[index - 1]) })),
      ...toSsm(each, each.step.name).map((text) => ({ ...text, ...route })),
    ];
  });
  if (chain === undefined || chain.steps.length === 0) return steps;
  return [...ending(steps), ...ending(chain.steps)];
}

/** The last of a list ends the execution. */
const ending = (steps: readonly Text[]): readonly Text[] =>
  steps.map((text, index) => (index === steps.length - 1 ? { ...text, isEnd: true } : text));

function undoChain(
  drafts: readonly StepDraft[],
  toSsm: (draft: StepDraft, name: string) => readonly Text[],
  catalog: Catalog,
  out: Lowering,
): Chain | undefined {
  for (const { step, nameSpan } of drafts) {
    if (step.undo.kind !== 'auto' || !isAwsAction(step.action)) continue;
    if (catalog.action(step.action)?.changes(step.inputs) === 'undoable')
      out.loses(
        nameSpan,
        `step "${step.name}" (${step.action}) is taken back by Belay itself, and by nothing in SSM`,
      );
  }
  if (drafts.every(({ undo }) => undo === undefined)) return undefined;
  const jump = findJump(drafts);
  if (jump === undefined) return chainOf(drafts, toSsm, out);
  const message = `undo lists become a chain of steps behind onFailure, but the flow jumps at step "${jump.step.name}"`;
  out.refuse(jump.nameSpan, message);
  return undefined;
}

function lowerStep(
  draft: StepDraft,
  text: JsonObject,
  name: string,
  catalog: Catalog,
  out: Lowering,
): readonly Text[] {
  const { step, nameSpan, nested, node } = draft;
  const written = Object.fromEntries(Object.entries(text).filter(([key]) => !stepAdditions.includes(key)));
  const kept = {
    ...written,
    ...(isJsonObject(written['inputs'])
      ? { inputs: { ...nestedOf(written['inputs'], draft), ...withoutAdditions(step.inputs) } }
      : {}),
    ...('isEnd' in written ? { isEnd: step.isEnd } : {}),
    ...('isCritical' in written ? { isCritical: step.isCritical } : {}),
  };
  if (step.inputs['Separate'] !== undefined && step.inputs['Separate'] !== false)
    out.loses(nameSpan, `SSM lets whoever started it approve "${step.name}"`);
  if (step.locks !== undefined) out.loses(node.entries.get('locks')?.keySpan ?? nameSpan, 'SSM has no locks');
  for (const inner of [...nested.values()].flat()) {
    if (inner.undo !== undefined)
      out.loses(inner.nameSpan, `the undo of the nested step "${inner.step.name}" has no place in SSM`);
    if (!isAwsAction(inner.step.action))
      out.refuse(
        inner.nameSpan,
        `step "${inner.step.name}" is ${inner.step.action}, which SSM does not have`,
      );
  }
  const action = catalog.action(step.action);
  if (isAwsAction(step.action) && action?.inSsm === undefined) return [{ ...kept, name }];
  const instead = action?.inSsm?.(step.inputs) ?? [];
  if (instead.length === 0) {
    const message = `step "${step.name}" is ${step.action}, and nothing in SSM does the same`;
    out.refuse(node.entries.get('action')?.value.span ?? nameSpan, message);
  }
  return instead.map(({ action: plain, inputs, outputs }, index) => {
    const said = substitute(inputs, (reference) =>
      reference.kind === 'output' && reference.step === 'outputs'
        ? `{{ ${name}.${reference.output} }}`
        : undefined,
    );
    const rest = Object.fromEntries(
      Object.entries(kept).filter(([key]) => !['inputs', 'outputs'].includes(key)),
    );
    const named = index === 0 ? name : `${name}_${index + 1}`;
    return {
      ...rest,
      name: named,
      action: plain,
      inputs: said,
      ...(outputs === undefined ? {} : { outputs }),
    };
  });
}

function withoutAdditions(inputs: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(inputs).filter(([name]) => !inputAdditions.includes(name)));
}

/** Lists of steps, which the inputs as they were read do not hold. */
function nestedOf(inputs: JsonObject, { nested }: StepDraft): JsonObject {
  return Object.fromEntries(Object.entries(inputs).filter(([key]) => nested.has(key)));
}
