/** Steps that stand in other steps, by their paths: `ForEach@3/Stop` stands in `ForEach`, `Roll@db1/gate-before/Ask` in `Roll`. */

/** The step around a step of a pass or a turn; undefined: it stands in none. */
export function pathAround(path: string): string | undefined {
  const at = path.lastIndexOf('@');
  return at === -1 ? undefined : path.slice(0, at);
}

/** In how many steps it stands. */
export function nestingDepth(path: string): number {
  let depth = 0;
  for (let at = pathAround(path); at !== undefined; at = pathAround(at)) depth += 1;
  return depth;
}

/** Each step before those that stand in it, which keep the order in which they began. */
export function inTreeOrder<T>(steps: ReadonlyMap<string, T>): T[] {
  const inside = Map.groupBy(steps.keys(), (path) => {
    const around = pathAround(path);
    return around !== undefined && steps.has(around) ? around : undefined;
  });
  const ordered: T[] = [];
  const visit = (around: string | undefined): void => {
    for (const path of inside.get(around) ?? []) {
      const step = steps.get(path);
      if (step !== undefined) ordered.push(step);
      visit(path);
    }
  };
  visit(undefined);
  return ordered;
}
