/**
 * Runbooks that AWS owns and Belay knows: the same parameters, steps and outputs under the same names, made of the actions that Belay
 * has, so that they can be taken back. Source: the Automation runbook reference of Systems Manager.
 */
import { own } from '../json.ts';

const role = "AutomationAssumeRole: { type: String, default: '' }";
const instances = 'InstanceId: { type: StringList }';

interface Parts {
  readonly does: string;
  readonly parameters: readonly string[];
  readonly outputs?: string;
  readonly steps: readonly string[];
}

function runbook({ does, parameters, outputs, steps }: Parts): string {
  return [
    "schemaVersion: '0.3'",
    `description: ${does}`,
    "assumeRole: '{{ AutomationAssumeRole }}'",
    'parameters:',
    ...[...parameters, role].map((line) => `  ${line}`),
    ...(outputs === undefined ? [] : [`outputs: [${outputs}]`]),
    'mainSteps:',
    ...steps.map((line) => `  - ${line}`),
    '',
  ].join('\n');
}

const state = (name: string, desired: string, more = ''): string =>
  `{ name: ${name}, action: 'aws:changeInstanceState', inputs: { InstanceIds: '{{ InstanceId }}', DesiredState: ${desired}${more} } }`;
const call = (name: string, service: string, api: string, params: string, more = ''): string =>
  `{ name: ${name}, action: 'aws:executeAwsApi', inputs: { Service: ${service}, Api: ${api}, ${params} }${more} }`;
const approval =
  "{ name: approve, action: 'aws:approve', onFailure: Abort, inputs: { NotificationArn: '{{ SNSTopicArn }}', Message: 'Approval required', MinRequiredApprovals: 1, Approvers: '{{ Approvers }}' } }";
const approvers = ['Approvers: { type: StringList }', 'SNSTopicArn: { type: String }'];

const stop = [
  `{ name: stopInstances, action: 'aws:changeInstanceState', onFailure: Continue, inputs: { InstanceIds: '{{ InstanceId }}', DesiredState: stopped } }`,
  state('forceStopInstances', 'stopped', ', CheckStateOnly: false, Force: true'),
];
const start = [state('startInstances', 'running')];
const restart = [state('stopInstances', 'stopped'), ...start];
const terminate = [state('terminateInstances', 'terminated')];
const ofInstances = (name: string, does: string, steps: readonly string[]): readonly [string, Parts][] => [
  [name, { does, parameters: [instances], steps }],
  [
    `${name}WithApproval`,
    { does: `${does}, once approved`, parameters: [instances, ...approvers], steps: [approval, ...steps] },
  ],
];

const database = 'InstanceId: { type: String }';
const databaseState = (values: string): string =>
  `Service: rds, Api: DescribeDBInstances, DBInstanceIdentifier: '{{ InstanceId }}', PropertySelector: '$.DBInstances[0].DBInstanceStatus', DesiredValues: [${values}]`;
/** Acts unless the database is so already, and waits until it has come to be. */
const ofDatabase = (
  assert: string,
  already: string,
  act: string,
  api: string,
  wait: string,
  until: string,
): readonly string[] => [
  `{ name: ${assert}, action: 'aws:assertAwsResourceProperty', isCritical: false, onFailure: 'step:${act}', nextStep: ${wait}, inputs: { ${databaseState(already)} } }`,
  call(act, 'rds', api, "DBInstanceIdentifier: '{{ InstanceId }}'"),
  `{ name: ${wait}, action: 'aws:waitForAwsResourceProperty', maxAttempts: 10, timeoutSeconds: 600, isEnd: true, inputs: { ${databaseState(until)} } }`,
];

