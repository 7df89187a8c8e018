/** Where the parts of a step's inputs stand in the file. */
import type { StepDraft } from '../draft.ts';
import { locate, scalarText, type Span } from '../tree.ts';

/** Where the key stands that a path below `inputs` ends in. */
export function keySpan(draft: StepDraft, path: readonly (string | number)[]): Span | undefined {
  const inputs = draft.node.entries.get('inputs');
  return inputs === undefined ? undefined : locate(inputs.value, path).key;
}

/** Where a path below `inputs` stands: a scalar itself, the key of a list or map. */
export function inputSpan(draft: StepDraft, path: readonly (string | number)[]): Span {
  const inputs = draft.node.entries.get('inputs');
  if (inputs === undefined) return draft.nameSpan;
  const { node, key } = locate(inputs.value, path);
  if (path.length === 0) return inputs.keySpan;
  const isShown = node.kind === 'scalar' && node.span.end > node.span.start;
  return isShown ? node.span : (key ?? node.span);
}

/** Where a key of a declared output stands; where it has no such key, its name. */
export function outputSpan(draft: StepDraft, name: string, key: string): Span {
  const outputs = draft.node.entries.get('outputs');
  const items = outputs?.value.kind === 'list' ? outputs.value.items : [];
  for (const item of items) {
    if (item.kind !== 'map' || scalarText(item.entries.get('Name')?.value) !== name) continue;
    return (item.entries.get(key) ?? item.entries.get('Name'))?.value.span ?? item.span;
  }
  return outputs?.keySpan ?? draft.nameSpan;
}
