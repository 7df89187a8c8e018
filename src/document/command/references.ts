/** `{{ name }}` in a Command document: every name must be a parameter, or something that SSM itself puts in. */
import type { Report } from '../report.ts';
import type { MapNode, TreeNode } from '../tree.ts';

export const referencePattern = /\{\{\s*([A-Za-z0-9_.:/-]+)\s*\}\}/g;

/** Says where a name is not a parameter. SSM leaves such text as it is, so that it is a warning. */
export function checkReferences(root: MapNode, parameters: readonly string[], report: Report): void {
  const visit = (node: TreeNode): void => {
    if (node.kind === 'list') node.items.forEach(visit);
    if (node.kind === 'map') for (const entry of node.entries.values()) visit(entry.value);
    if (node.kind !== 'scalar' || typeof node.value !== 'string') return;
    for (const [, name = ''] of node.value.matchAll(referencePattern)) {
      if (/[:./-]/.test(name) || parameters.includes(name)) continue;
      const message = `{{ ${name} }} is not a parameter of the document: the text stays as it is`;
      report.warn('UNKNOWN_REFERENCE', node.span, message, report.suggest(name, parameters));
    }
  };
  for (const key of ['mainSteps', 'runtimeConfig']) {
    const entry = root.entries.get(key);
    if (entry !== undefined) visit(entry.value);
  }
}
