/** aws:runInstances: launches instances under a client token and a tag, and waits until they run and pass their checks. */
import { Type } from 'typebox';
import type { CatalogProblem } from '../../document/catalog.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { defineAction } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import {
  followLaunch,
  instancesMadeUnder,
  launchSettleMs,
  terminateLaunched,
  type Launch,
} from './launches.ts';
import { objectsIn, textIn } from './reply.ts';
import { withTokenTags } from './token-tags.ts';
import { callAws } from '../../transports/aws-calls.ts';

const members = Type.Unsafe<JsonObject>(Type.Object({}, { additionalProperties: true }));
const texts = Type.Array(Type.String());
const count = (description: string) =>
  Type.Optional(
    Type.Union([Type.Integer({ minimum: 1 }), Type.String({ pattern: '^[1-9][0-9]*$' })], { description }),
  );

export const runInstances = defineAction({
  name: 'aws:runInstances',
  summary: 'Launches instances, and waits until they run and their status checks are ok.',
  source: 'https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-runinstance.html',
  example: `
- name: LaunchBuilder
  action: aws:runInstances
  timeoutSeconds: 1200
  onFailure: Abort
  inputs:
    ImageId: '{{ SourceAmiId }}'
    InstanceType: t3.micro
    MinInstanceCount: 1
    MaxInstanceCount: 1
    IamInstanceProfileName: ManagedInstanceProfile
    TagSpecifications:
      - ResourceType: instance
        Tags: [{ Key: Role, Value: image-builder }]
`,
  inputs: strictObject({
    ImageId: Type.String({ minLength: 1, description: 'The image, as ami-0c4e….' }),
    InstanceType: Type.Optional(Type.String({ description: 'Left out: what EC2 takes then, m1.small.' })),
    MinInstanceCount: count('Fewer are not launched at all. Left out: 1.'),
    MaxInstanceCount: count('Left out: as many as MinInstanceCount.'),
    KeyName: Type.Optional(Type.String()),
    SecurityGroupIds: Type.Optional(texts),
    SecurityGroups: Type.Optional(texts),
    SubnetId: Type.Optional(Type.String()),
    NetworkInterfaces: Type.Optional(Type.Union([Type.Array(members), members])),
    Placement: Type.Optional(members),
    PrivateIpAddress: Type.Optional(Type.String()),
    IamInstanceProfileArn: Type.Optional(Type.String({ description: 'Not beside IamInstanceProfileName.' })),
    IamInstanceProfileName: Type.Optional(Type.String()),
    TagSpecifications: Type.Optional(
      Type.Array(members, { description: "Belay's own tags are added to those of instances and volumes." }),
    ),
    UserData: Type.Optional(Type.String({ description: 'In base64.' })),
    BlockDeviceMappings: Type.Optional(Type.Union([Type.Array(members), members])),
    MetadataOptions: Type.Optional(members),
    Monitoring: Type.Optional(
      Type.Union([Type.Boolean(), members], { description: 'true, or { Enabled: true } as EC2 has it.' }),
    ),
    EbsOptimized: Type.Optional(Type.Boolean()),
    DisableApiTermination: Type.Optional(Type.Boolean({ description: 'The undo takes it off again.' })),
    InstanceInitiatedShutdownBehavior: Type.Optional(Type.Enum(['stop', 'terminate'])),
    KernelId: Type.Optional(Type.String()),
    RamdiskId: Type.Optional(Type.String()),
    ClientToken: Type.Optional(
      Type.String({
        maxLength: 64,
        description: "Left out: Belay's own, a new one for each attempt that is known to have failed.",
      }),
    ),
    AdditionalInfo: Type.Optional(Type.String({ description: 'Reserved by EC2.' })),
  }),
  outputs: strictObject({
    InstanceIds: Type.Array(Type.String()),
    InstanceStates: Type.Array(Type.String(), { description: 'In the order of InstanceIds.' }),
  }),
  timeoutSeconds: undefined,
  permissions: ({ DisableApiTermination, IamInstanceProfileArn, IamInstanceProfileName }) => [
    'ec2:RunInstances',
    'ec2:CreateTags',
    'ec2:DescribeInstances',
    'ec2:DescribeInstanceStatus',
    'ec2:TerminateInstances',
    'ec2:DescribeVolumes',
    'ec2:DeleteVolume',
    ...((DisableApiTermination ?? false) ? ['ec2:ModifyInstanceAttribute'] : []),
    ...(IamInstanceProfileArn === undefined && IamInstanceProfileName === undefined ? [] : ['iam:PassRole']),
  ],
  targets: ({ ImageId }) => [ImageId],
  hasHostTargets: false,
  usesRestorePoints: 'ImageId',
  forbiddenInOnCancel: true,
  check: (inputs, tools) => checkLaunch(inputs, (value) => tools.isExpression(value)),

  effect: {
    kind: 'begun',
    begin: async (inputs, _before, context): Promise<Launch> => {
      const params = launchParams(inputs, withTokenTags(inputs.TagSpecifications ?? [], tagged, context));
      const { aws, token, signal } = context;
      const reply = await callAws(aws, { service: 'ec2', operation: 'RunInstances', params, token, signal });
      const InstanceIds = objectsIn(reply, 'Instances').map((instance) => textIn(instance, 'InstanceId'));
      return { InstanceIds, FoundAt: context.now() };
    },
    /** By the tag; and what is not listed yet is given again under its client token. */
    adopt: async (_inputs, _before, context) => {
      const found = await instancesMadeUnder(context.token, context);
      if (found.length === 0) return { kind: 'absent' };
      return {
        kind: 'running',
        handle: { InstanceIds: found.map(({ id }) => id), FoundAt: context.now() },
      };
    },
    poll: (handle: Launch, _inputs, _before, context) => followLaunch(handle, context),
    settleMs: launchSettleMs,
  },
  undo: { kind: 'restore', effect: terminateLaunched },
});

