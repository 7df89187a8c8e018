/**
 * The editor's JSON Schema of a runbook, made from the catalog: completion and hints while typing, in the draft-07 that
 * yaml-language-server reads. `checkDocument` stays the judge: it knows flow and references, which no schema can.
 */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import type { Catalog, CatalogAction } from './catalog.ts';
import { operators } from './condition.ts';
import { lowerSchema } from './lower-schema.ts';
import { outputTypes } from './selector.ts';

/** What an action does, in a sentence, by its name. */
export type ActionDescriptions = Readonly<Record<string, string>>;

const text: JsonObject = { type: 'string' };
const ref = (name: string): JsonObject => ({ $ref: `#/definitions/${name}` });

function object(properties: JsonObject, required: readonly string[] = [], description?: string): JsonObject {
  return {
    ...(description === undefined ? {} : { description }),
    type: 'object',
    additionalProperties: false,
    ...(required.length === 0 ? {} : { required }),
    properties,
  };
}

const described = (description: string, schema: JsonObject): JsonObject => ({ description, ...schema });

export function runbookSchema(catalog: Catalog, descriptions: ActionDescriptions): JsonObject {
  const inputs: [string, JsonObject][] = [];
  for (const name of catalog.actionNames) {
    const action = catalog.action(name);
    if (action !== undefined) inputs.push([name, inputsWithNested(action)]);
  }
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Belay runbook',
    description: 'An SSM Automation document (schemaVersion 0.3) with the additions of Belay.',
    ...object(documentProperties, ['schemaVersion', 'mainSteps']),
    definitions: {
      expression: { type: 'string', pattern: '\\{\\{' },
      boolean: { anyOf: [{ type: 'boolean' }, { enum: ['true', 'false'] }] },
      parameter,
      output,
      undo,
      capture,
      locks,
      condition: object(conditionProperties),
      choice: object({ NextStep: described('The step to go to.', text), ...conditionProperties }, [
        'NextStep',
      ]),
      step: stepSchema(
        inputs.map(([name]) => name),
        descriptions,
        inputs,
      ),
      ...Object.fromEntries(
        inputs.map(([name, schema]) => [inputsName(name), inputsSchema(name, schema, descriptions[name])]),
      ),
    },
  };
}

const documentProperties: JsonObject = {
  schemaVersion: { description: 'The version of the language.', enum: ['0.3'] },
  description: described('What the runbook does, in Markdown.', text),
  assumeRole: described('ARN of the role to act with; empty: as the caller.', text),
  parameters: {
    description: 'What the caller gives, by name.',
    type: 'object',
    propertyNames: { pattern: '^[A-Za-z0-9_]+$' },
    additionalProperties: ref('parameter'),
  },
  variables: {
    description:
      'Values that steps change with aws:updateVariable, by name; a default is the value at the start.',
    type: 'object',
    propertyNames: { pattern: '^[A-Za-z0-9_]+$' },
    additionalProperties: ref('parameter'),
  },
  mainSteps: { description: 'The steps, in order.', type: 'array', minItems: 1, items: ref('step') },
  outputs: {
    description: 'What the execution gives: Step.Output, without braces.',
    type: 'array',
    items: { type: 'string', pattern: '^[A-Za-z0-9_]+\\.[A-Za-z0-9_]+$' },
  },
  files: {
    description:
      'Attachments of aws:executeScript, by name: they lie beside the runbook or in attachments/ there.',
    type: 'object',
    propertyNames: { pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]*$' },
    additionalProperties: object(
      {
        checksums: object({ sha256: described('64 hex digits.', text) }, [], 'What the file must be.'),
        size: described('In bytes.', { type: 'integer', minimum: 0 }),
        source: described(
          'Addition to SSM: s3://bucket/key, where it lies instead of beside the runbook.',
          text,
        ),
      },
      ['checksums'],
      'One file.',
    ),
  },
  timeoutSeconds: described(
    'Addition to SSM: the longest that the forward flow may take; the rollback has its own limit.',
    { type: 'integer', minimum: 1 },
  ),
  rollback: object(
    {
      when: {
        description: 'Whether a failed, timed out or cancelled execution is taken back.',
        enum: ['onFailure', 'never', 'ask'],
      },
      timeoutSeconds: described('Time budget of the rollback.', { type: 'integer', minimum: 1 }),
    },
    [],
    'Addition to SSM: taking the execution back.',
  ),
  notify: object(
    {
      sns: described('ARN of a topic.', text),
      channels: described('Channels of belay.yaml, beside those that are told of all.', {
        type: 'array',
        minItems: 1,
        items: text,
      }),
    },
    [],
    'Addition to SSM: who is told of the execution.',
  ),
  locks: ref('locks'),
};

const parameter: JsonObject = object(
  {
    type: {
      description: 'The type. AWS resource types behave as String, List<…> as StringList.',
      anyOf: [
        { enum: ['String', 'StringList', 'Boolean', 'Integer', 'StringMap', 'MapList'] },
        { type: 'string', pattern: '^(?:AWS::[A-Za-z0-9:]+|List<AWS::[A-Za-z0-9:]+>)$' },
      ],
    },
    description: text,
    default: { description: 'The value when none is given. Without it the parameter is required.' },
    allowedValues: { type: 'array' },
    allowedPattern: described('A regular expression in the dialect of Java.', text),
    displayType: { enum: ['textfield', 'textarea'] },
    minItems: { type: 'integer', minimum: 0 },
    maxItems: { type: 'integer', minimum: 0 },
    minChars: { type: 'integer', minimum: 0 },
    maxChars: { type: 'integer', minimum: 0 },
    minValue: { type: 'integer' },
    maxValue: { type: 'integer' },
    secret: described('Addition to SSM: the value comes by --secret and never appears.', ref('boolean')),
  },
  ['type'],
);

