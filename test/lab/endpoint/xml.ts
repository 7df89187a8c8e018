/** The small part of XML that EC2 speaks: elements and text, read into a tree that can be rewritten and printed. */

export interface Element {
  readonly name: string;
  /** The attributes as written, with the space before them; only roots carry any. */
  readonly attributes: string;
  children: Element[];
  text: string;
}

/** An element from a value: text, nothing, or children. */
export function element(name: string, content: string | readonly Element[] = '', attributes = ''): Element {
  return typeof content === 'string'
    ? { name, attributes, children: [], text: content }
    : { name, attributes, children: [...content], text: '' };
}

/** Reads a document that moto or the endpoint wrote. Throws an Error that quotes the place when it is not well-formed. */
export function parseXml(source: string): Element {
  const stack: Element[] = [element('', [])];
  const token = /<(?:\?[^>]*|!--[\s\S]*?--|(\/?)([\w:.-]+)((?:\s[^>]*?)?)(\/?))>|([^<]+)/g;
  let end = 0;
  for (let match = token.exec(source); match !== null; match = token.exec(source)) {
    if (match.index !== end) break;
    end = token.lastIndex;
    const [, closing, name, attributes, empty, text] = match;
    const open = stack.at(-1) ?? element('');
    if (text !== undefined) open.text += decodeText(text);
    else if (name === undefined) continue;
    else if (closing === '/') {
      if (open.name !== name || stack.length < 2) throw new Error(`</${name}> closes <${open.name}>`);
      if (open.children.length > 0) open.text = '';
      stack.pop();
    } else {
      const child = element(name, '', attributes ?? '');
      open.children.push(child);
      if (empty !== '/') stack.push(child);
    }
  }
  const root = stack[0]?.children[0];
  if (end !== source.length || stack.length !== 1 || root === undefined)
    throw new Error(`not XML: ${source.slice(end, end + 80)}`);
  return root;
}

export function printXml(root: Element): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${print(root)}`;
}

function print({ name, attributes, children, text }: Element): string {
  const content = children.length > 0 ? children.map(print).join('') : encodeText(text);
  return content === '' ? `<${name}${attributes}/>` : `<${name}${attributes}>${content}</${name}>`;
}

/** The first child along a path of names. */
export function child(of: Element, ...path: readonly string[]): Element | undefined {
  let at: Element | undefined = of;
  for (const name of path) at = at?.children.find((candidate) => candidate.name === name);
  return at;
}

/** The text at a path; empty when there is none. */
export function textAt(of: Element, ...path: readonly string[]): string {
  return child(of, ...path)?.text ?? '';
}

/** The items of the set at a path. */
export function items(of: Element, ...path: readonly string[]): Element[] {
  return child(of, ...path)?.children.filter((candidate) => candidate.name === 'item') ?? [];
}

/** Replaces the child of that name, or adds it. */
export function put(of: Element, replacement: Element): void {
  const index = of.children.findIndex((candidate) => candidate.name === replacement.name);
  if (index < 0) of.children.push(replacement);
  else of.children[index] = replacement;
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decodeText(text: string): string {
  return text.replaceAll(/&(#x?)?(\w+);/g, (whole, numeric: string | undefined, name: string) => {
    if (numeric === undefined) return entities[name] ?? whole;
    return String.fromCodePoint(Number.parseInt(name, numeric === '#x' ? 16 : 10));
  });
}

function encodeText(text: string): string {
  return text.replaceAll(/[&<>\r]/g, (character) => {
    if (character === '&') return '&amp;';
    if (character === '<') return '&lt;';
    return character === '>' ? '&gt;' : '&#xD;';
  });
}
