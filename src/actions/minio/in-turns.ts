/**
 * Work on many things, several at once. After the first that fails no further one is begun, and its failure is thrown once
 * those under way have ended: nothing goes on behind the back of who asked.
 */
export async function inTurns<T>(
  all: readonly T[],
  atOnce: number,
  work: (one: T) => Promise<void>,
): Promise<void> {
  const waiting = all.values();
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (const one of waiting) {
      try {
        await work(one);
      } catch (error) {
        failures.push(error);
      }
      if (failures.length > 0) return;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  if (failures.length > 0) throw failures[0];
}
