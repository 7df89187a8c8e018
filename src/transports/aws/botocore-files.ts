/** Reads the data folder of an installed botocore: of each service its newest version. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { BotocoreModel, BotocorePaginators } from './botocore-format.ts';
import { ModelRefused, type ModelSource } from './compact-model.ts';
import type { EndpointRules } from './model-format.ts';

export interface Botocore {
  readonly version: string;
  readonly services: readonly Omit<ModelSource, 'botocore'>[];
}

/** `only` names the services to read; all when absent. Throws ModelRefused where the folder is no botocore. */
export function readBotocore(botocore: string, only?: readonly string[]): Botocore {
  const data = path.join(botocore, 'data');
  const names = readdirSync(data, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && (only?.includes(entry.name) ?? true))
    .map((entry) => entry.name)
    .sort();
  return { version: versionOf(botocore), services: names.map((service) => readService(data, service)) };
}

function readService(data: string, service: string): Omit<ModelSource, 'botocore'> {
  const folder = path.join(data, service, readdirSync(path.join(data, service)).sort().at(-1) ?? '');
  const model: BotocoreModel = JSON.parse(readText(folder, 'service-2'));
  const endpointRules: EndpointRules = JSON.parse(readText(folder, 'endpoint-rule-set-1'));
  const hasPaginators = readdirSync(folder).some((file) => file.startsWith('paginators-1.'));
  const paginators: BotocorePaginators = hasPaginators
    ? JSON.parse(readText(folder, 'paginators-1'))
    : { pagination: {} };
  return { service, model, endpointRules, paginators };
}

function versionOf(botocore: string): string {
  const text = readFileSync(path.join(botocore, '__init__.py'), 'utf8');
  const version = /^__version__ = '([^']+)'/m.exec(text)?.[1];
  if (version === undefined) throw new ModelRefused(`${botocore}/__init__.py names no version`);
  return version;
}

/** Older botocore releases and some distributions keep the files unpacked. */
function readText(folder: string, name: string): string {
  const packed = readdirSync(folder).includes(`${name}.json.gz`);
  const bytes = readFileSync(path.join(folder, packed ? `${name}.json.gz` : `${name}.json`));
  return (packed ? gunzipSync(bytes) : bytes).toString('utf8');
}
