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

/** `only` names the services to read; all when absent. Throws ModelRefused where the folder is not botocore. */
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
  const model: BotocoreModel = withExtras(folder, 'service-2', JSON.parse(readText(folder, 'service-2')));
  const endpointRules: EndpointRules = JSON.parse(readText(folder, 'endpoint-rule-set-1'));
  const hasPaginators = readdirSync(folder).some((file) => file.startsWith('paginators-1.'));
  const paginators: BotocorePaginators = hasPaginators
    ? withExtras(folder, 'paginators-1', JSON.parse(readText(folder, 'paginators-1')))
    : { pagination: {} };
  return { service, model, endpointRules, paginators };
}

/** What botocore adds to the models that AWS gives it, as members that the API itself does not have. */
function withExtras<Model>(folder: string, name: string, model: Model): Model {
  const hasExtras = readdirSync(folder).some((file) => file.startsWith(`${name}.sdk-extras.`));
  const extras: { readonly merge?: object } = hasExtras
    ? JSON.parse(readText(folder, `${name}.sdk-extras`))
    : {};
  merge(model, extras.merge ?? {});
  return model;
}

function merge(into: unknown, more: object): void {
  if (typeof into !== 'object' || into === null) return;
  for (const [key, value] of Object.entries(more)) {
    const present: unknown = Reflect.get(into, key);
    const isNested = typeof present === 'object' && present !== null && typeof value === 'object';
    if (isNested && value !== null && !Array.isArray(value)) merge(present, value);
    else Reflect.set(into, key, value);
  }
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
