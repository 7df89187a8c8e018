/** Validation asks an action about its inputs before anybody knows whether they fit: whatever stands there, it answers. */
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { actions, createCatalog } from '../../src/actions/index.ts';
import { isJsonObject, type Json, type JsonObject } from '../../src/json.ts';
import { offlineModels } from '../../src/runtime/offline-models.ts';

const catalog = createCatalog(offlineModels());
const values: readonly Json[] = [
  null,
  true,
  -1.5,
  '',
  '{{ Other }}',
  [],
  [null],
  [{}],
  [['x']],
  {},
  { a: { b: [1] } },
  Object.fromEntries([['__proto__', null]]),
];

test.each([...actions.values()].map(({ name, example }) => ({ name, example })))(
  '$name answers whatever its inputs are',
  ({ name, example }) => {
    const action = catalog.action(name);
    const [step] = parse(example) as JsonObject[];
    const sound = isJsonObject(step?.['inputs']) ? step['inputs'] : {};
    const properties = isJsonObject(action?.inputs['properties']) ? action.inputs['properties'] : {};
    const isExpression = (value: unknown): boolean => typeof value === 'string' && value.startsWith('{{');
    for (const input of Object.keys(properties))
      for (const value of values) {
        const inputs = { ...sound, [input]: value };
        const asked = (): unknown => [
          action?.check?.(inputs, isExpression),
          action?.secretInputs(inputs),
          action?.changes(inputs),
        ];
        expect(asked, `${input}: ${JSON.stringify(value)}`).not.toThrow();
      }
  },
);
