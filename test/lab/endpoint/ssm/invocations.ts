/** What became of a command on each instance, with output cut as Systems Manager cuts it. */
import type { JsonObject } from '../../../../src/json.ts';
import { textParam } from '../api-call.ts';
import type { Handler } from '../cell.ts';
import { ApiError, jsonReply } from '../reply.ts';
import type { CommandState, InvocationState } from '../state.ts';
import { chosenCommands, paged } from './commands.ts';
import { statusOf } from './progress.ts';

const stdoutCharactersMax = 24_000;
const stderrCharactersMax = 8_000;
const pluginCharactersMax = 2_500;
const pluginName = 'aws:runShellScript';

export const getCommandInvocation: Handler = (call, cell) => {
  const { params } = call;
  const command = cell.state.commands[textParam(params, 'CommandId') ?? ''];
  const invocation = command?.invocations[textParam(params, 'InstanceId') ?? ''];
  if (
    command === undefined ||
    invocation === undefined ||
    command.caller.region !== call.caller.region ||
    Date.now() < command.requestedAt + cell.settings.invocationHiddenMs
  )
    throw new ApiError(
      'InvocationDoesNotExist',
      'The command ID and instance ID that you specified did not match any invocations.',
    );
  const plugin = textParam(params, 'PluginName');
  if (plugin !== undefined && plugin !== pluginName)
    throw new ApiError('InvalidPluginName', `There is no plugin ${plugin}.`);
  const { startedAt, endedAt, details } = invocation;
  return Promise.resolve(
    jsonReply({
      CommandId: command.commandId,
      InstanceId: invocation.instanceId,
      Comment: command.comment,
      DocumentName: command.documentName,
      DocumentVersion: '$DEFAULT',
      PluginName: pluginName,
      ResponseCode: invocation.responseCode,
      ExecutionStartDateTime: startedAt === undefined ? '' : new Date(startedAt).toISOString(),
      ExecutionElapsedTime:
        startedAt === undefined || endedAt === undefined ? '' : `PT${(endedAt - startedAt) / 1000}S`,
      ExecutionEndDateTime: endedAt === undefined ? '' : new Date(endedAt).toISOString(),
      Status: statusOf(details),
      StatusDetails: details,
      StandardOutputContent: cut(invocation.stdout, stdoutCharactersMax),
      StandardOutputUrl: '',
      StandardErrorContent: cut(invocation.stderr, stderrCharactersMax),
      StandardErrorUrl: '',
      CloudWatchOutputConfig: { CloudWatchLogGroupName: '', CloudWatchOutputEnabled: false },
    }),
  );
};

const truncated = '--output truncated--';

/** The first characters; when there are more, the end of what is kept says so. */
function cut(text: string, charactersMax: number): string {
  return text.length <= charactersMax ? text : text.slice(0, charactersMax - truncated.length) + truncated;
}

export const listCommandInvocations: Handler = (call, cell) => {
  const instanceId = textParam(call.params, 'InstanceId');
  const withDetails = textParam(call.params, 'Details') === 'true';
  const all = chosenCommands(call, cell).flatMap((command) =>
    Object.values(command.invocations)
      .filter((invocation) => instanceId === undefined || invocation.instanceId === instanceId)
      .map((invocation) => describeInvocation(command, invocation, withDetails)),
  );
  const { entries, next } = paged(all, call.params);
  return Promise.resolve(jsonReply({ CommandInvocations: entries, ...next }));
};

function describeInvocation(
  command: CommandState,
  invocation: InvocationState,
  withDetails: boolean,
): JsonObject {
  const { startedAt, endedAt, details } = invocation;
  const times: JsonObject = {
    ...(startedAt === undefined ? {} : { ResponseStartDateTime: startedAt / 1000 }),
    ...(endedAt === undefined ? {} : { ResponseFinishDateTime: endedAt / 1000 }),
  };
  const plugin: JsonObject = {
    Name: pluginName,
    Status: statusOf(details),
    StatusDetails: details,
    ResponseCode: invocation.responseCode,
    Output: combined(invocation),
    ...times,
  };
  return {
    CommandId: command.commandId,
    InstanceId: invocation.instanceId,
    Comment: command.comment,
    DocumentName: command.documentName,
    DocumentVersion: '$DEFAULT',
    RequestedDateTime: command.requestedAt / 1000,
    Status: statusOf(details),
    StatusDetails: details,
    CommandPlugins: withDetails ? [plugin] : [],
  };
}

const outMark = '\n---Output truncated---';
const errorMark = '\n---Error truncated----';
const separator = '\n----------ERROR-------\n';

/** Both streams within 2,500 characters: each side gets half when both exceed it, else the shorter is kept whole. */
function combined({ stdout, stderr }: InvocationState): string {
  if (stderr === '')
    return stdout.length <= pluginCharactersMax ? stdout : cutWith(stdout, pluginCharactersMax, outMark);
  const room = pluginCharactersMax - separator.length;
  if (stdout.length + stderr.length <= room) return stdout + separator + stderr;
  const half = Math.floor(room / 2);
  const outMax = stderr.length < half ? room - stderr.length : Math.min(stdout.length, half);
  return (
    cutWith(stdout, outMax, outMark) +
    separator +
    cutWith(stderr, room - Math.min(outMax, stdout.length), errorMark)
  );
}

function cutWith(text: string, charactersMax: number, mark: string): string {
  return text.length <= charactersMax ? text : text.slice(0, charactersMax - mark.length) + mark;
}
