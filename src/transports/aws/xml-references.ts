/**
 * Numeric references to characters beyond U+FFFF, written out before the SDK's XML parser sees them: it makes one UTF-16 unit of
 * each (`&#119070;` becomes another letter), so a reply would be changed silently.
 */
const REFERENCE = /&#(?:x([0-9a-f]{5,6})|(\d{5,7}));/gi;
const CDATA_START = '<![CDATA[';
const CDATA_END = ']]>';

export function writeOutReferences(body: Uint8Array): Uint8Array {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (!bytes.includes('&#')) return body;
  // What stands in CDATA is text as it is.
  const [head = '', ...sections] = bytes.toString('utf8').split(CDATA_START);
  const written = sections.map((section) => {
    const end = section.indexOf(CDATA_END);
    return end === -1
      ? `${CDATA_START}${section}`
      : `${CDATA_START}${section.slice(0, end)}${writeOut(section.slice(end))}`;
  });
  return new Uint8Array(Buffer.from([writeOut(head), ...written].join('')));
}

function writeOut(text: string): string {
  return text.replaceAll(REFERENCE, (reference: string, hex: string | undefined, decimal: string) => {
    const point = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return point > 0xffff && point <= 0x10ffff ? String.fromCodePoint(point) : reference;
  });
}
