/** SendCommand, CancelCommand, and what can be read about commands afterwards. */
import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../../../../src/json.ts';
import { listParam, objectParam, objectsParam, textParam, type ApiCall } from '../api-call.ts';
import type { Cell, Handler } from '../cell.ts';
import { ApiError, jsonReply } from '../reply.ts';
import type { CommandState } from '../state.ts';
import { scriptOf } from './documents.ts';
import { wakeAgents } from './mailbox.ts';
import { advance, end, isActive, standing } from './progress.ts';
import { namedInstances, targetedInstances } from './targets.ts';

export const sendCommand: Handler = async (call, cell) => {
  const { params } = call;
  const named = listParam(params, 'InstanceIds');
  const targets = objectsParam(params, 'Targets');
  if (named.length > 0 === targets.length > 0)
    throw new ApiError('ValidationException', 'InstanceIds or Targets must be given, and not both');
  const timeoutSeconds = Number(textParam(params, 'TimeoutSeconds') ?? 3600);
  if (!(timeoutSeconds >= 30 && timeoutSeconds <= 2_592_000))
    throw new ApiError(
      'ValidationException',
      `TimeoutSeconds is ${timeoutSeconds}; it must be between 30 and 2592000`,
    );
  const maxConcurrency = limit(params, 'MaxConcurrency', '50', /^(?:[1-9]\d*|(?:[1-9]\d?|100)%)$/);
  const maxErrors = limit(params, 'MaxErrors', '0', /^(?:\d+|(?:\d{1,2}|100)%)$/);
  const script = await scriptOf(call, cell);
  const instanceIds = named.length > 0 ? namedInstances(call, cell) : await targetedInstances(call, cell);
  const requestedAt = Date.now();
  const { deliverySecondMs } = cell.settings;
  const deliverBy = requestedAt + timeoutSeconds * deliverySecondMs;
  const command: CommandState = {
    commandId: randomUUID(),
    caller: call.caller,
    documentName: textParam(params, 'DocumentName') ?? '',
    comment: textParam(params, 'Comment') ?? '',
    parameters: objectParam(params, 'Parameters'),
    targets,
    instanceIds: named,
    requestedAt,
    deliverBy,
    expiresAt: deliverBy + script.executionTimeoutSeconds * 1000,
    timeoutSeconds,
    maxConcurrency,
    maxErrors,
    script,
    invocations: Object.fromEntries(
      instanceIds.map((instanceId) => [
        instanceId,
        {
          instanceId,
          details: 'Pending',
          sent: false,
          cancelRequested: false,
          responseCode: -1,
          stdout: '',
          stderr: '',
        },
      ]),
    ),
  };
  cell.state.commands[command.commandId] = command;
  goOn(command, cell);
  return jsonReply({ Command: describeCommand(command) });
};

function limit(params: JsonObject, name: string, byDefault: string, pattern: RegExp): string {
  const value = textParam(params, name) ?? byDefault;
  if (!pattern.test(value))
    throw new ApiError('ValidationException', `${name} is '${value}', neither a number nor a percentage`);
  return value;
}

/** Brings a command up to now, tells the agents, and writes it down when anything has changed. */
export function goOn(command: CommandState, cell: Cell): void {
  const before = JSON.stringify(command.invocations);
  const woken = advance(command, cell);
  if (JSON.stringify(command.invocations) !== before || woken.length > 0 || before === '{}') cell.save();
  wakeAgents(woken, cell);
}

export const cancelCommand: Handler = async (call, cell) => {
  const command = await ownCommand(call, cell);
  const chosen = listParam(call.params, 'InstanceIds');
  for (const invocation of Object.values(command.invocations)) {
    if (chosen.length > 0 && !chosen.includes(invocation.instanceId)) continue;
    if (!isActive(invocation)) continue;
    invocation.cancelRequested = true;
    if (invocation.startedAt === undefined) end(invocation, 'Cancelled', -1);
    else invocation.details = 'Cancelling';
  }
  cell.save();
  wakeAgents(Object.keys(command.invocations), cell);
  return jsonReply({});
};

/** The command that the call names. Throws InvalidCommandId. */
function ownCommand(call: ApiCall, cell: Cell): Promise<CommandState> {
  const commandId = textParam(call.params, 'CommandId') ?? '';
  const command = cell.state.commands[commandId];
  if (command === undefined || command.caller.region !== call.caller.region)
    return Promise.reject(new ApiError('InvalidCommandId', `The command ${commandId} does not exist.`));
  return Promise.resolve(command);
}

/** The caller's commands that pass CommandId, InstanceId and Filters, newest first. */
export function chosenCommands(call: ApiCall, cell: Cell): CommandState[] {
  const { params } = call;
  const commandId = textParam(params, 'CommandId');
  const instanceId = textParam(params, 'InstanceId');
  const filters = objectsParam(params, 'Filters');
  return Object.values(cell.state.commands)
    .filter(
      (command) =>
        command.caller.region === call.caller.region &&
        (commandId === undefined || command.commandId === commandId) &&
        (instanceId === undefined || command.invocations[instanceId] !== undefined) &&
        filters.every((filter) =>
          passes(command, textParam(filter, 'key') ?? '', textParam(filter, 'value') ?? ''),
        ),
    )
    .sort((a, b) => b.requestedAt - a.requestedAt);
}

function passes(command: CommandState, key: string, value: string): boolean {
  switch (key) {
    case 'InvokedAfter':
      return command.requestedAt >= Date.parse(value);
    case 'InvokedBefore':
      return command.requestedAt < Date.parse(value);
    case 'Status':
      return standing(command).status === value;
    case 'DocumentName':
      return command.documentName === value;
    case 'ExecutionStage':
      return (
        standing(command).completed < Object.keys(command.invocations).length === (value === 'Executing')
      );
    default:
      throw new ApiError('InvalidFilterKey', `The filter key ${key} is not valid.`);
  }
}

export const listCommands: Handler = (call, cell) => {
  const { entries, next } = paged(chosenCommands(call, cell), call.params);
  return Promise.resolve(jsonReply({ Commands: entries.map(describeCommand), ...next }));
};

/** MaxResults (at most 50) and NextToken. */
export function paged<T>(entries: readonly T[], params: JsonObject): { entries: T[]; next: JsonObject } {
  const size = Math.min(50, Number(textParam(params, 'MaxResults') ?? 50));
  const start = Number(textParam(params, 'NextToken')?.replace('lab-page-', '') ?? 0);
  const end = start + size;
  return {
    entries: entries.slice(start, end),
    next: end < entries.length ? { NextToken: `lab-page-${end}` } : {},
  };
}

/** The API's Command. */
export function describeCommand(command: CommandState): JsonObject {
  const { status, details, completed, errors, deliveryTimedOut } = standing(command);
  return {
    CommandId: command.commandId,
    DocumentName: command.documentName,
    DocumentVersion: '$DEFAULT',
    Comment: command.comment,
    ExpiresAfter: command.expiresAt / 1000,
    Parameters: command.parameters,
    InstanceIds: [...command.instanceIds],
    Targets: command.targets,
    RequestedDateTime: command.requestedAt / 1000,
    Status: status,
    StatusDetails: details,
    OutputS3BucketName: '',
    OutputS3KeyPrefix: '',
    MaxConcurrency: command.maxConcurrency,
    MaxErrors: command.maxErrors,
    TargetCount: Object.keys(command.invocations).length,
    CompletedCount: completed,
    ErrorCount: errors,
    DeliveryTimedOutCount: deliveryTimedOut,
    TimeoutSeconds: command.timeoutSeconds,
  };
}
