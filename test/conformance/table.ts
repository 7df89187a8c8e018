/** The corpus by outcome and by reason, as a person reads it. */
import { outcomes, type Checked } from './corpus.ts';

export function outcomeTable(title: string, checked: readonly Checked[]): string {
  const counts = outcomes.map(
    (kind) => `${kind} ${checked.filter(({ outcome }) => outcome.kind === kind).length}`,
  );
  return `${title}: ${checked.length} documents: ${counts.join(', ')}`;
}

/** Each kind of sentence once, with the number of documents that it stands in and one place. */
export function reasonTable(checked: readonly Checked[], severity: 'error' | 'warning'): string {
  const reasons = new Map<string, { documents: Set<string>; place: string }>();
  for (const { file, diagnostics } of checked) {
    for (const { severity: found, code, message, start } of diagnostics) {
      if (found !== severity) continue;
      const kind = `${code}  ${kindOf(message)}`;
      const known = reasons.get(kind) ?? {
        documents: new Set<string>(),
        place: `${file.path}:${start.line}:${start.column}  ${message}`,
      };
      known.documents.add(file.checksum);
      reasons.set(kind, known);
    }
  }
  return [...reasons]
    .toSorted(([a, left], [b, right]) => right.documents.size - left.documents.size || a.localeCompare(b))
    .map(
      ([kind, { documents, place }]) => `${String(documents.size).padStart(5)}  ${kind}\n         ${place}`,
    )
    .join('\n');
}

/** The sentence without the names in it. */
function kindOf(message: string): string {
  return message
    .replaceAll(/"[^"]*"/g, '"…"')
    .replaceAll(/\{\{[^}]*\}\}/g, '{{ … }}')
    .replaceAll(/\d+/g, 'N')
    .slice(0, 100);
}
