/** Cost per step at 100 and at 10,000 steps, forward and replayed: it must not grow with the length of the runbook. */
import { runToy, runbook, step, temporaryJournal } from '../support/run-toy.ts';

const sizes = [100, 10_000] as const;
const ratioMax = 1.3;
const roundsPerSize = 3;

async function secondsPerStep(count: number): Promise<{ forward: number; replay: number }> {
  using store = temporaryJournal();
  const steps = Array.from({ length: count }, (_, index) =>
    step({ name: `S${index}`, action: 'toy:put', inputs: { Key: `k${index}`, Value: 'v' } }),
  );
  const document = runbook(steps, { rollback: { when: 'never', timeoutSeconds: 60 } });
  const began = performance.now();
  await runToy(document, store);
  const ended = performance.now();
  await runToy(document, store);
  const replayed = performance.now();
  return { forward: (ended - began) / count, replay: (replayed - ended) / count };
}

const median = (values: readonly number[]): number =>
  values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? NaN;

/** True when the ratio holds. */
export async function benchSteps(): Promise<boolean> {
  const figures = new Map<number, { forward: number; replay: number }>();
  for (const size of sizes) {
    const rounds = [];
    for (let round = 0; round < roundsPerSize; round += 1) rounds.push(await secondsPerStep(size));
    figures.set(size, {
      forward: median(rounds.map(({ forward }) => forward)),
      replay: median(rounds.map(({ replay }) => replay)),
    });
  }
  let isWithin = true;
  for (const part of ['forward', 'replay'] as const) {
    const [small = NaN, large = NaN] = sizes.map((size) => figures.get(size)?.[part]);
    const ratio = large / small;
    isWithin &&= ratio <= ratioMax;
    console.log(
      `${part.padEnd(8)} ${small.toFixed(2)} ms a step at ${sizes[0]}, ${large.toFixed(2)} ms at ${sizes[1]}: ${ratio.toFixed(2)} times (at most ${ratioMax})`,
    );
  }
  return isWithin;
}
