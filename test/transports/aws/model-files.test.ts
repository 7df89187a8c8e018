/** What is in the box: the model of every service is whole, and the client can speak it. */
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { NormalizedSchema } from '@smithy/core/schema';
import { describe, expect, it } from 'vitest';
import type { Member, ServiceModel, Shape } from '../../../src/transports/aws/model-format.ts';
import { createModelStore, modelsDirectory } from '../../../src/transports/aws/model-store.ts';
import { lettersOf } from '../../../src/transports/aws/names.ts';
import { createSchemas } from '../../../src/transports/aws/schemas.ts';

const store = createModelStore();
const { services, botocore } = store.index();
const names = Object.keys(services);
const MEGABYTE = 1_000_000;

function modelOf(service: string): ServiceModel {
  const model = store.service(service);
  if (model === undefined) throw new Error(`${service} has no model`);
  return model;
}

function membersOf(shape: Shape): Member[] {
  if (shape.type === 'structure') return Object.values(shape.members);
  if (shape.type === 'list') return [shape.member];
  return shape.type === 'map' ? [shape.key, shape.value] : [];
}

/** The services for which the claim is false. */
const failing = (claim: (model: ServiceModel) => boolean): string[] =>
  names.filter((service) => !claim(modelOf(service)));

describe('the index', () => {
  it('names exactly the services whose models lie beside it, and their release', () => {
    const files = readdirSync(modelsDirectory()).filter((file) => file !== 'index.json');
    expect(files.sort()).toEqual(names.map((service) => `${service}.json.br`).sort());
    expect(names.length).toBeGreaterThan(420);
    expect(botocore).toMatch(/^\d+\.\d+\.\d+$/);
    expect(failing((model) => model.botocore === botocore)).toEqual([]);
  });

  it('gives no name to two services', () => {
    const all = Object.entries(services).flatMap(([service, others]) => [lettersOf(service), ...others]);
    expect(new Set(all).size).toBe(all.length);
  });

  it('and the models take at most 4 MB', () => {
    const files = readdirSync(modelsDirectory()).map((file) => path.join(modelsDirectory(), file));
    expect(files.reduce((sum, file) => sum + statSync(file).size, 0)).toBeLessThan(4 * MEGABYTE);
  });
});

describe('the model of every service', () => {
  it('has every shape that something refers to, and no other', () => {
    const isWhole = ({ operations, shapes }: ServiceModel): boolean => {
      const referred = new Set<string>();
      for (const { input, output } of Object.values(operations)) {
        for (const name of [input, output]) if (name !== undefined) referred.add(name);
      }
      for (const shape of Object.values(shapes))
        for (const member of membersOf(shape)) referred.add(member.shape);
      return referred.size === Object.keys(shapes).length && [...referred].every((name) => name in shapes);
    };
    expect(failing(isWhole)).toEqual([]);
  });

  it('requires only members that it has', () => {
    const isSatisfiable = (shape: Shape): boolean =>
      shape.type !== 'structure' || (shape.required ?? []).every((name) => name in shape.members);
    expect(failing(({ shapes }) => Object.values(shapes).every(isSatisfiable))).toEqual([]);
  });

  it('tells its operations apart in any spelling', () => {
    const isUnambiguous = ({ operations }: ServiceModel): boolean =>
      new Set(Object.keys(operations).map(lettersOf)).size === Object.keys(operations).length;
    expect(failing(isUnambiguous)).toEqual([]);
  });

  it('carries no descriptions', () => {
    expect(failing((model) => !/"documentation":"|<p>/.test(JSON.stringify(model)))).toEqual([]);
  });

  it('has a member for each label in the paths of its operations', () => {
    const labelled = ({ operations, shapes }: ServiceModel): boolean =>
      Object.values(operations).every(({ http, hostPrefix = '', input }) => {
        const labels = `${http?.requestUri ?? ''}${hostPrefix}`.matchAll(/\{([^{}+]+)\+?\}/g);
        const shape = input === undefined ? undefined : shapes[input];
        return [...labels].every(([, label = '']) => shape?.type === 'structure' && label in shape.members);
      });
    expect(failing(labelled)).toEqual([]);
  });

  it('gives the SDK a schema for every operation, down to the last member', { timeout: 60_000 }, () => {
    const walkAll = (model: ServiceModel): boolean => {
      const schemas = createSchemas(model, { hostPrefix: true });
      const seen = new Set<unknown>();
      const walk = (schema: NormalizedSchema): void => {
        const inner = schema.getSchema();
        if (typeof inner !== 'object' || seen.has(inner)) return;
        seen.add(inner);
        if (schema.isStructSchema()) for (const [, member] of schema.structIterator()) walk(member);
        else if (schema.isListSchema() || schema.isMapSchema()) walk(schema.getValueSchema());
      };
      for (const name of Object.keys(model.operations)) {
        const [, , , , input, output] = schemas.operation(name);
        walk(NormalizedSchema.of(input));
        walk(NormalizedSchema.of(output));
      }
      return Object.values(model.operations).every(({ refused }) => refused !== undefined) || seen.size > 1;
    };
    expect(failing(walkAll)).toEqual([]);
  });
});
