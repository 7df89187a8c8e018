/**
 * Calls the `yaml` package, and forgives what AWS's parser forgives: lines of a flow map or list, and lines of a quoted text,
 * that are not indented deeper than their parent. AWS's published documents have both.
 */
import { parseDocument, type Document as YamlDocument } from 'yaml';

/** How much text is parsed again in all, in characters: each forgiven place costs one more parse. */
const parsedAgainMax = 2_000_000;
/** How many lines are forgiven: each is looked at for every place in the text. */
const forgivenLinesMax = 2_000;
const deeper = ' '.repeat(200);
const badFlowIndent = /^Flow (?:map|sequence) in block collection must be sufficiently indented/;
const unclosedQuote = /^Missing closing (['"])quote/;

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
  let left = parsedAgainMax;
  for (;;) {
    const places = misindented(document, text);
    left -= text.length;
    if (places.length === 0 || left < 0 || insertedAt.length + places.length > forgivenLinesMax) break;
    for (const [index, place] of places.entries()) {
      const at = place + index * deeper.length;
      text = text.slice(0, at) + deeper + text.slice(at);
      insertedAt.push(at);
    }
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

/** Where lines begin that only want indenting, by the first error of that kind; in order. */
function misindented(document: YamlDocument.Parsed, text: string): readonly number[] {
  const error = document.errors.find(
    ({ message }) => badFlowIndent.test(message) || unclosedQuote.test(message),
  );
  if (error === undefined) return [];
  const quote = unclosedQuote.exec(error.message)?.[1];
  return quote === undefined ? [error.pos[0]] : linesOfQuoted(text, error.pos[0], quote);
}

/** The lines up to the closing quote. The parser gave up where the line before the first of them ended. */
function linesOfQuoted(text: string, at: number, quote: string): readonly number[] {
  const lineEnd = text.indexOf('\n', at);
  if (lineEnd === -1) return [];
  const lines = [lineEnd + 1];
  for (let index = lineEnd + 1; index < text.length; index += 1) {
    const letter = text[index];
    if (letter === '\n') lines.push(index + 1);
    else if (letter === '\\' && quote === '"') index += 1;
    else if (letter === quote) {
      // Two single quotes are one that is meant.
      if (quote === "'" && text[index + 1] === "'") index += 1;
      else return lines.filter((line) => line <= index);
    }
  }
  return [];
}

function parse(text: string): YamlDocument.Parsed {
  return parseDocument(text, { prettyErrors: false, uniqueKeys: false, logLevel: 'error' });
}
