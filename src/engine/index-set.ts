/** A set of small whole numbers that finds its first member from a number on in logarithmic time. */

const bits = 32;

export class IndexSet {
  /** A bit of level n says whether the word below it at level n - 1 has any; the last level is one word. */
  readonly #levels: Uint32Array[] = [];

  /** Holds 0 to `size` - 1. */
  constructor(size: number) {
    let words = Math.max(1, size);
    do {
      words = Math.ceil(words / bits);
      this.#levels.push(new Uint32Array(words));
    } while (words > 1);
  }

  add(index: number): void {
    let at = index;
    for (const words of this.#levels) {
      const word = Math.floor(at / bits);
      words[word] = (words[word] ?? 0) | (1 << (at % bits));
      at = word;
    }
  }

  delete(index: number): void {
    let at = index;
    for (const words of this.#levels) {
      const word = Math.floor(at / bits);
      const left = (words[word] ?? 0) & ~(1 << (at % bits));
      words[word] = left;
      if (left !== 0) return;
      at = word;
    }
  }

  /** Undefined: there is no member from `index` on. */
  firstFrom(index: number): number | undefined {
    let at = index;
    for (const [level, words] of this.#levels.entries()) {
      const word = Math.floor(at / bits);
      const found = (words[word] ?? 0) & (-1 << (at % bits));
      if (found !== 0) return this.#descend(level, word * bits + firstBit(found));
      at = word + 1;
    }
    return undefined;
  }

  #descend(level: number, at: number): number {
    let found = at;
    for (const words of this.#levels.slice(0, level).toReversed())
      found = found * bits + firstBit(words[found] ?? 0);
    return found;
  }
}

function firstBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}
