/** ssm: Parameter Store and the list of managed instances. Commands are refused: the sandbox runs no shell text. */
import type { JsonObject } from '../../json.ts';
import type { Parameter, WorldState } from '../state.ts';
import { changes, iso, reads, type Operations } from './operation.ts';
import { AwsNotModelled, AwsRefusal } from './refusal.ts';
import { page } from './page.ts';
import { complianceOperations } from './ssm-compliance.ts';
import type { Params } from './params.ts';

export const ssmOperations: Operations = {
  ...complianceOperations,

  GetParameter: reads(
    ['Name', 'WithDecryption'],
    ({ state, params }) => {
      const name = params.needText('Name');
      const found = describe(state, name, params.flag('WithDecryption'));
      if (!found) throw new AwsRefusal('ParameterNotFound', `The parameter ${name} does not exist`);
      return { Parameter: found };
    },
    { sensitive: ['Parameter.Value'] },
  ),

  GetParameters: reads(
    ['Names', 'WithDecryption'],
    ({ state, params }) => {
      const names = params.texts('Names');
      const found = names.map((name) => describe(state, name, params.flag('WithDecryption')));
      return {
        Parameters: found.filter((parameter) => parameter !== undefined),
        InvalidParameters: names.filter((_, index) => found[index] === undefined),
      };
    },
    { sensitive: ['Parameters[].Value'] },
  ),

  GetParametersByPath: reads(
    ['Path', 'Recursive', 'WithDecryption', 'MaxResults', 'NextToken'],
    ({ state, params }) => {
      const path = `${params.needText('Path').replace(/\/+$/, '')}/`;
      const below = Object.keys(state.parameters).filter(
        (name) =>
          name.startsWith(path) && (params.flag('Recursive') || !name.slice(path.length).includes('/')),
      );
      const found = below.map((name) => describe(state, name, params.flag('WithDecryption')));
      return page(
        params,
        'Parameters',
        found.filter((parameter) => parameter !== undefined),
      );
    },
    { sensitive: ['Parameters[].Value'] },
  ),

  PutParameter: changes(['Name', 'Value', 'Type', 'Overwrite', 'Description'], ({ state, params, now }) => {
    const name = params.needText('Name');
    const known = state.parameters[name];
    if (known && !params.flag('Overwrite'))
      throw new AwsRefusal(
        'ParameterAlreadyExists',
        'The parameter already exists. To overwrite this value, set the overwrite option in the request to true.',
      );
    const version = (known?.version ?? 0) + 1;
    state.parameters[name] = {
      type: typeOf(params, known),
      value: params.needText('Value'),
      version,
      lastModified: now,
    };
    return { Version: version, Tier: 'Standard' };
  }),

  DeleteParameter: changes(['Name'], ({ state, params }) => {
    const name = params.needText('Name');
    if (!Object.hasOwn(state.parameters, name))
      throw new AwsRefusal('ParameterNotFound', `The parameter ${name} does not exist`);
    delete state.parameters[name];
    return {};
  }),

  DescribeInstanceInformation: reads(
    ['Filters', 'InstanceInformationFilterList', 'MaxResults', 'NextToken'],
    ({ state, params }) => {
      const wanted = wantedInstances(params);
      const listed = Object.values(state.hosts)
        .filter(({ instanceId }) => wanted.every((ids) => ids.includes(instanceId)))
        .map((host) => {
          const isRunning = state.instances[host.instanceId]?.state === 'running';
          return {
            InstanceId: host.instanceId,
            PingStatus: isRunning ? 'Online' : 'ConnectionLost',
            PlatformType: 'Linux',
            PlatformName: 'Debian GNU/Linux',
            PlatformVersion: '12',
            ResourceType: 'EC2Instance',
            ComputerName: host.name,
            IPAddress: state.instances[host.instanceId]?.privateIpAddress ?? '',
          };
        });
      return page(params, 'InstanceInformationList', listed);
    },
  ),

  SendCommand: changes(
    [
      'InstanceIds',
      'Targets',
      'DocumentName',
      'DocumentVersion',
      'Parameters',
      'TimeoutSeconds',
      'Comment',
      'MaxConcurrency',
      'MaxErrors',
      'CloudWatchOutputConfig',
      'OutputS3BucketName',
      'OutputS3KeyPrefix',
      'OutputS3Region',
      'ServiceRoleArn',
      'NotificationConfig',
      'DocumentHash',
      'DocumentHashType',
    ],
    ({ params }) => {
      throw new AwsNotModelled(
        `the document ${params.needText('DocumentName')}: it does not run shell text, it only models actions such as host:service and host:package`,
      );
    },
  ),
};

/** The reply's form; a SecureString comes encrypted unless it is to be decrypted. */
function describe(state: WorldState, asked: string, withDecryption: boolean): JsonObject | undefined {
  const [, name = asked, version] = /^(.+?):(\d+)$/.exec(asked) ?? [];
  const parameter = state.parameters[name];
  if (!parameter) return undefined;
  if (version !== undefined && Number(version) !== parameter.version) return undefined;
  const isHidden = parameter.type === 'SecureString' && !withDecryption;
  return {
    Name: name,
    Type: parameter.type,
    Value: isHidden ? Buffer.from(`encrypted ${name}`).toString('base64') : parameter.value,
    Version: parameter.version,
    LastModifiedDate: iso(parameter.lastModified),
    ARN: `arn:${state.partition}:ssm:${state.region}:${state.account}:parameter/${name.replace(/^\//, '')}`,
    DataType: 'text',
  };
}

function typeOf(params: Params, known: Parameter | undefined): Parameter['type'] {
  const type = params.text('Type') ?? known?.type;
  if (type === 'String' || type === 'StringList' || type === 'SecureString') return type;
  throw new AwsRefusal('ValidationException', 'A parameter type is required when you create a parameter.');
}

/** One list of instance ids per filter. */
function wantedInstances(params: Params): string[][] {
  const filters = [
    ...params.objects('Filters').map((filter) => [filter.needText('Key'), filter.texts('Values')] as const),
    ...params
      .objects('InstanceInformationFilterList')
      .map((filter) => [filter.needText('key'), filter.texts('valueSet')] as const),
  ];
  return filters.map(([key, values]) => {
    if (key === 'InstanceIds') return values;
    throw new AwsNotModelled(`the filter ${key} of this call`);
  });
}
