/**
 * `npm run conformance [-- --write] [-- --warnings] [-- --run]`: what Belay says of every document of the public corpus; with
 * `--run`, how each ends that moto can answer.
 */
import { motoMissing, startMoto } from '../transports/aws/moto-server.ts';
import { belayCatalog, checkFile, corpusFiles, corpusFolder, hasCorpus } from './corpus.ts';
import { readExpected, worseThan, writeExpected } from './expected.ts';
import { isWorseRun, readExpectedRuns, writeExpectedRuns } from './run/expected-runs.ts';
import { awsEnvironment, runAll, sortedCorpus } from './run/run-corpus.ts';
import { outcomeTable, reasonTable } from './table.ts';

const flags = process.argv.slice(2);

if (!hasCorpus) {
  console.log(`There is no corpus at ${corpusFolder}; name one by BELAY_CORPUS.`);
  process.exit(1);
}

const catalog = belayCatalog();
const kinds = ['automation', 'command'] as const;
const all = kinds.flatMap((kind) => {
  const checked = corpusFiles(kind).map((file) => checkFile(file, catalog));
  console.log(`\n${outcomeTable(kind, checked)}\n\nRefused, by reason:\n${reasonTable(checked, 'error')}`);
  if (flags.includes('--warnings')) console.log(`\nWarnings, by reason:\n${reasonTable(checked, 'warning')}`);
  return checked;
});
if (flags.includes('--write')) writeExpected(all);
const worse = worseThan(readExpected(), all);
for (const line of worse) console.log(`WORSE  ${line}`);
/** `--only=TEXT`: of the documents to run, those with the text in their path. */
const only = flags.find((flag) => flag.startsWith('--only='))?.slice(7) ?? '';
const isRunGood = !flags.includes('--run') || (await runThem());
process.exitCode = worse.length === 0 && isRunGood ? 0 : 1;

async function runThem(): Promise<boolean> {
  if (motoMissing !== undefined) {
    console.log(motoMissing);
    return false;
  }
  const moto = await startMoto();
  Object.assign(process.env, awsEnvironment(moto.endpoint));
  try {
    const { runnable: all, lacking } = sortedCorpus();
    const known = readExpectedRuns();
    const isRest = flags.includes('--rest');
    const runnable = all.filter(
      ({ file }) => file.path.includes(only) && !(isRest && known.has(file.checksum)),
    );
    const written = new Map(isRest ? known : []);
    for (const why of new Set(lacking.values()))
      console.log(`not run: ${[...lacking.values()].filter((other) => other === why).length}, ${why}`);
    const expected = flags.includes('--write') ? new Map<string, string>() : known;
    let isGood = true;
    await runAll(runnable, moto.endpoint, ({ file }, { outcome, why }) => {
      const was = expected.get(file.checksum);
      const isWorse = was !== undefined && isWorseRun(was, outcome);
      isGood &&= !isWorse;
      written.set(file.checksum, outcome);
      if (flags.includes('--write')) writeExpectedRuns(written, lacking);
      console.log(
        `${isWorse ? `WORSE (was ${was})  ` : ''}${outcome.padEnd(28)} ${file.path}${why === '' ? '' : `\n    ${why}`}`,
      );
    });
    return isGood;
  } finally {
    await moto.close();
  }
}
