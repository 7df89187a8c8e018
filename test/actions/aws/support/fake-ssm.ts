/**
 * The parts of AWS that the sandbox refuses and these actions need: SSM's commands and the tags of its resources, and
 * the end of an instance. Everything else goes to the Aws below.
 */
import type { Json, JsonObject } from '../../../../src/json.ts';
import { textIn } from '../../../../src/actions/aws/reply.ts';
import { AwsFailure, type Aws, type AwsCall } from '../../../../src/transports/aws.ts';

/** How an instance answers a command. */
export interface Answer {
  readonly status?: string;
  readonly details?: string;
  readonly code?: number;
  readonly stdout?: string;
  readonly stderr?: string;
  /** More than one: its document has several steps. */
  readonly steps?: readonly {
    readonly name: string;
    readonly status: string;
    readonly code: number;
    readonly output: string;
  }[];
  /** How often GetCommandInvocation says InvocationDoesNotExist first. */
  readonly missing?: number;
}

export interface FakeSsmState {
  readonly answers: Readonly<Record<string, Answer>>;
  /** Instances by `tag:Role=web`. */
  readonly targets: Readonly<Record<string, readonly string[]>>;
  /** How often ListCommands says InProgress first. */
  readonly rounds: number;
  readonly tags: Record<string, Record<string, string>>;
}

interface Command {
  readonly id: string;
  readonly params: JsonObject;
  readonly instances: readonly string[];
  rounds: number;
  cancelled: boolean;
  readonly asked: Record<string, number>;
}

export function withFakeSsm(inner: Aws, state: FakeSsmState, now: () => number): Aws {
  const commands: Command[] = [];

  const serve = async (call: AwsCall): Promise<JsonObject | undefined> => {
    const { params } = call;
    switch (`${call.service}:${call.operation}`) {
      case 'ssm:SendCommand': {
        const command = send(params);
        return { Command: listed(command) };
      }
      case 'ssm:ListCommands':
        return listCommands(params);
      case 'ssm:GetCommandInvocation':
        return invocation(find(textIn(params, 'CommandId')), textIn(params, 'InstanceId'));
      case 'ssm:ListCommandInvocations':
        return invocations(find(textIn(params, 'CommandId')), params);
      case 'ssm:CancelCommand':
        find(textIn(params, 'CommandId')).cancelled = true;
        return {};
      case 'ssm:ListTagsForResource':
        return { TagList: Object.entries(tagsOf(params)).map(([Key, Value]) => ({ Key, Value })) };
      case 'ssm:AddTagsToResource':
        for (const { Key, Value } of params['Tags'] as { Key: string; Value: string }[])
          tagsOf(params)[Key] = Value;
        return {};
      case 'ssm:RemoveTagsFromResource':
        for (const key of params['TagKeys'] as string[]) delete tagsOf(params)[key];
        return {};
      default:
        return undefined;
    }
  };

  const tagsOf = (params: JsonObject) => (state.tags[textIn(params, 'ResourceId')] ??= {});

  const send = (params: JsonObject): Command => {
    const targets = (params['Targets'] ?? []) as { Key: string; Values: string[] }[];
    const byTag = targets.flatMap(({ Key, Values }) => state.targets[`${Key}=${Values.join(',')}`] ?? []);
    const command: Command = {
      id: `0c0ffee0-0000-4000-8000-00000000000${commands.length + 1}`,
      params,
      instances: (params['InstanceIds'] as string[] | undefined) ?? byTag,
      rounds: state.rounds,
      cancelled: false,
      asked: {},
    };
    commands.push(command);
    return command;
  };

  const find = (id: string): Command => {
    const command = commands.find((candidate) => candidate.id === id);
    if (command === undefined) throw refusal('InvalidCommandId');
    return command;
  };

  const listCommands = (params: JsonObject): JsonObject => {
    const id = params['CommandId'];
    if (id !== undefined) {
      const command = commands.find((candidate) => candidate.id === id);
      if (command !== undefined) command.rounds -= 1;
      return { Commands: command === undefined ? [] : [listed(command)] };
    }
    const filters = params['Filters'] as { key: string; value: string }[];
    const since = filters.find(({ key }) => key === 'InvokedAfter')?.value ?? '';
    if (!(Date.parse(since) < now())) throw refusal('ValidationException');
    const name = filters.find(({ key }) => key === 'DocumentName')?.value;
    return { Commands: commands.filter(({ params }) => params['DocumentName'] === name).map(listed) };
  };

  const statusOf = (command: Command): string => {
    if (command.cancelled) return 'Cancelled';
    if (command.rounds >= 0) return 'InProgress';
    if (command.instances.length === 0) return 'Failed';
    const bad = command.instances
      .map((id) => state.answers[id]?.status ?? 'Success')
      .find((one) => one !== 'Success');
    return bad ?? 'Success';
  };

  const listed = (command: Command): JsonObject => ({
    CommandId: command.id,
    Comment: command.params['Comment'] ?? '',
    DocumentName: command.params['DocumentName'] ?? '',
    Status: statusOf(command),
    StatusDetails: command.instances.length === 0 ? 'NoInstancesInTag' : statusOf(command),
    TargetCount: command.instances.length,
    CompletedCount: statusOf(command) === 'InProgress' ? 0 : command.instances.length,
  });

  const invocation = (command: Command, id: string): JsonObject => {
    const answer = state.answers[id] ?? {};
    const asked = (command.asked[id] = (command.asked[id] ?? 0) + 1);
    if (!command.instances.includes(id) || asked <= (answer.missing ?? 0))
      throw refusal('InvocationDoesNotExist');
    if (answer.steps !== undefined) throw refusal('InvalidPluginName');
    const status = statusOf(command) === 'Cancelled' ? 'Cancelled' : (answer.status ?? 'Success');
    return {
      CommandId: command.id,
      InstanceId: id,
      Status: status,
      StatusDetails: answer.details ?? status,
      ResponseCode: answer.code ?? 0,
      StandardOutputContent: answer.stdout ?? '',
      StandardErrorContent: answer.stderr ?? '',
    };
  };

  const invocations = (command: Command, params: JsonObject): JsonObject => {
    const asked = params['InstanceId'];
    const instances =
      asked === undefined ? command.instances : command.instances.filter((id) => id === asked);
    return {
      CommandInvocations: instances.map((InstanceId) => {
        const answer = state.answers[InstanceId] ?? {};
        const plugins: Json = (answer.steps ?? []).map(({ name, status, code, output }) => ({
          Name: name,
          Status: status,
          ResponseCode: code,
          Output: output,
        }));
        const status = answer.status ?? 'Success';
        return {
          InstanceId,
          Status: status,
          StatusDetails: answer.details ?? status,
          CommandPlugins: plugins,
        };
      }),
    };
  };

  const aws: Aws = {
    call: async (call, options) => (await serve(call)) ?? inner.call(call, options),
    identity: (signal) => inner.identity(signal),
    assume: () => aws,
  };
  return aws;
}

function refusal(code: string): AwsFailure {
  return new AwsFailure({
    code,
    message: `refused: ${code}`,
    retryable: false,
    effect: 'none',
    httpStatus: 400,
  });
}
