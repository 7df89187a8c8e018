/**
 * Calls the `yaml` package, and forgives one thing that AWS's parser forgives: lines of a flow map or list that are
 * not indented deeper than their parent. AWS's published documents have them.
 */
import { parseDocument, type Document as YamlDocument } from 'yaml';

/** How many badly indented lines are forgiven; each costs one more parse. */
const forgivenLinesMax = 200;
const deeper = ' '.repeat(200);
const badFlowIndent = /^Flow (?:map|sequence) in block collection must be sufficiently indented/;

export interface ParsedYaml {
  readonly document: YamlDocument.Parsed;
  /** Offset in the parsed text → offset in the text that was given. */
  readonly toOriginal: (offset: number) => number;
}

/** Parses with all errors collected in the document; throws only when nesting exhausts the stack. */
export function parseYaml(original: string): ParsedYaml {
  const first = parse(original);
  const insertedAt: number[] = [];
  let text = original;
  let document = first;
  while (insertedAt.length < forgivenLinesMax) {
    const at = document.errors.find((error) => badFlowIndent.test(error.message))?.pos[0];
    if (at === undefined) break;
    text = text.slice(0, at) + deeper + text.slice(at);
    insertedAt.push(at);
    document = parse(text);
  }
  if (insertedAt.length === 0 || document.errors.length > 0) {
    return { document: first, toOriginal: (offset) => offset };
  }
  // Each insertion was noted in the text of its time; later ones stand further down, so undoing goes backwards.
  const toOriginal = (offset: number): number =>
    insertedAt.reduceRight(
      (at, inserted) => (at >= inserted + deeper.length ? at - deeper.length : Math.min(at, inserted)),
      offset,
    );
  return { document, toOriginal };
}

function parse(text: string): YamlDocument.Parsed {
  return parseDocument(text, { prettyErrors: false, uniqueKeys: false, logLevel: 'error' });
}
