/**
 * Validating the public corpus in one process against parsing the same files with `yaml` and checking them with one compiled
 * ajv schema: at most 4 times the processor time, and under 250 MB. And a document ten times as long: at most 15 times.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { parseDocument } from 'yaml';

import { checkDocument } from '../../src/document/index.ts';
import { belayCatalog, checkFile, corpusFiles, hasCorpus } from '../conformance/corpus.ts';

const timesMax = 4;
const megabytesMax = 250;
const growthMax = 15;
const root = join(import.meta.dirname, '..', '..');

/** Processor time in ms, the best of several runs: the machine may be busy with something else. */
function cpuMs(work: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 5; run += 1) {
    const began = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(began);
    best = Math.min(best, (user + system) / 1000);
  }
  return best;
}

export function benchDocuments(): boolean {
  return [growth(), hasCorpus ? corpusTimes() : noCorpus()].every(Boolean);
}

function noCorpus(): boolean {
  console.log('validating the corpus: skipped, there is none beside the repository or at BELAY_CORPUS');
  return true;
}

function corpusTimes(): boolean {
  const files = [...corpusFiles('automation'), ...corpusFiles('command')];
  const schema: object = JSON.parse(readFileSync(join(root, 'schemas', 'runbook.schema.json'), 'utf8'));
  const validate = new Ajv({ allErrors: true, strict: false }).compile(schema);
  const plain = cpuMs(() => {
    for (const { text } of files) {
      const document = parseDocument(text, { prettyErrors: false, uniqueKeys: false, logLevel: 'error' });
      if (document.errors.length === 0) validate(document.toJS());
    }
  });
  const catalog = belayCatalog();
  const ours = cpuMs(() => {
    for (const file of files) checkFile(file, catalog);
  });
  const megabytes = peakMegabytes();
  console.log(
    `${files.length} documents: yaml and one ajv schema ${plain.toFixed(0)} ms, belay ${ours.toFixed(0)} ms: ` +
      `${(ours / plain).toFixed(1)} times (at most ${timesMax}); ${megabytes.toFixed(0)} MB (at most ${megabytesMax})`,
  );
  return ours <= timesMax * plain && megabytes <= megabytesMax;
}

/** Of a process that validates the corpus once and does nothing else. */
function peakMegabytes(): number {
  const program = [
    `const { belayCatalog, checkFile, corpusFiles } = await import(${JSON.stringify(join(root, 'test/conformance/corpus.ts'))});`,
    'const catalog = belayCatalog();',
    "for (const kind of ['automation', 'command']) for (const file of corpusFiles(kind)) checkFile(file, catalog);",
    'console.log(process.resourceUsage().maxRSS);',
  ].join('\n');
  const { stdout, status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the corpus could not be validated in a process of its own: ${stderr}`);
  return Number(stdout.trim()) / 1024;
}

function growth(): boolean {
  const catalog = belayCatalog();
  const ms = (steps: number): number => {
    const text = longDocument(steps);
    return cpuMs(() => {
      const { document } = checkDocument({ file: 'long.yaml', text }, catalog);
      if (document === undefined) throw new Error('the long document is refused');
    });
  };
  ms(100);
  const [short, long] = [ms(400), ms(4000)];
  console.log(
    `a document of 400 steps ${short.toFixed(0)} ms, of 4000 ${long.toFixed(0)} ms: ${(long / short).toFixed(1)} times (at most ${growthMax})`,
  );
  return long <= growthMax * short;
}

/** Each step reads an output of the one before, and jumps on failure. */
function longDocument(steps: number): string {
  const lines = ["schemaVersion: '0.3'", 'mainSteps:'];
  for (let step = 0; step < steps; step += 1) {
    const before = step === 0 ? 'x' : `{{ S${step - 1}.Out }}`;
    lines.push(
      `  - name: S${step}`,
      '    action: aws:executeAwsApi',
      `    onFailure: step:End`,
      `    inputs: { Service: ec2, Api: DescribeInstances, NextToken: '${before}' }`,
      '    outputs: [{ Name: Out, Selector: $.NextToken, Type: String }]',
    );
  }
  lines.push('  - { name: End, action: aws:sleep, inputs: { Duration: PT1S } }');
  return `${lines.join('\n')}\n`;
}
