/** aws:changeInstanceState: starts, stops or terminates instances, or only waits for a state. */
import { Type, type Static } from 'typebox';
import { defineAction, done, failed, type ActionContext, type Poll } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import {
  desiredStates,
  driveInstances,
  outputsOf,
  readStates,
  settledState,
  stateChanges,
  type InstanceStates,
} from './instance-states.ts';
import { restoring } from './restoring.ts';

type Before = {
  readonly States: InstanceStates;
  /** What they are in, or on their way to. Absent in journals of an earlier version. */
  readonly Towards?: InstanceStates;
};

const source =
  'https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-changestate.html';

const calls = {
  running: ['ec2:StartInstances', 'ec2:StopInstances'],
  stopped: ['ec2:StopInstances', 'ec2:StartInstances'],
  terminated: ['ec2:TerminateInstances'],
} as const;

const inputs = strictObject({
  InstanceIds: Type.Array(Type.String(), { minItems: 1 }),
  DesiredState: Type.Enum(desiredStates),
  CheckStateOnly: Type.Optional(Type.Boolean({ default: false, description: 'Only wait for the state.' })),
  Force: Type.Optional(
    Type.Boolean({ default: false, description: 'Stop without waiting for the operating system.' }),
  ),
  FailOnUnexpectedStopped: Type.Optional(
    Type.Boolean({ default: false, description: 'Fail when an instance that was started is stopped again.' }),
  ),
  AdditionalInfo: Type.Optional(Type.String({ description: 'Reserved by EC2.' })),
});
type Inputs = Static<typeof inputs>;

export const changeInstanceState = defineAction({
  name: 'aws:changeInstanceState',
  summary: 'Starts, stops or terminates instances and waits until they are there, status checks included.',
  source,
  example: `
- name: StopInstances
  action: aws:changeInstanceState
  inputs:
    InstanceIds: '{{ InstanceIds }}'
    DesiredState: stopped
`,
  inputs,
  outputs: strictObject({
    InstanceStates: Type.Array(Type.String(), { description: 'In the order of InstanceIds.' }),
  }),
  timeoutSeconds: 3600,
  permissions: ({ DesiredState, CheckStateOnly }) => [
    'ec2:DescribeInstanceStatus',
    ...(CheckStateOnly === true ? [] : (calls[DesiredState] ?? Object.values(calls).flat())),
  ],
  targets: ({ InstanceIds }) => InstanceIds,
  hasHostTargets: true,

  before: ['States', 'Towards'],
  putsBack: ['Towards'],
  observe: async ({ InstanceIds }, context): Promise<Before> => {
    const states = await readStates(InstanceIds, context);
    const towards = Object.entries(states).map(([id, state]) => [id, settledState(state) ?? state] as const);
    return { States: states, Towards: Object.fromEntries(towards) };
  },

  effect: ({ CheckStateOnly }) =>
    CheckStateOnly === true
      ? { kind: 'read', poll: (inputs, context) => reach(inputs, {}, context) }
      : { kind: 'repeatable', execute: (inputs, { States }, context) => reach(inputs, States, context) },

  undo: ({ DesiredState, CheckStateOnly }) => {
    if (CheckStateOnly === true) return { kind: 'notNeeded' };
    if (DesiredState === 'terminated')
      return { kind: 'none', reason: 'a terminated instance cannot be brought back', leavesChange: true };
    return { kind: 'restore', effect: backToBefore };
  },
});

async function reach(
  inputs: Inputs,
  before: InstanceStates,
  context: ActionContext,
): Promise<Poll<{ InstanceStates: string[] }>> {
  const round = await driveInstances(
    {
      instances: inputs.InstanceIds,
      desired: inputs.DesiredState,
      before,
      checkOnly: inputs.CheckStateOnly ?? false,
      force: inputs.Force ?? false,
      additionalInfo: inputs.AdditionalInfo,
      failOnStopped: inputs.FailOnUnexpectedStopped ?? false,
    },
    context,
  );
  if (round.kind !== 'reached') return round;
  return done(outputsOf(inputs.InstanceIds, round.states), { changes: stateChanges(before, round.states) });
}

const backToBefore = restoring({
  look: ({ before }: { readonly before: Before }, context) => readStates(Object.keys(before.States), context),
  drive: async (found: InstanceStates, { before }, context) => {
    const lost = Object.keys(found).find((id) => settledState(found[id]) === 'terminated');
    if (lost !== undefined && settledState(before.States[lost]) !== 'terminated')
      return failed(
        'INSTANCE_STATE',
        `${lost} was ${before.States[lost]} and is ${found[lost]}: it cannot be brought back`,
      );
    for (const desired of ['running', 'stopped'] as const) {
      const instances = Object.keys(before.States).filter(
        (id) => settledState(before.States[id]) === desired,
      );
      const differing = instances.filter((id) => settledState(found[id]) !== desired);
      if (differing.length === 0) continue;
      const round = await driveInstances(
        {
          instances: differing,
          desired,
          before: found,
          checkOnly: false,
          force: false,
          additionalInfo: undefined,
        },
        context,
      );
      if (round.kind !== 'reached') return round;
    }
    const after = Object.fromEntries(
      Object.keys(found).map((id) => [id, settledState(before.States[id]) ?? 'unknown']),
    );
    return done({}, { changes: stateChanges(found, after) });
  },
});
