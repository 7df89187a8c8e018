/** Some of many, each as likely as any other, with no more of them in memory than are wanted. */
import { randomInt } from 'node:crypto';

export async function sampleOf<T>(all: AsyncIterable<T>, size: number): Promise<T[]> {
  const sample: T[] = [];
  let seen = 0;
  for await (const one of all) {
    seen += 1;
    if (sample.length < size) sample.push(one);
    else {
      const at = randomInt(seen);
      if (at < size) sample[at] = one;
    }
  }
  return sample;
}
