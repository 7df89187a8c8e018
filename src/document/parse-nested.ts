/** Steps that stand in another step's inputs, as those of belay:rolling do: taken out of the inputs and read as steps. */
import type { Catalog, Nests } from './catalog.ts';
import type { StepDraft, StepsContext } from './draft.ts';
import type { MapReader } from './read-keys.ts';
import { describeNode, scalarText, type Entry, type MapNode, type TreeNode } from './tree.ts';
import type { Step } from './types.ts';

export interface NestedLists {
  readonly nests: Nests | undefined;
  readonly entries: ReadonlyMap<string, Entry>;
}

/** The step without the lists, so that nobody takes nested steps for values of inputs; and the lists. */
export function takeNested(
  node: MapNode,
  catalog: Catalog,
): { readonly node: MapNode; readonly lists: NestedLists } {
  const nests = catalog.action(scalarText(node.entries.get('action')?.value))?.nests;
  const inputs = node.entries.get('inputs');
  if (nests === undefined || inputs?.value.kind !== 'map')
    return { node, lists: { nests, entries: new Map() } };
  const isList = (name: string): boolean => Object.hasOwn(nests.lists, name);
  const all = [...inputs.value.entries];
  const rest: MapNode = { ...inputs.value, entries: new Map(all.filter(([name]) => !isList(name))) };
  const entries = new Map(all.filter(([name]) => isList(name)));
  return {
    node: { ...node, entries: new Map([...node.entries, ['inputs', { ...inputs, value: rest }]]) },
    lists: { nests, entries },
  };
}

export function parseNested(
  reader: MapReader,
  { nests, entries }: NestedLists,
  context: StepsContext,
  parseSteps: (items: readonly TreeNode[], context: StepsContext) => StepDraft[],
): ReadonlyMap<string, readonly StepDraft[]> {
  const nested = new Map<string, readonly StepDraft[]>();
  if (nests === undefined) return nested;
  const { report } = reader;
  const action = reader.node.entries.get('action');
  const at = action?.value.span ?? reader.node.span;
  const objection = objectionTo(nests, context);
  if (objection !== undefined) {
    report.error(
      'NESTING',
      at,
      `${reader.what} nests steps of its own, and ${objection.why}`,
      objection.hint,
    );
    return nested;
  }
  const onCancel = reader.node.entries.get('onCancel');
  if (nests.scope === 'pass' && onCancel !== undefined && scalarText(onCancel.value) !== 'Abort') {
    const message = `${reader.what} has an onCancel, which only the steps inside of it may have`;
    report.error('ON_CANCEL', onCancel.keySpan, message);
  }
  const undo = reader.node.entries.get('undo');
  if (undo !== undefined) {
    const message = `${reader.what} has an undo, but what is undone are its nested steps`;
    report.error('UNDO', undo.keySpan, message, 'Give the undo to the nested step that changes something.');
  }
  for (const [name, list] of Object.entries(nests.lists)) {
    const entry = entries.get(name);
    if (entry === undefined) {
      if (list.required) report.error('MISSING_INPUT', at, `${reader.what} needs the input ${name}`);
      continue;
    }
    if (entry.value.kind !== 'list' || entry.value.items.length === 0) {
      const found = entry.value.kind === 'list' ? 'an empty list' : describeNode(entry.value);
      report.error(
        'WRONG_INPUT',
        entry.keySpan,
        `${name} of ${reader.what} must be a list of steps, but is ${found}`,
      );
      continue;
    }
    const step = scalarText(reader.node.entries.get('name')?.value);
    const nestedIn = [
      ...context.nestedIn,
      { step, scope: nests.scope, input: name, readsOnly: list.readsOnly },
    ];
    nested.set(name, parseSteps(entry.value.items, { ...context, nestedIn }));
  }
  return nested;
}

/** Lists of steps in lists of steps. */
const nestingMax = 8;

function objectionTo(
  { scope }: Nests,
  { nestedIn, undoOf }: StepsContext,
): { readonly why: string; readonly hint: string } | undefined {
  if (undoOf !== undefined)
    return {
      why: `is in the undo list of "${undoOf}"`,
      hint: 'Undo lists hold ordinary steps only.',
    };
  const reading = nestedIn.find(({ readsOnly }) => readsOnly);
  if (reading !== undefined)
    return {
      why: `is in ${reading.input} of "${reading.step}"`,
      hint: `${reading.input} holds ordinary steps only.`,
    };
  const turn = scope === 'turn' ? nestedIn.find((around) => around.scope === 'turn') : undefined;
  if (turn !== undefined)
    return {
      why: `is in the steps of "${turn.step}", which takes turns already`,
      hint: 'A loop may be there; a rolling inside another one may not.',
    };
  if (nestedIn.length < nestingMax) return undefined;
  return { why: `is ${nestingMax} lists of nested steps deep already`, hint: 'Nest no deeper.' };
}

export function stepsOf(
  nested: ReadonlyMap<string, readonly StepDraft[]>,
): Readonly<Record<string, readonly Step[]>> {
  return Object.fromEntries([...nested].map(([name, drafts]) => [name, drafts.map(({ step }) => step)]));
}
