/** Runs documents of the corpus, all or some of them: used by `npm run conformance -- --run` and by the tests. */
import { checkDocument } from '../../../src/document/index.ts';
import { findScriptTools } from '../../../src/transports/scripts/tools.ts';
import { dirname } from 'node:path';
import { findMoto } from '../../transports/aws/moto-server.ts';
import { belayCatalog, corpusFiles, type CorpusFile } from '../corpus.ts';
import type { Document } from '../../../src/document/index.ts';
import { lacking, runDocument, type RunEnd, type RunOutcome } from './run-document.ts';
import { account, freshWorld, region } from './world.ts';

export interface Runnable {
  readonly file: CorpusFile;
  readonly document: Document;
}

export interface Sorted {
  readonly runnable: readonly Runnable[];
  /** Why documents cannot be run here, by their checksums. */
  readonly lacking: ReadonlyMap<string, string>;
}

/** Each text once. */
export function sortedCorpus(): Sorted {
  const catalog = belayCatalog();
  const tools = scriptTools();
  const found = new Map<string, Runnable>();
  const reasons = new Map<string, string>();
  for (const file of corpusFiles('automation')) {
    const { document } = checkDocument({ file: file.path, text: file.text }, catalog);
    const why =
      document === undefined
        ? 'it is refused'
        : lacking(document, file.text, tools.powerShell() !== undefined);
    if (document === undefined || why !== undefined) reasons.set(file.checksum, why ?? '');
    else found.set(file.checksum, { file, document });
  }
  return { runnable: [...found.values()], lacking: reasons };
}

/** moto's own environment has boto3. */
export function scriptTools(): ReturnType<typeof findScriptTools> {
  return findScriptTools({
    ...process.env,
    PATH: `${dirname(findMoto() ?? '')}:${process.env['PATH'] ?? ''}`,
  });
}

/** The AWS environment of the runs: the caller puts it into its own. */
export const awsEnvironment = (endpoint: string): Readonly<Record<string, string>> => ({
  AWS_ENDPOINT_URL: endpoint,
  AWS_REGION: region,
  AWS_DEFAULT_REGION: region,
  AWS_ACCOUNT_ID: account,
  AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'conformance',
});

/** In a world of its own. `patience`: how many times as long as usual its calls are waited for. */
export async function runOne(
  { file, document }: Runnable,
  endpoint: string,
  tools = scriptTools(),
  patience = 1,
): Promise<RunEnd> {
  const seeds = await freshWorld(endpoint, file.text);
  return runDocument(file, document, { seeds, tools, patience });
}

/** One after the other, each in a world of its own. `told`: after each. */
export async function runAll(
  runnable: readonly Runnable[],
  endpoint: string,
  told: (run: Runnable, end: RunEnd) => void = () => undefined,
): Promise<ReadonlyMap<string, RunOutcome>> {
  const tools = scriptTools();
  const outcomes = new Map<string, RunOutcome>();
  for (const run of runnable) {
    const end = await runOne(run, endpoint, tools);
    outcomes.set(run.file.checksum, end.outcome);
    told(run, end);
  }
  return outcomes;
}
