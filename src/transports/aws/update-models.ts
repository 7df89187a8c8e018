/**
 * Writes models/ from botocore (Apache-2.0, see NOTICE): one compact JSON file per service, one line per operation and
 * shape so that an update reads as a diff, and index.json with botocore's version and the names of all its services.
 *
 *   node src/transports/aws/update-models.ts [--from DIR] [SERVICE…]
 *
 * DIR is an installed `botocore` package folder; without it the pinned release is installed by pip into a temporary folder.
 * Needs python3 with pip then. No SERVICE means the list below. Run by hand; nothing of it is loaded by Belay.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { compactModel, ModelRefused, type BotocoreModel } from './compact-model.ts';
import type { EndpointRules, ModelIndex, ServiceModel } from './model-format.ts';

const BOTOCORE_VERSION = '1.44.5';
const SERVICES = ['cloudwatch', 'config', 'ec2', 'secretsmanager', 'sns', 'ssm', 'sts'];

const target = path.join(import.meta.dirname, 'models');

function installBotocore(folder: string): string {
  const requirement = `botocore==${BOTOCORE_VERSION}`;
  const pip = [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--disable-pip-version-check',
    '--root-user-action',
    'ignore',
    '--no-deps',
  ];
  execFileSync('python3', [...pip, '--target', folder, requirement], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return path.join(folder, 'botocore');
}

function versionOf(botocore: string): string {
  const version = /^__version__ = '([^']+)'/m.exec(
    readFileSync(path.join(botocore, '__init__.py'), 'utf8'),
  )?.[1];
  if (version === undefined) throw new ModelRefused(`${botocore}/__init__.py names no version`);
  return version;
}

/** Older botocore releases and some distributions keep the files unpacked. */
function readText(folder: string, name: string): string {
  const packed = readdirSync(folder).includes(`${name}.json.gz`);
  const file = path.join(folder, packed ? `${name}.json.gz` : `${name}.json`);
  const bytes = readFileSync(file);
  return (packed ? gunzipSync(bytes) : bytes).toString('utf8');
}

/** Keeps one entry per line: `git diff` of an update then shows which operations and shapes changed. */
function print(model: ServiceModel): string {
  const lines = (entries: Readonly<Record<string, unknown>>): string =>
    Object.entries(entries)
      .map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)
      .join(',\n');
  return [
    `{"service":${JSON.stringify(model.service)},`,
    `"metadata":${JSON.stringify(model.metadata)},`,
    `"endpointRules":${JSON.stringify(model.endpointRules)},`,
    `"operations":{\n${lines(model.operations)}\n},`,
    `"shapes":{\n${lines(model.shapes)}\n}}\n`,
  ].join('\n');
}

function update(botocore: string, services: readonly string[]): void {
  const data = path.join(botocore, 'data');
  const known = readdirSync(data, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
  const files = services.map((service) => {
    if (!known.includes(service)) throw new ModelRefused(`botocore has no service named ${service}`);
    const folder = path.join(data, service, readdirSync(path.join(data, service)).sort().at(-1) ?? '');
    const rules: EndpointRules = JSON.parse(readText(folder, 'endpoint-rule-set-1'));
    const model: BotocoreModel = JSON.parse(readText(folder, 'service-2'));
    return { service, text: print(compactModel(service, model, rules)) };
  });

  rmSync(target, { recursive: true, force: true });
  mkdirSync(target);
  for (const { service, text } of files) writeFileSync(path.join(target, `${service}.json`), text);
  const index: ModelIndex = { botocore: versionOf(botocore), shipped: [...services].sort(), known };
  writeFileSync(path.join(target, 'index.json'), `${JSON.stringify(index, undefined, 1)}\n`);
  const sizeKilobytes = files.reduce((sum, { text }) => sum + text.length, 0) / 1000;
  console.log(
    `models of ${files.length} services from botocore ${index.botocore}, ${sizeKilobytes.toFixed(0)} kB`,
  );
}

const { values, positionals } = parseArgs({ options: { from: { type: 'string' } }, allowPositionals: true });
const temporary = mkdtempSync(path.join(tmpdir(), 'belay-models-'));
try {
  update(values.from ?? installBotocore(temporary), positionals.length > 0 ? positionals : SERVICES);
} catch (error) {
  if (!(error instanceof ModelRefused)) throw error;
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
