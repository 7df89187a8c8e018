/** Did you mean …: the known name that is closest to a misspelt one. */

/** How many pairs of names one process compares per call of `makeSuggester`; a file full of errors stays fast. */
const comparisonsMax = 200_000;

export type Suggest = (name: string, known: Iterable<string>) => string | undefined;

/** A suggester with its own budget, so that thousands of unknown names do not each walk thousands of known ones. */
export function makeSuggester(): Suggest {
  let comparisons = 0;
  return (name, known) => {
    let best: string | undefined;
    let bestDistance = misspellingsMax(name.length) + 1;
    for (const candidate of known) {
      comparisons += 1;
      if (comparisons > comparisonsMax) return undefined;
      if (candidate === name || Math.abs(candidate.length - name.length) >= bestDistance) continue;
      const distance = editDistance(name.toLowerCase(), candidate.toLowerCase(), bestDistance);
      if (distance < bestDistance) {
        best = candidate;
        bestDistance = distance;
      }
    }
    return best;
  };
}

/** How many slips of the finger a word of that length may have and still be recognized. */
function misspellingsMax(length: number): number {
  if (length <= 1) return 0;
  if (length <= 5) return 1;
  return length <= 9 ? 2 : 3;
}

/** `a, b or c`. */
export function joinOr(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

/** `Did you mean X?`, the list itself while it is short, or nothing. */
export function didYouMean(suggest: Suggest, name: string, known: readonly string[]): string | undefined {
  const nearest = suggest(name, known);
  if (nearest !== undefined) return `Did you mean ${nearest}?`;
  if (known.length === 0 || known.length > 12) return undefined;
  return known.length === 1 ? `Known is only ${known[0]}.` : `Known are ${known.join(', ')}.`;
}

/** Edits (insert, delete, replace, swap of neighbours) between two words; `limit` or more when it is at least that. */
export function editDistance(a: string, b: string, limit = Number.POSITIVE_INFINITY): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    let smallest = i;
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(cost);
      smallest = Math.min(smallest, cost);
    }
    if (smallest >= limit) return limit;
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? limit;
}
