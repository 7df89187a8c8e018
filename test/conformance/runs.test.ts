/** Some documents of the public corpus, run to their end as `npm run conformance -- --run` runs all that moto can answer. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { seed } from '../evidence/sample.ts';
import { motoMissing, startMoto, type MotoServer } from '../transports/aws/moto-server.ts';
import { hasCorpus } from './corpus.ts';
import { isWorseRun, readExpectedRuns } from './run/expected-runs.ts';
import { awsEnvironment, runOne, scriptTools, sortedCorpus } from './run/run-corpus.ts';

const missing = [
  ...(hasCorpus ? [] : ['there is no corpus at ../shared/corpus or BELAY_CORPUS']),
  ...(motoMissing === undefined ? [] : [motoMissing]),
  ...(scriptTools().shield().kind === 'bubblewrap' ? [] : ['bubblewrap does not work here']),
].join('; ');
/** So many of them on CI, in the order of their checksums from a drawn one on. */
const sampleSize = 5;

describe.skipIf(missing !== '')(
  `documents of the corpus that moto can answer${missing === '' ? '' : ` (skipped: ${missing})`}`,
  () => {
    let moto: MotoServer;
    beforeAll(async () => {
      moto = await startMoto();
      for (const [name, value] of Object.entries(awsEnvironment(moto.endpoint))) vi.stubEnv(name, value);
      vi.stubEnv('AWS_PROFILE', undefined);
      vi.stubEnv('AWS_SESSION_TOKEN', undefined);
    }, 60_000);
    afterAll(async () => {
      vi.unstubAllEnvs();
      await moto?.close();
    });

    test(
      `end no worse than they did at best (BELAY_SEED=${seed} draws the same)`,
      { timeout: 900_000 },
      async () => {
        const expected = readExpectedRuns();
        const known = sortedCorpus().runnable.filter(({ file }) => isEnd(expected.get(file.checksum)));
        const from = known.length === 0 ? 0 : seed % known.length;
        const drawn = [...known.slice(from), ...known.slice(0, from)].slice(0, sampleSize);
        for (const run of drawn) {
          const was = expected.get(run.file.checksum) ?? '';
          let { outcome, why } = await runOne(run, moto.endpoint);
          // A machine that has much to do lets calls time out: what is worse is run again with patience.
          if (isWorseRun(was, outcome))
            ({ outcome, why } = await runOne(run, moto.endpoint, scriptTools(), 4));
          expect(isWorseRun(was, outcome), `${run.file.path}: was ${was}, is ${outcome}: ${why}`).toBe(false);
        }
      },
    );
  },
);

/** What moto broke over, or what ended by the clock of a busy machine, tells nothing of Belay. */
function isEnd(outcome: string | undefined): boolean {
  if (outcome === 'Failed TIMED_OUT') return false;
  return outcome === 'Success' || outcome?.startsWith('Failed ') === true;
}
