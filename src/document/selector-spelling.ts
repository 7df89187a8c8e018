/**
 * Selectors as people write them for SSM → RFC 9535. SSM reads paths with a library that takes more spellings, and AWS's own
 * documents use them: `SnapshotId` without its root, `$.Volumes.[0].State`, `$.Outputs.'bake.ImageId'[0]`, `$.Tags.my-key`.
 */

/** The same path in RFC 9535's spelling. What is not a path at all comes back as it is, for the parser to refuse. */
export function standardSelector(written: string): string {
  const text = written.trim();
  const rooted = text.startsWith('$')
    ? text
    : text.startsWith('.') || text.startsWith('[')
      ? `$${text}`
      : `$.${text}`;
  let standard = '$';
  let rest = rooted.slice(1);
  while (rest !== '') {
    const part = takePart(rest);
    if (part === undefined) return standard + rest;
    standard += part.standard;
    rest = rest.slice(part.length);
  }
  return standard;
}

interface Part {
  readonly standard: string;
  /** How much of the text it takes. */
  readonly length: number;
}

function takePart(rest: string): Part | undefined {
  if (rest.startsWith('[')) {
    const length = bracketLength(rest);
    return length === undefined ? undefined : { standard: rest.slice(0, length), length };
  }
  const dots = /^\.{1,2}/.exec(rest)?.[0];
  if (dots === undefined) return undefined;
  const after = rest.slice(dots.length);
  if (after.startsWith('[')) return { standard: dots === '.' ? '' : dots, length: dots.length };
  const quoted = /^(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")/.exec(after)?.[0];
  if (quoted !== undefined)
    return { standard: `${dots === '.' ? '' : dots}[${quoted}]`, length: dots.length + quoted.length };
  const name = /^[^.[\s()'"]+/.exec(after)?.[0];
  if (name === undefined) return undefined;
  const length = dots.length + name.length;
  if (name === '*' || /^[A-Za-z_\u0080-\uFFFF][\w\u0080-\uFFFF]*$/.test(name))
    return { standard: dots + name, length };
  if (!/^[\w\u0080-\uFFFF:@/+=-]+$/.test(name)) return undefined;
  return { standard: `${dots === '.' ? '' : dots}['${name}']`, length };
}

/** Up to the bracket that closes the first one; undefined when none does. Quoted text may hold brackets. */
function bracketLength(text: string): number | undefined {
  let open = 0;
  let quote = '';
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at] ?? '';
    if (quote !== '') {
      if (letter === '\\') at += 1;
      else if (letter === quote) quote = '';
    } else if (letter === "'" || letter === '"') quote = letter;
    else if (letter === '[') open += 1;
    else if (letter === ']') {
      open -= 1;
      if (open === 0) return at + 1;
    }
  }
  return undefined;
}

/** What of a selector SSM's subset does not have, as a noun; undefined: it has all of it. Source: the guide, "Using JSONPath in runbooks". */
export function beyondSsm(selector: string): string | undefined {
  const standard = standardSelector(selector);
  for (let rest = standard.slice(1); rest !== '';) {
    const part = takePart(rest);
    if (part === undefined) return undefined;
    const bracket = /^\[\s*(.*?)\s*\]$/s.exec(part.standard)?.[1];
    const found = bracket === undefined ? undefined : beyondInBracket(bracket);
    if (found !== undefined) return found;
    rest = rest.slice(part.length);
  }
  return undefined;
}

const quotedTexts = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/g;

function beyondInBracket(written: string): string | undefined {
  const text = written.replaceAll(quotedTexts, "''");
  if (text.startsWith('?')) {
    if (/&&|\|\|/.test(text)) return 'a filter that joins comparisons';
    return /[<>=]/.test(text) ? undefined : 'a filter that compares nothing';
  }
  if (/^(?:\d+|\*|'')$/.test(text)) return undefined;
  if (text.includes(',')) return 'several places in one bracket';
  if (text.includes(':')) return 'a range of places';
  return 'a place that is counted from the end';
}
