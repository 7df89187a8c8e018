/** Spellings: what counts as the same name, and which name was probably meant. */

/** `DescribeInstances`, `describe_instances` and `describe-instances` have the same letters; so have `Secrets Manager` and `secretsmanager`. */
export function lettersOf(name: string): string {
  return name.replaceAll(/[-_. ]/g, '').toLowerCase();
}

/** The candidate that differs least from the name, if it differs little enough to be a slip; the first of equals. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  const wanted = lettersOf(name);
  const tolerance = Math.max(1, Math.floor(wanted.length / 3));
  let best: string | undefined;
  let bestDistance = tolerance + 1;
  for (const candidate of candidates) {
    const letters = lettersOf(candidate);
    if (Math.abs(letters.length - wanted.length) >= bestDistance) continue;
    const distance = editDistance(wanted, letters);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment; G. Navarro, 2001). */
export function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1];
      let distance = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + (same ? 0 : 1),
      );
      const isSwap = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (isSwap) distance = Math.min(distance, (beforePrevious[column - 2] ?? 0) + 1);
      current.push(distance);
    }
    [beforePrevious, previous] = [previous, current];
  }
  return previous[b.length] ?? 0;
}
