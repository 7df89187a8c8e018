/** Finds and reads the shipped service models, each at most once. Synchronous: validation of a document is. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { ModelIndex, OperationModel, ServiceModel } from './model-format.ts';
import { lettersOf } from './names.ts';

export interface ModelStore {
  index(): ModelIndex;
  /** The model of a boto3 client name in any case; undefined when none is shipped. */
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
  const models = new Map<string, ServiceModel>();
  const operationNames = new Map<string, ReadonlyMap<string, string>>();

  const read = (name: string): string => {
    folder ??= modelsDirectory();
    return readFileSync(path.join(folder, `${name}.json`), 'utf8');
  };
  const readIndex = (): ModelIndex => JSON.parse(read('index'));
  const readModel = (service: string): ServiceModel => JSON.parse(read(service));

  const store: ModelStore = {
    index: () => (index ??= readIndex()),
    service(name) {
      const shipped = name.toLowerCase();
      let model = models.get(shipped);
      if (model === undefined && store.index().shipped.includes(shipped)) {
        model = readModel(shipped);
        models.set(shipped, model);
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