const output: JsonObject = object(
  {
    Name: { type: 'string', pattern: '^[A-Za-z0-9_]+$' },
    Selector: described("JSONPath over the action's response.", { type: 'string', minLength: 1 }),
    Type: { description: 'String where it is left out.', enum: outputTypes },
  },
  ['Name', 'Selector'],
);

const undo: JsonObject = {
  description: 'Addition to SSM: what takes the step back.',
  anyOf: [
    { enum: ['auto'] },
    object({ none: described('Why nothing needs undoing.', { type: 'string', minLength: 1 }) }, ['none']),
    { type: 'array', minItems: 1, items: ref('step') },
  ],
};

const locks: JsonObject = {
  description:
    'Addition to SSM: resources held exclusively until the execution has ended, as host:db1, cluster:minio (a group of the inventory) or volume:vol-0b2c.',
  type: 'array',
  minItems: 1,
  items: { type: 'string', pattern: '\\{\\{|^[a-z][a-z0-9-]*:' },
};

const capture: JsonObject = {
  description: 'Addition to SSM: named reads made before the step acts, for undo as before.NAME.',
  type: 'object',
  additionalProperties: {
    anyOf: [
      described("A reading command on the step's targets.", text),
      { type: 'object', required: ['Service', 'Api', 'Selector'] },
    ],
  },
};

const conditionProperties: JsonObject = {
  Variable: described('The expression to look at.', text),
  And: { type: 'array', minItems: 1, items: ref('condition') },
  Or: { type: 'array', minItems: 1, items: ref('condition') },
  Not: ref('condition'),
  ...Object.fromEntries(operators.map((name) => [name, { type: ['string', 'number', 'boolean'] }])),
};

function stepSchema(
  names: readonly string[],
  descriptions: ActionDescriptions,
  inputs: readonly (readonly [string, JsonObject])[],
): JsonObject {
  const route = (words: readonly string[]): JsonObject => ({
    anyOf: [{ enum: words }, { type: 'string', pattern: '^step:[A-Za-z0-9_]+$' }],
  });
  return {
    ...object(
      {
        name: described('Unique in the list.', { type: 'string', pattern: '^[A-Za-z0-9_]+$' }),
        action: {
          description: 'What the step does.',
          enum: names,
          enumDescriptions: names.map((name) => descriptions[name] ?? name),
        },
        inputs: { type: 'object' },
        description: text,
        outputs: { description: 'What later steps may read.', type: 'array', items: ref('output') },
        maxAttempts: described('Total tries.', { type: 'integer', minimum: 1 }),
        timeoutSeconds: {
          description: 'Time limit of each attempt.',
          anyOf: [{ type: 'integer', minimum: 1 }, ref('expression')],
        },
        onFailure: described('Where to go when the last attempt failed.', route(['Abort', 'Continue'])),
        onCancel: described('Where to go when a person cancels.', route(['Abort'])),
        isCritical: described('Whether a failure fails the execution, handled or not.', ref('boolean')),
        isEnd: described('The execution ends after this step.', ref('boolean')),
        nextStep: described('The step that follows on success.', text),
        undo: ref('undo'),
        undoNeeds: {
          description:
            'Addition to SSM: steps behind this one, on whose undo its undo builds; where theirs failed, it is not done.',
          type: 'array',
          items: { type: 'string', pattern: '^[A-Za-z0-9_]+$' },
        },
        capture: ref('capture'),
        locks: ref('locks'),
      },
      ['name', 'action'],
    ),
    allOf: inputs.map(([name, schema]) => {
      const { required } = schema;
      return whenThen(
        { properties: { action: { const: name } }, required: ['action'] },
        {
          properties: { inputs: ref(inputsName(name)) },
          ...(Array.isArray(required) && required.length > 0 ? { required: ['inputs'] } : {}),
        },
      );
    }),
  };
}

/** Lists of steps among the inputs stand beside what the action's own schema knows. */
function inputsWithNested({ inputs, nests }: CatalogAction): JsonObject {
  if (nests === undefined) return inputs;
  const { properties, required } = inputs;
  const lists = Object.entries(nests.lists);
  return {
    ...inputs,
    required: [
      ...(Array.isArray(required) ? required : []),
      ...lists.flatMap(([name, list]) => (list.required ? [name] : [])),
    ],
    properties: {
      ...(isJsonObject(properties) ? properties : {}),
      ...Object.fromEntries(
        lists.map(([name, { description }]) => [
          name,
          { description, type: 'array', minItems: 1, items: ref('step') },
        ]),
      ),
    },
  };
}

/** if/then, said by its negation: an object literal with a `then` reads as a promise. */
const whenThen = (condition: JsonObject, follows: JsonObject): JsonObject => ({
  if: { not: condition },
  else: follows,
});

/** A definition's name must survive in a URI fragment. */
const inputsName = (action: string): string => `inputs.${action.replaceAll(':', '.')}`;

function inputsSchema(name: string, schema: JsonObject, description: string | undefined): JsonObject {
  const lowered =
    name === 'aws:branch' ? branchInputs : lowerSchema(schema, `#/definitions/${inputsName(name)}`);
  const known: Json | undefined = lowered['description'];
  if (known !== undefined || description === undefined || !isJsonObject(lowered)) return lowered;
  return { description, ...lowered };
}

const branchInputs: JsonObject = object(
  {
    Choices: {
      description: 'The first that is true is taken.',
      type: 'array',
      minItems: 1,
      items: ref('choice'),
    },
    Default: described('The step to go to when no choice is true.', text),
  },
  ['Choices'],
);
