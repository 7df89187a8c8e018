/** What is in the box: every shipped model is whole, and the client can speak it. */
import { readdirSync } from 'node:fs';
import { NormalizedSchema } from '@smithy/core/schema';
import { describe, expect, it } from 'vitest';
import type { Member, Shape } from '../../../src/transports/aws/model-format.ts';
import { createModelStore, modelsDirectory } from '../../../src/transports/aws/model-store.ts';
import { createSchemas } from '../../../src/transports/aws/schemas.ts';

const store = createModelStore();
const { shipped, known, botocore } = store.index();

function membersOf(shape: Shape): Member[] {
  if (shape.type === 'structure') return Object.values(shape.members);
  if (shape.type === 'list') return [shape.member];
  return shape.type === 'map' ? [shape.key, shape.value] : [];
}

describe('the index', () => {
  it('lists exactly the models that lie beside it, and knows all services of AWS', () => {
    const files = readdirSync(modelsDirectory()).filter((file) => file !== 'index.json');
    expect(files).toEqual(shipped.map((service) => `${service}.json`));
    expect(shipped).toEqual(['cloudwatch', 'config', 'ec2', 'secretsmanager', 'sns', 'ssm', 'sts']);
    expect(known.length).toBeGreaterThan(400);
    expect(known).toEqual(expect.arrayContaining(['rds', 'route53', 'eks', ...shipped]));
    expect(botocore).toMatch(/^\d+\.\d+\.\d+$/);
  });
});

describe.each(shipped)('the model of %s', (service) => {
  const model = store.service(service);
  if (model === undefined) throw new Error(`${service} is not shipped`);

  it('has every shape that something refers to, and no other', () => {
    const referred = new Set<string>();
    for (const { input, output } of Object.values(model.operations)) {
      for (const name of [input, output]) if (name !== undefined) referred.add(name);
    }
    for (const shape of Object.values(model.shapes))
      for (const member of membersOf(shape)) referred.add(member.shape);
    expect(Object.keys(model.shapes).sort()).toEqual([...referred].sort());
  });

  it('requires only members that it has', () => {
    for (const shape of Object.values(model.shapes)) {
      if (shape.type !== 'structure') continue;
      for (const name of shape.required ?? []) expect(Object.keys(shape.members)).toContain(name);
    }
  });

  it('carries no descriptions', () => {
    expect(JSON.stringify(model)).not.toMatch(/"documentation"|<p>/);
  });

  it('gives the SDK a schema for every operation, down to the last member', () => {
    const schemas = createSchemas(model);
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
    expect(seen.size).toBeGreaterThan(10);
  });
});