const known: Readonly<Record<string, Parts>> = Object.fromEntries([
  ...ofInstances('AWS-StopEC2Instance', 'Stops instances', stop),
  ...ofInstances('AWS-StartEC2Instance', 'Starts instances', start),
  ...ofInstances('AWS-RestartEC2Instance', 'Stops instances and starts them again', restart),
  ...ofInstances('AWS-TerminateEC2Instance', 'Terminates instances', terminate),
  [
    'AWS-CreateSnapshot',
    {
      does: 'Takes a snapshot of a volume and waits until it is complete',
      parameters: ['VolumeId: { type: String }', "Description: { type: String, default: '' }"],
      outputs: 'createSnapshot.Payload',
      steps: [
        "{ name: createSnapshot, action: 'aws:createSnapshot', inputs: { VolumeId: '{{ VolumeId }}', Description: '{{ Description }}' }, outputs: [{ Name: Payload, Selector: $.SnapshotId, Type: String }] }",
      ],
    },
  ],
  [
    'AWS-DeleteSnapshot',
    {
      does: 'Deletes a snapshot',
      parameters: ['SnapshotId: { type: String }'],
      steps: [call('DeleteSnapshot', 'ec2', 'DeleteSnapshot', "SnapshotId: '{{ SnapshotId }}'")],
    },
  ],
  [
    'AWS-CreateImage',
    {
      does: 'Makes an image of an instance',
      parameters: ['InstanceId: { type: String }', 'NoReboot: { type: Boolean, default: false }'],
      outputs: 'createImage.ImageId',
      steps: [
        "{ name: createImage, action: 'aws:createImage', inputs: { InstanceId: '{{ InstanceId }}', ImageName: '{{ InstanceId }}_{{ automation:EXECUTION_ID }}', NoReboot: '{{ NoReboot }}' } }",
      ],
    },
  ],
  [
    'AWS-DeleteImage',
    {
      does: 'Deregisters an image and deletes its snapshots',
      parameters: ['ImageId: { type: String }'],
      steps: ["{ name: deleteImage, action: 'aws:deleteImage', inputs: { ImageId: '{{ ImageId }}' } }"],
    },
  ],
  [
    'AWS-AttachEBSVolume',
    {
      does: 'Attaches a volume to an instance',
      parameters: ['Device: { type: String }', 'InstanceId: { type: String }', 'VolumeId: { type: String }'],
      steps: [
        call(
          'attachVolume',
          'ec2',
          'AttachVolume',
          "Device: '{{ Device }}', InstanceId: '{{ InstanceId }}', VolumeId: '{{ VolumeId }}'",
        ),
        "{ name: waitForVolume, action: 'aws:waitForAwsResourceProperty', timeoutSeconds: 300, inputs: { Service: ec2, Api: DescribeVolumes, VolumeIds: ['{{ VolumeId }}'], PropertySelector: '$.Volumes[0].Attachments[0].State', DesiredValues: [attached] } }",
      ],
    },
  ],
  [
    'AWS-DetachEBSVolume',
    {
      does: 'Detaches a volume from its instance',
      parameters: ['VolumeId: { type: String }', "LambdaAssumeRole: { type: String, default: '' }"],
      outputs: 'detachVolume.LogResult',
      steps: [
        call(
          'detachVolume',
          'ec2',
          'DetachVolume',
          "VolumeId: '{{ VolumeId }}'",
          ', outputs: [{ Name: LogResult, Selector: $.State, Type: String }]',
        ),
        "{ name: waitForVolume, action: 'aws:waitForAwsResourceProperty', timeoutSeconds: 300, inputs: { Service: ec2, Api: DescribeVolumes, VolumeIds: ['{{ VolumeId }}'], PropertySelector: '$.Volumes[0].State', DesiredValues: [available] } }",
      ],
    },
  ],
  [
    'AWS-ResizeInstance',
    {
      does: 'Stops an instance, gives it another type, and starts it again; one that has the type is left alone',
      parameters: [
        'InstanceId: { type: String }',
        'InstanceType: { type: String }',
        'SleepWait: { type: String, default: PT5S }',
      ],
      steps: [
        "{ name: assertInstanceType, action: 'aws:assertAwsResourceProperty', isCritical: false, onFailure: 'step:stopInstance', isEnd: true, inputs: { Service: ec2, Api: DescribeInstances, InstanceIds: ['{{ InstanceId }}'], PropertySelector: '$.Reservations[0].Instances[0].InstanceType', DesiredValues: ['{{ InstanceType }}'] } }",
        state('stopInstance', 'stopped'),
        call(
          'resizeInstance',
          'ec2',
          'ModifyInstanceAttribute',
          "InstanceId: '{{ InstanceId }}', InstanceType: { Value: '{{ InstanceType }}' }",
        ),
        "{ name: wait, action: 'aws:sleep', inputs: { Duration: '{{ SleepWait }}' } }",
        state('startInstance', 'running'),
      ],
    },
  ],
  [
    'AWS-PublishSNSNotification',
    {
      does: 'Publishes a message to a topic',
      parameters: ['TopicArn: { type: String }', 'Message: { type: String }'],
      steps: [
        call(
          'PublishSNSNotification',
          'sns',
          'Publish',
          "TopicArn: '{{ TopicArn }}', Message: '{{ Message }}'",
        ),
      ],
    },
  ],
  [
    'AWS-StartRdsInstance',
    {
      does: 'Starts a database instance and waits until it is available',
      parameters: [database],
      steps: ofDatabase(
        'AssertNotStartingOrAvailable',
        'available, starting',
        'StartInstance',
        'StartDBInstance',
        'CheckStart',
        'available',
      ),
    },
  ],
  [
    'AWS-StopRdsInstance',
    {
      does: 'Stops a database instance and waits until it is stopped',
      parameters: [database],
      steps: ofDatabase(
        'AssertNotStopped',
        'stopped, stopping',
        'StopInstance',
        'StopDBInstance',
        'CheckStop',
        'stopped',
      ),
    },
  ],
  [
    'AWS-RebootRdsInstance',
    {
      does: 'Reboots a database instance and waits until it is available',
      parameters: [database],
      steps: ofDatabase(
        'AssertNotRebooting',
        'rebooting',
        'RebootInstance',
        'RebootDBInstance',
        'WaitForAvailableState',
        'available',
      ),
    },
  ],
  [
    'AWS-ConfigureS3BucketVersioning',
    {
      does: 'Turns the versioning of a bucket on, or suspends it',
      parameters: [
        'BucketName: { type: String }',
        'VersioningState: { type: String, default: Enabled, allowedValues: [Enabled, Suspended] }',
      ],
      steps: [
        call(
          'ConfigureVersioning',
          's3',
          'PutBucketVersioning',
          "Bucket: '{{ BucketName }}', VersioningConfiguration: { Status: '{{ VersioningState }}' }",
        ),
      ],
    },
  ],
] satisfies readonly (readonly [string, Parts])[]);

export const awsRunbookNames: readonly string[] = Object.keys(known);

/** The text of a runbook that AWS owns; undefined: Belay does not know it. */
export function awsRunbook(name: string): string | undefined {
  const parts = own(known, name);
  return parts === undefined ? undefined : runbook(parts);
}
