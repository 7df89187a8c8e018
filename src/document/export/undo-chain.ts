/**
 * Undo lists → a chain of ordinary steps behind the last one, the newest first, which `onFailure` of each step enters at its
 * own place. That is how SSM documents clean up: the execution still ends Failed.
 */
import { isJsonObject, own, type Json, type JsonObject } from '../../json.ts';
import type { StepDraft } from '../draft.ts';
import { referencesIn } from '../expression.ts';
import { branchAction } from '../validate/branch.ts';
import type { Lowering } from './lowering.ts';
import { substitute } from './substitute.ts';

type Text = Readonly<Record<string, Json>>;

export interface Chain {
  readonly steps: readonly Text[];
  /** Where each step goes when it fails, by its name. */
  readonly entries: ReadonlyMap<string, string>;
}

/** The step that keeps from lowering, because it leads elsewhere than to the next; undefined: all do. */
export function findJump(drafts: readonly StepDraft[]): StepDraft | undefined {
  return drafts.find(
    ({ step }, index) =>
      step.action === branchAction ||
      step.nextStep !== undefined ||
      step.onFailure.kind === 'step' ||
      step.onCancel.kind === 'step' ||
      (step.isEnd && index < drafts.length - 1),
  );
}

/** `lower` gives a step's text in plain SSM. */
export function chainOf(
  drafts: readonly StepDraft[],
  lower: (draft: StepDraft, name: string) => readonly Text[],
  lowering: Lowering,
): Chain {
  const steps: Text[] = [];
  const entries = new Map<string, string>();
  let last: string | undefined;
  // From the first step on, so that each entry knows what stands behind it; the chain itself runs the other way.
  const parts: Text[][] = [];
  for (const draft of drafts) {
    const part = (draft.undo ?? []).flatMap((inner) => undoSteps(draft, inner, lower, lowering));
    const name = part[0]?.['name'];
    if (typeof name === 'string') last = name;
    if (last !== undefined) entries.set(draft.step.name, last);
    parts.unshift(part);
  }
  for (const part of parts) steps.push(...part);
  return { steps, entries };
}

function undoSteps(
  owner: StepDraft,
  inner: StepDraft,
  lower: (draft: StepDraft, name: string) => readonly Text[],
  lowering: Lowering,
): readonly Text[] {
  if (findJump([inner]) !== undefined || inner.step.isEnd) {
    lowering.refuse(
      inner.nameSpan,
      `step "${inner.step.name}" of an undo list jumps, which a chain of steps cannot`,
    );
    return [];
  }
  const rename = (name: string): string => `Undo_${owner.step.name}_${name}`;
  const siblings = new Set((owner.undo ?? []).map(({ step }) => step.name));
  return lower(inner, rename(inner.step.name)).map((text) => {
    const replaced = substitute(text, (reference) => {
      if (reference.kind !== 'output') return undefined;
      const { step, output } = reference;
      if (siblings.has(step)) return `{{ ${rename(step)}.${output} }}`;
      if (step === 'outputs') return `{{ ${owner.step.name}.${output} }}`;
      if (step === 'inputs') return own(owner.step.inputs, output);
      if (step !== 'before') return undefined;
      return owner.step.capture[output]?.kind === 'api'
        ? `{{ ${beforeName(owner, output)}.Value }}`
        : undefined;
    });
    for (const reference of referencesIn(replaced)) {
      if (reference.kind !== 'output' || reference.step !== 'before') continue;
      const why = 'only what capture: reads from an API can be read in SSM as well';
      lowering.refuse(inner.nameSpan, `{{ ${reference.text} }} is what Belay observed before; ${why}`);
    }
    return isJsonObject(replaced) ? { ...replaced, onFailure: 'Continue' } : text;
  });
}

const beforeName = (owner: StepDraft, name: string): string => `Before_${owner.step.name}_${name}`;

/** The reads of `capture:` that an undo list uses, as steps before their owner. */
export function captureSteps(owner: StepDraft): readonly Text[] {
  if (owner.undo === undefined) return [];
  return Object.entries(owner.step.capture).flatMap(([name, capture]) => {
    if (capture.kind !== 'api') return [];
    const inputs: JsonObject = capture.inputs;
    const outputs = [{ Name: 'Value', Selector: capture.selector, Type: 'String' }];
    return [{ name: beforeName(owner, name), action: 'aws:executeAwsApi', inputs, outputs }];
  });
}
