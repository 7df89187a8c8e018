import { describe, expect, it } from 'vitest';
import { actions, createCatalog, describeStep } from '../../src/actions/index.ts';
import type { Step } from '../../src/document/types.ts';
import type { JsonObject } from '../../src/json.ts';

function stepOf(action: string, inputs: JsonObject): Step {
  return {
    name: 'Step',
    action,
    inputs,
    outputs: [],
    maxAttempts: 1,
    onFailure: { kind: 'Abort' },
    onCancel: { kind: 'Abort' },
    isCritical: true,
    isEnd: false,
    undo: { kind: 'auto' },
    capture: {},
  };
}

const described = (action: string, inputs: JsonObject = {}) => describeStep(actions, stepOf(action, inputs));

describe('describeStep', () => {
  it('tells a read from a change by the operation', () => {
    expect(described('aws:executeAwsApi', { Service: 'ec2', Api: 'describe_instances' })).toMatchObject({
      effect: 'read',
      undo: { kind: 'notNeeded' },
    });
    expect(described('aws:executeAwsApi', { Service: 'ec2', Api: 'StopInstances' })).toMatchObject({
      effect: 'begun',
      undo: { kind: 'none', leavesChange: true },
    });
  });

  it.each([
    { Service: '{{ Service }}', Api: 'DescribeInstances' },
    { Service: 'ec2', Api: '{{ Api }}' },
    { Service: 'ec2', Api: 'Describe{{ What }}' },
    {},
  ])('takes %j for a change, because it may become one', (inputs) => {
    expect(described('aws:executeAwsApi', inputs)).toMatchObject({
      effect: 'begun',
      undo: { kind: 'none', leavesChange: true },
    });
  });

  it('knows what can be undone by the state that is wanted', () => {
    const change = (inputs: JsonObject) =>
      described('aws:changeInstanceState', { InstanceIds: ['i-1'], ...inputs });
    expect(change({ DesiredState: 'stopped' })).toMatchObject({
      effect: 'repeatable',
      observes: true,
      undo: { kind: 'restore' },
    });
    expect(change({ DesiredState: 'terminated' })).toMatchObject({
      undo: { kind: 'none', leavesChange: true },
    });
    expect(change({ DesiredState: 'terminated', CheckStateOnly: true })).toMatchObject({
      effect: 'read',
      undo: { kind: 'notNeeded' },
    });
    expect(change({ DesiredState: '{{ State }}' })).toMatchObject({ undo: { kind: 'restore' } });
  });

  it('marks the steps that the engine runs itself', () => {
    expect(
      ['aws:branch', 'aws:sleep', 'aws:pause', 'aws:approve'].map((name) => described(name).flow),
    ).toEqual(['branch', 'sleep', 'pause', 'approve']);
    expect(described('aws:createSnapshot')).toMatchObject({
      flow: null,
      effect: 'begun',
      undo: { kind: 'restorePoint' },
    });
  });

  it('is plain JSON for every action, whatever the inputs are', () => {
    for (const name of actions.keys()) {
      const descriptor = described(name, { DesiredState: 7, Service: [], InstanceIds: 'x' });
      expect(JSON.parse(JSON.stringify(descriptor))).toEqual(descriptor);
    }
  });

  it('refuses an action that does not exist', () => {
    expect(() => described('aws:nothing')).toThrow(/aws:nothing/);
  });
});

describe('the catalog', () => {
  const catalog = createCatalog({ check: () => [], resolve: () => undefined });

  it('says what a step does to the world', () => {
    const changes = (name: string, inputs: JsonObject = {}) => catalog.action(name)?.changes(inputs);
    expect(changes('aws:branch')).toBe('nothing');
    expect(changes('aws:executeAwsApi', { Service: 'ec2', Api: 'GetConsoleOutput' })).toBe('nothing');
    expect(changes('aws:executeAwsApi', { Service: 'ec2', Api: 'RunInstances' })).toBe('noUndo');
    expect(changes('aws:createTags')).toBe('undoable');
    expect(changes('aws:createSnapshot')).toBe('undoable');
    expect(changes('aws:runCommand')).toBe('noUndo');
    // An alert cannot be unsent, and needs no undo.
    expect(changes('sns:publish')).toBe('nothing');
  });

  it('names outputs, the reason for no undo, and what AWS forbids after a cancel', () => {
    expect(catalog.action('aws:runCommand')).toMatchObject({
      outputs: ['CommandId', 'Status', 'ResponseCode', 'Output'],
      undoReason: expect.stringMatching(/nobody but its author/),
      allowedInOnCancel: true,
      hasHostTargets: true,
    });
    expect(catalog.action('aws:createTags')?.undoReason).toBeUndefined();
    const forbidden = catalog.actionNames.filter((name) => catalog.action(name)?.allowedInOnCancel === false);
    expect(forbidden).toEqual([
      'aws:approve',
      'aws:copyImage',
      'aws:createImage',
      'aws:createStack',
      'aws:createTags',
      'aws:pause',
      'aws:runInstances',
      'aws:sleep',
    ]);
    expect(catalog.action('aws:nothing')).toBeUndefined();
  });

  it('has no action that it refuses as not built', () => {
    expect(catalog.notBuiltYet.has('aws:lop')).toBe(false);
    for (const name of catalog.actionNames)
      expect([name, catalog.notBuiltYet.has(name)]).toEqual([name, false]);
  });
});
