/** Finds and reads the service models, each at most once. Synchronous: validation of a document is. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { ModelIndex, OperationModel, ServiceModel } from './model-format.ts';
import { unpackModel } from './model-packing.ts';
import { lettersOf } from './names.ts';

export interface ModelStore {
  index(): ModelIndex;
  /** The boto3 client name for any name that AWS gives the service, in any spelling; undefined when there is none. */
  serviceName(name: string): string | undefined;
  /** The model of a service by any of its names; undefined when AWS has no such service. */
  service(name: string): ServiceModel | undefined;
  /** The operation in any accepted spelling, with its name as AWS writes it. */
  operation(service: string, operation: string): FoundOperation | undefined;
}

export interface FoundOperation {
  readonly model: ServiceModel;
  readonly name: string;
  readonly shapes: OperationModel;
}

/**
 * Run from source, models/ lies beside this file; from the bundle it lies beside belay.js in dist/, and this code is
 * either in there or in dist/chunks/.
 */
export function modelsDirectory(): string {
  const candidates = [
    path.join(import.meta.dirname, 'models'),
    path.join(import.meta.dirname, '..', 'models'),
  ];
  const found = candidates.find((candidate) => existsSync(path.join(candidate, 'index.json')));
  if (found === undefined) {
    throw new Error(
      `The AWS service models are missing: looked for index.json in ${candidates.join(' and ')}. Reinstall Belay.`,
    );
  }
  return found;
}

export function createModelStore(directory?: string): ModelStore {
  let folder = directory;
  let index: ModelIndex | undefined;
  let serviceNames: ReadonlyMap<string, string> | undefined;
  const models = new Map<string, ServiceModel>();
  const operationNames = new Map<string, ReadonlyMap<string, string>>();

  const read = (file: string): Buffer => {
    folder ??= modelsDirectory();
    return readFileSync(path.join(folder, file));
  };
  const readIndex = (): ModelIndex => JSON.parse(read('index.json').toString('utf8'));

  const readModel = (service: string): ServiceModel => {
    const file = `${service}.json.br`;
    try {
      return unpackModel(read(file));
    } catch (cause) {
      throw new Error(`The AWS service model ${file} cannot be read. Reinstall Belay.`, { cause });
    }
  };

  const store: ModelStore = {
    index: () => (index ??= readIndex()),
    serviceName(name) {
      serviceNames ??= namesOf(store.index());
      return serviceNames.get(lettersOf(name));
    },
    service(name) {
      const service = store.serviceName(name);
      if (service === undefined) return undefined;
      let model = models.get(service);
      if (model === undefined) {
        model = readModel(service);
        models.set(service, model);
      }
      return model;
    },
    operation(service, operation) {
      const model = store.service(service);
      if (model === undefined) return undefined;
      let names = operationNames.get(model.service);
      if (names === undefined) {
        names = new Map(Object.keys(model.operations).map((name) => [lettersOf(name), name]));
        operationNames.set(model.service, names);
      }
      const name = names.get(lettersOf(operation));
      const shapes = name === undefined ? undefined : model.operations[name];
      return name === undefined || shapes === undefined ? undefined : { model, name, shapes };
    },
  };
  return store;
}

function namesOf({ services }: ModelIndex): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const [service, others] of Object.entries(services)) {
    for (const name of [lettersOf(service), ...others]) names.set(name, service);
  }
  return names;
}
