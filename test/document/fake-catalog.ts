/** A catalog for the tests of the room: a few actions with every kind of input that a schema can ask for. */
import type { Catalog, CatalogAction, CatalogProblem } from '../../src/document/index.ts';
import type { JsonObject } from '../../src/json.ts';

const text = { type: 'string' };
const texts = { type: 'array', items: text, minItems: 1 };

function object(properties: JsonObject, required: readonly string[] = []): JsonObject {
  return { type: 'object', additionalProperties: false, properties, required };
}

function action(name: string, inputs: JsonObject, more: Partial<CatalogAction> = {}): CatalogAction {
  return {
    name,
    inputs,
    outputs: [],
    timeoutSecondsDefault: undefined,
    changes: () => 'nothing',
    allowedInOnCancel: true,
    hasHostTargets: false,
    secretInputs: () => ['Environment', 'Env'],
    ...more,
  };
}

const noExpressionsIn =
  (key: string): NonNullable<CatalogAction['check']> =>
  (inputs, isExpression) => {
    const problem: CatalogProblem = {
      code: 'EXPRESSION_IN_COMMAND',
      path: [key],
      message: `${key} is shell text, and values never go into shell text`,
      hint: 'Pass the value by Environment.',
    };
    return isExpression(inputs[key]) ? [problem] : [];
  };

const tag = object({ Key: text, Value: text }, ['Key', 'Value']);

export const fakeActions: readonly CatalogAction[] = [
  action(
    'aws:approve',
    object(
      {
        Approvers: { type: 'array', items: text, minItems: 1, maxItems: 10 },
        Message: text,
        NotificationArn: text,
        MinRequiredApprovals: { type: 'integer', minimum: 1 },
      },
      ['Approvers'],
    ),
    {
      outputs: ['ApprovalStatus', 'ApproverDecisions'],
      allowedInOnCancel: false,
      secretInputs: () => ['Message'],
    },
  ),
  action('aws:branch', object({ Choices: { type: 'array' }, Default: text }, ['Choices']), {
    secretInputs: () => [],
  }),
  action('aws:pause', object({}), { allowedInOnCancel: false }),
  action(
    'aws:sleep',
    {
      ...object({ Duration: { type: 'string', pattern: '^P' }, Timestamp: text }),
      oneOf: [{ required: ['Duration'] }, { required: ['Timestamp'] }],
    },
    { allowedInOnCancel: false },
  ),
  action(
    'aws:changeInstanceState',
    object(
      {
        InstanceIds: texts,
        DesiredState: { anyOf: [{ const: 'running' }, { const: 'stopped' }, { const: 'terminated' }] },
        CheckStateOnly: { type: 'boolean' },
        Force: { type: 'boolean' },
      },
      ['InstanceIds', 'DesiredState'],
    ),
    { outputs: ['InstanceStates'], changes: () => 'undoable' },
  ),
  action(
    'aws:createTags',
    object(
      {
        ResourceType: { enum: ['EC2', 'ManagedInstance'] },
        ResourceIds: texts,
        Tags: { type: 'array', items: tag },
      },
      ['ResourceIds', 'Tags'],
    ),
    { changes: () => 'undoable', allowedInOnCancel: false },
  ),
  action(
    'aws:executeAwsApi',
    { type: 'object', properties: { Service: text, Api: text }, required: ['Service', 'Api'] },
    {
      changes: (inputs) =>
        typeof inputs['Api'] === 'string' && /^(Describe|Get|List)/.test(inputs['Api'])
          ? 'nothing'
          : 'noUndo',
    },
  ),
  action(
    'aws:runCommand',
    {
      ...object(
        {
          DocumentName: text,
          InstanceIds: { type: 'array', items: text },
          Targets: {
            type: 'array',
            items: object({ Key: text, Values: { type: 'array', items: text } }, ['Key', 'Values']),
          },
          Parameters: {
            type: 'object',
            additionalProperties: { anyOf: [text, { type: 'array', items: text }] },
          },
          TimeoutSeconds: { type: 'integer', minimum: 30 },
        },
        ['DocumentName'],
      ),
      anyOf: [{ required: ['InstanceIds'] }, { required: ['Targets'] }],
    },
    {
      outputs: ['CommandId', 'Status', 'ResponseCode', 'Output'],
      changes: () => 'noUndo',
      undoReason: 'a command can do anything',
      hasHostTargets: true,
    },
  ),
  action('aws:createSnapshot', object({ VolumeId: text, Description: text }, ['VolumeId']), {
    outputs: ['SnapshotId', 'StartTime'],
    changes: () => 'undoable',
  }),
  action(
    'host:service',
    object({ Host: text, Name: text, State: { enum: ['started', 'stopped', 'restarted'] } }, [
      'Host',
      'Name',
      'State',
    ]),
    { before: ['ActiveState', 'UnitFileState'], changes: () => 'undoable', hasHostTargets: true },
  ),
  action(
    'host:command',
    object({ Host: text, Command: text, Environment: { type: 'object', additionalProperties: text } }, [
      'Host',
      'Command',
    ]),
    {
      outputs: ['ExitCode', 'Output'],
      changes: () => 'noUndo',
      hasHostTargets: true,
      check: noExpressionsIn('Command'),
    },
  ),
  action('belay:rolling', object({ Targets: texts, MaxErrors: { type: 'integer' } }, ['Targets']), {
    outputs: ['Targets', 'Succeeded', 'Failed'],
    secretInputs: () => [],
    nests: {
      scope: 'turn',
      lists: {
        Gate: { description: 'Looks.', required: false, readsOnly: true },
        Steps: { description: 'A turn.', required: true, readsOnly: false },
      },
      outputs: ['Target', 'Others'],
    },
  }),
  action(
    'aws:loop',
    object(
      {
        Iterators: {},
        IteratorDataType: { enum: ['String', 'Integer', 'Boolean', 'StringMap'] },
        LoopCondition: {},
        MaxIterations: { type: 'integer', minimum: 1 },
      },
      [],
    ),
    {
      outputs: ['CurrentIteration', 'CurrentIteratorValue'],
      nests: {
        scope: 'pass',
        lists: { Steps: { description: 'A pass.', required: true, readsOnly: false } },
        outputs: ['CurrentIteration', 'CurrentIteratorValue'],
      },
    },
  ),
  action('aws:updateVariable', object({ Name: text, Value: {} }, ['Name', 'Value']), {
    secretInputs: () => [],
  }),
  action('ebs:snapshot', object({ Host: text, Mounts: texts }, ['Host', 'Mounts']), {
    outputs: ['SnapshotIds', 'StartTime'],
    changes: () => 'undoable',
    hasHostTargets: true,
  }),
  action('ebs:deleteSnapshots', object({ SnapshotIds: texts }, ['SnapshotIds'])),
  action('ebs:restore', object({ Host: text, SnapshotIds: texts }, ['Host', 'SnapshotIds'])),
  action('postgresql:check', object({ Host: text, Expect: { type: 'object' } }, ['Host']), {
    outputs: ['Intact', 'ServerVersion'],
    hasHostTargets: true,
  }),
];

export const fakeCatalog: Catalog = {
  action: (name) => fakeActions.find((known) => known.name === name),
  actionNames: fakeActions.map(({ name }) => name),
  notBuiltYet: new Map([
    ['aws:loop', 'write the steps once for each element'],
    ['minio:health', 'use http:check'],
  ]),
  insideAws: new Map([['aws:putServerUpgradeMetrics', 'it counts upgrades for the service team']]),
};
