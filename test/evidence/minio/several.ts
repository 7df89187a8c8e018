/** So many requests of a test under way at once: one after the other, thousands of them take longer than what is tested. */
const atOnceMax = 16;

/** Calls `work` with 0 to `count` - 1. Rejects with the first failure, when nothing is under way any more. */
export async function several(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  const indexes = Array.from({ length: count }, (_, index) => index).values();
  const worker = async (): Promise<void> => {
    for (const index of indexes) await work(index);
  };
  const ends = await Promise.allSettled(Array.from({ length: atOnceMax }, worker));
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
