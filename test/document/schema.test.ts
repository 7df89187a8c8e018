import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { runbookSchema, type Catalog } from '../../src/document/index.ts';
import { inventorySchema } from '../../src/inventory/index.ts';
import { fakeCatalog } from './fake-catalog.ts';

const descriptions = { 'aws:sleep': 'Waits.' };

function validator(catalog: Catalog = fakeCatalog) {
  return new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(
    runbookSchema(catalog, descriptions),
  );
}

const wrong = (name: string): unknown =>
  parse(readFileSync(join(import.meta.dirname, 'wrong', `${name}.yaml`), 'utf8'));

describe('the schema for editors', () => {
  test('is draft-07', () => {
    const ajv = new Ajv({ strict: false });
    expect(ajv.validateSchema(runbookSchema(fakeCatalog, descriptions))).toBe(true);
    expect(ajv.validateSchema(inventorySchema())).toBe(true);
    const keywords = JSON.stringify(runbookSchema(fakeCatalog, descriptions));
    for (const later of ['$defs', 'unevaluated', 'prefixItems', 'dependentRequired']) {
      expect(keywords).not.toContain(`"${later}`);
    }
  });

  test('accepts what only flow and references make wrong', () => {
    const validate = validator();
    for (const name of ['cycle', 'not-run-yet', 'unknown-steps', 'warn-no-undo', 'undo-scope']) {
      expect(validate(wrong(name)), `${name}: ${JSON.stringify(validate.errors)}`).toBe(true);
    }
  });

  test('accepts an expression for any input', () => {
    const validate = validator();
    const inputs = { InstanceIds: '{{ A }}', DesiredState: '{{ A }}', Force: '{{ A }}' };
    const mainSteps = [{ name: 'A', action: 'aws:changeInstanceState', inputs }];
    expect(validate({ schemaVersion: '0.3', mainSteps })).toBe(true);
  });

  test('refuses wrong keys, inputs of another action and missing inputs', () => {
    const validate = validator();
    const step = (more: object) => ({ schemaVersion: '0.3', mainSteps: [{ name: 'A', ...more }] });
    expect(validate(step({ action: 'aws:sleep', inputs: { Duration: 'PT1M' } }))).toBe(true);
    expect(validate(step({ action: 'aws:sleep', inputs: { DesiredState: 'stopped' } }))).toBe(false);
    expect(validate(step({ action: 'aws:approve' }))).toBe(false);
    expect(validate(step({ action: 'aws:sleeep', inputs: {} }))).toBe(false);
    expect(validate(step({ action: 'aws:pause', onfailure: 'Abort' }))).toBe(false);
  });

  test('carries the descriptions of the actions', () => {
    const { definitions } = runbookSchema(fakeCatalog, descriptions) as {
      definitions: Record<string, { description?: string }>;
    };
    expect(definitions['inputs.aws.sleep']?.description).toBe('Waits.');
  });

  test('lowers what draft-07 says otherwise, references included', () => {
    const inputs = {
      type: 'object',
      $defs: {
        pair: { type: 'array', prefixItems: [{ type: 'integer' }, { type: 'boolean' }], items: false },
      },
      properties: { Pair: { $ref: '#/$defs/pair' }, A: { type: 'integer' }, B: { type: 'integer' } },
      dependentRequired: { A: ['B'] },
      unevaluatedProperties: false,
    };
    const [first] = fakeCatalog.actionNames;
    const catalog: Catalog = {
      ...fakeCatalog,
      actionNames: ['test:pairs'],
      action: () => {
        const action = first === undefined ? undefined : fakeCatalog.action(first);
        return action === undefined ? undefined : { ...action, name: 'test:pairs', inputs };
      },
    };
    const validate = validator(catalog);
    const run = (given: object) =>
      validate({ schemaVersion: '0.3', mainSteps: [{ name: 'A', action: 'test:pairs', inputs: given }] });
    expect(run({ Pair: [1, true] })).toBe(true);
    expect(run({ Pair: ['{{ A }}', '{{ B }}'] })).toBe(true);
    expect(run({ Pair: ['x', true] })).toBe(false);
    expect(run({ Pair: [1, true, 2] })).toBe(false);
    expect(run({ A: 1 })).toBe(false);
    expect(run({ A: 1, B: 2 })).toBe(true);
  });
});
