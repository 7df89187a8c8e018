/** `minio{01..04}`: one text that stands for one per number, both ends included, zero padding kept. */

/** How many numbers one range may have. */
export const rangeMax = 10_000;

const rangePattern = /\{(\d+)\.\.(\d+)\}/;
const rangePatterns = /\{(\d+)\.\.(\d+)\}/g;

export type Expansion =
  /** Holds no range. */
  | { readonly kind: 'plain' }
  | { readonly kind: 'texts'; readonly texts: readonly string[] }
  | { readonly kind: 'wrong'; readonly message: string };

/** Of a name, which holds one range at most. */
export function expandName(name: string): Expansion {
  const ranges = [...name.matchAll(rangePatterns)];
  if (ranges.length === 0) return { kind: 'plain' };
  if (ranges.length > 1) return { kind: 'wrong', message: `${name} holds two ranges, and a name has one` };
  const numbers = numbersOf(ranges[0]?.[1] ?? '', ranges[0]?.[2] ?? '');
  if (typeof numbers === 'string') return { kind: 'wrong', message: numbers };
  // The pattern is given anew: replace() of a global one starts where matchAll ended.
  return { kind: 'texts', texts: numbers.map((number) => name.replace(rangePattern, () => number)) };
}

/** The text that the host at `index` has: each range gives its number there. A sentence where its length is not `length`. */
export function pick(text: string, index: number, length: number): { readonly text: string } | string {
  let wrong: string | undefined;
  const picked = text.replace(rangePatterns, (range, first: string, last: string) => {
    const numbers = numbersOf(first, last);
    if (typeof numbers === 'string') wrong ??= numbers;
    else if (numbers.length !== length) {
      wrong ??= `${range} has ${numbers.length} numbers where ${length === 1 ? 'the name stands for one host' : `the name's range has ${length}`}`;
    }
    return typeof numbers === 'string' ? range : (numbers[index] ?? range);
  });
  return wrong ?? { text: picked };
}

function numbersOf(first: string, last: string): readonly string[] | string {
  const range = `{${first}..${last}}`;
  const padded = first.startsWith('0') || last.startsWith('0');
  if (padded && first.length !== last.length && first !== '0') {
    return `${range} is padded with zeros, so both ends must have as many digits`;
  }
  const [from, to] = [Number(first), Number(last)];
  if (from > to) return `${range} counts down; write {${last}..${first}}`;
  if (to - from >= rangeMax) return `${range} has more than ${rangeMax} numbers`;
  const width = padded && first !== '0' ? first.length : 0;
  return Array.from({ length: to - from + 1 }, (_, index) => String(from + index).padStart(width, '0'));
}
