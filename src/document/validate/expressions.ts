/** Finds every expression below a node together with the place of its name in the file. */
import { parseTemplate } from '../expression.ts';
import { parseReference, type Reference } from '../reference.ts';
import type { Span, TreeNode } from '../tree.ts';

export interface PlacedReference {
  readonly reference: Reference;
  readonly span: Span;
}

/** Text in braces that is not a reference. */
export interface PlacedBraces {
  readonly inner: string;
  readonly span: Span;
}

export interface Expressions {
  readonly references: readonly PlacedReference[];
  readonly others: readonly PlacedBraces[];
}

/** Braces that are closed by one brace or two, so that a forgotten one is seen. */
const bracesPattern = /\{\{([^{}]*)\}\}?/g;

export function findExpressions(root: TreeNode, source: string): Expressions {
  const references: PlacedReference[] = [];
  const others: PlacedBraces[] = [];
  const visitText = (text: string, span: Span): void => {
    if (!text.includes('{{')) return;
    const found = parseTemplate(text).flatMap((part) => (part.kind === 'reference' ? [part.reference] : []));
    const places = placesIn(source.slice(span.start, span.end), span.start);
    for (const [index, reference] of found.entries()) {
      const place = places[index];
      references.push({ reference, span: place?.text === reference.text ? place.span : span });
    }
    for (const match of text.matchAll(bracesPattern)) {
      const inner = match[1]?.trim() ?? '';
      if (match[0].endsWith('}}') && parseReference(inner) !== undefined) continue;
      const at = source.indexOf(match[0], span.start);
      const isInside = at !== -1 && at < span.end;
      others.push({ inner, span: isInside ? { start: at, end: at + match[0].length } : span });
    }
  };
  const visit = (node: TreeNode): void => {
    if (node.kind === 'scalar') {
      if (typeof node.value === 'string') visitText(node.value, node.span);
    } else if (node.kind === 'list') {
      for (const item of node.items) visit(item);
    } else {
      for (const entry of node.entries.values()) {
        visitText(entry.key, entry.keySpan);
        visit(entry.value);
      }
    }
  };
  visit(root);
  return { references, others };
}

/** The names between braces in the raw text of a scalar, in order. */
function placesIn(raw: string, offset: number): { readonly text: string; readonly span: Span }[] {
  const places: { text: string; span: Span }[] = [];
  for (const match of raw.matchAll(/\{\{(\s*)([^{}]*)\}\}/g)) {
    const text = match[2]?.trimEnd() ?? '';
    if (parseReference(text) === undefined) continue;
    const start = offset + match.index + 2 + (match[1]?.length ?? 0);
    places.push({ text, span: { start, end: start + text.length } });
  }
  return places;
}