/** What carries the token: a volume that stays behind its instance is found by it too. */
const tagged = ['instance', 'volume'];

/** Inputs that EC2 has under another name. */
const ownNames = [
  'MinInstanceCount',
  'MaxInstanceCount',
  'IamInstanceProfileArn',
  'IamInstanceProfileName',
  'Monitoring',
  'NetworkInterfaces',
  'BlockDeviceMappings',
];

function launchParams(
  inputs: JsonObject,
  TagSpecifications: readonly JsonObject[],
): JsonObject & { readonly MinCount: number; readonly MaxCount: number } {
  const same = Object.entries(inputs).filter(([name]) => !ownNames.includes(name));
  const MinCount = Number(inputs['MinInstanceCount'] ?? 1);
  const { IamInstanceProfileArn, IamInstanceProfileName, Monitoring } = inputs;
  return {
    ...Object.fromEntries(same),
    MinCount,
    MaxCount: Number(inputs['MaxInstanceCount'] ?? MinCount),
    ...listed('NetworkInterfaces', inputs),
    ...listed('BlockDeviceMappings', inputs),
    ...(IamInstanceProfileArn === undefined ? {} : { IamInstanceProfile: { Arn: IamInstanceProfileArn } }),
    ...(IamInstanceProfileName === undefined ? {} : { IamInstanceProfile: { Name: IamInstanceProfileName } }),
    ...(Monitoring === undefined
      ? {}
      : { Monitoring: isJsonObject(Monitoring) ? Monitoring : { Enabled: Monitoring } }),
    TagSpecifications,
  };
}

/** AWS's page calls it a map, EC2 takes a list. */
function listed(name: string, inputs: JsonObject): JsonObject {
  const value = inputs[name];
  if (value === undefined) return {};
  return { [name]: Array.isArray(value) ? value : [value] };
}

function isBase64(text: string): boolean {
  const letters = text.replaceAll(/\s+/g, '');
  return letters.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(letters);
}

function checkLaunch(
  inputs: JsonObject,
  isExpression: (value: unknown) => boolean,
): readonly CatalogProblem[] {
  const problems: CatalogProblem[] = [];
  const wrong = (input: string, message: string, hint?: string): void => {
    problems.push({
      code: 'WRONG_INPUT',
      path: [input],
      message,
      ...(hint === undefined ? {} : { hint }),
    });
  };
  if (inputs['IamInstanceProfileArn'] !== undefined && inputs['IamInstanceProfileName'] !== undefined)
    wrong(
      'IamInstanceProfileName',
      'the profile is given twice, by its ARN and by its name',
      'Keep one of them.',
    );
  const [min, max] = [inputs['MinInstanceCount'], inputs['MaxInstanceCount']].map(countOf);
  if (min !== undefined && max !== undefined && min > max)
    wrong('MinInstanceCount', `${min} instances at least and ${max} at most`);
  const { UserData } = inputs;
  if (typeof UserData === 'string' && !isExpression(UserData) && !isBase64(UserData))
    wrong('UserData', 'a literal UserData is base64, and this is not', 'Encode the script: base64 -w0 FILE.');
  return problems;
}

function countOf(written: Json | undefined): number | undefined {
  const value = typeof written === 'string' && /^\d+$/.test(written) ? Number(written) : written;
  return typeof value === 'number' ? value : undefined;
}
