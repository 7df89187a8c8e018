/**
 * Writes models/ from botocore (Apache-2.0, see NOTICE): one compressed file per service, one line per operation and
 * shape so that an update can be read as a diff, and index.json with botocore's version and the names of its services.
 *
 *   node src/transports/aws/update-models.ts [--from DIR] [--to DIR]
 *
 * The first DIR is an installed `botocore` package folder; without it the pinned release is installed by pip into a temporary
 * folder, which needs python3 with pip. Run by hand; nothing of it is loaded by Belay, and a clone needs no Python.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { readBotocore } from './botocore-files.ts';
import { compactModel, ModelRefused } from './compact-model.ts';
import type { ModelIndex } from './model-format.ts';
import { packModel } from './model-packing.ts';
import { otherNames } from './service-names.ts';

const BOTOCORE_VERSION = '1.44.5';

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

function update(botocore: string, target: string): void {
  const { version, services } = readBotocore(botocore);
  const names = new Map(services.map(({ service, model }) => [service, model.metadata]));
  const files = services.map((source) => ({
    service: source.service,
    bytes: packModel(compactModel({ ...source, botocore: version })),
  }));

  rmSync(target, { recursive: true, force: true });
  mkdirSync(target);
  for (const { service, bytes } of files) writeFileSync(path.join(target, `${service}.json.br`), bytes);
  const index: ModelIndex = { botocore: version, services: otherNames(names) };
  writeFileSync(path.join(target, 'index.json'), `${JSON.stringify(index, undefined, 1)}\n`);
  const sizeKilobytes = files.reduce((sum, { bytes }) => sum + bytes.length, 0) / 1000;
  console.log(`models of ${files.length} services from botocore ${version}, ${sizeKilobytes.toFixed(0)} kB`);
}

const { values } = parseArgs({
  options: {
    from: { type: 'string' },
    to: { type: 'string', default: path.join(import.meta.dirname, 'models') },
  },
});
const temporary = mkdtempSync(path.join(tmpdir(), 'belay-models-'));
try {
  update(values.from ?? installBotocore(temporary), values.to);
} catch (error) {
  if (!(error instanceof ModelRefused)) throw error;
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
