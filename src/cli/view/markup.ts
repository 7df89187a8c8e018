/** Text in XML and HTML. */
import { visible } from '../../runtime/visible.ts';

/**
 * What steers a terminal or turns the order of letters around is shown as what it is, and what XML 1.0 has no way to write is replaced; text
 * stays text wherever it stands, in attributes too.
 */
export function escaped(text: string): string {
  return visible(text)
    .toWellFormed()
    .replaceAll(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
    .replaceAll('\n', '&#10;');
}
