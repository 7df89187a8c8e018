/** The agents' side: they ask for work and wait, say when a command starts, and bring its result. */
import { isJsonObject, type Json, type JsonObject } from '../../../../src/json.ts';
import { listParam, objectParam, textParam } from '../api-call.ts';
import type { Cell } from '../cell.ts';
import type { CommandState, InvocationState } from '../state.ts';
import { goOn } from './commands.ts';
import { waitForWork } from './mailbox.ts';
import { end } from './progress.ts';

/** Answers one request of an agent; undefined for what agents do not ask. */
export async function answerAgent(
  question: string,
  body: JsonObject,
  cell: Cell,
): Promise<JsonObject | undefined> {
  const instance = cell.state.instances[textParam(body, 'instanceId') ?? ''];
  if (instance === undefined) return { messages: [], proceed: false };
  instance.agentSeenAt = Date.now();
  instance.agentVersion = textParam(body, 'agentVersion') ?? instance.agentVersion;
  const platform = objectParam(body, 'platform');
  if (textParam(platform, 'name') !== undefined)
    instance.platform = {
      name: textParam(platform, 'name') ?? '',
      version: textParam(platform, 'version') ?? '',
      computerName: textParam(platform, 'computerName') ?? '',
    };
  if (question === 'poll') return await poll(instance.instanceId, body, cell);
  const command = cell.state.commands[textParam(body, 'commandId') ?? ''];
  const invocation = command?.invocations[instance.instanceId];
  if (command === undefined || invocation === undefined) return { proceed: false };
  if (question === 'started') return { proceed: start(command, invocation, cell) };
  if (question === 'finished') {
    finish(command, invocation, body, cell);
    return {};
  }
  return undefined;
}

/** Waits until there is something to do for the instance, but no longer than `agentPollMs`. */
async function poll(instanceId: string, body: JsonObject, cell: Cell): Promise<JsonObject> {
  const ready = messagesFor(instanceId, body, cell);
  if (ready.length > 0) return { messages: ready };
  await waitForWork(instanceId, cell);
  return { messages: messagesFor(instanceId, body, cell) };
}

/** What the agent does not hold yet: commands to run, and commands to stop. */
function messagesFor(instanceId: string, body: JsonObject, cell: Cell): Json[] {
  const holds = new Set(listParam(body, 'holds'));
  const stops = new Set(listParam(body, 'stops'));
  return Object.values(cell.state.commands).flatMap(({ commandId, invocations, script }): Json[] => {
    const invocation = invocations[instanceId];
    if (invocation?.details === 'Cancelling' && !stops.has(commandId)) return [{ kind: 'stop', commandId }];
    if (invocation?.details !== 'Pending' || !invocation.sent || holds.has(commandId)) return [];
    const { lines, workingDirectory, executionTimeoutSeconds } = script;
    return [{ kind: 'run', commandId, script: lines.join('\n'), workingDirectory, executionTimeoutSeconds }];
  });
}

/** Whether the agent may run it: not when it was cancelled or came too late. Saying it twice is harmless. */
function start(command: CommandState, invocation: InvocationState, cell: Cell): boolean {
  goOn(command, cell);
  if (invocation.details === 'InProgress') return true;
  if (invocation.details !== 'Pending') return false;
  invocation.details = 'InProgress';
  invocation.startedAt = Date.now();
  cell.save();
  const { instanceId } = invocation;
  const host = cell.state.instances[instanceId]?.host ?? '';
  cell.journal.addEffect('commandStarted', { commandId: command.commandId, instanceId, host });
  return true;
}

function finish(command: CommandState, invocation: InvocationState, body: JsonObject, cell: Cell): void {
  if (invocation.details !== 'InProgress' && invocation.details !== 'Cancelling') return;
  const exitCode = Number(textParam(body, 'exitCode') ?? -1);
  invocation.stdout = textParam(body, 'stdout') ?? '';
  invocation.stderr = textParam(body, 'stderr') ?? '';
  const outcome = textParam(body, 'outcome');
  if (outcome === 'timedOut') end(invocation, 'ExecutionTimedOut', exitCode);
  else if (outcome === 'stopped') end(invocation, 'Cancelled', exitCode);
  // 168 ends a document early as a success (user guide, "Handling exit codes").
  else end(invocation, exitCode === 0 || exitCode === 168 ? 'Success' : 'Failed', exitCode);
  const { instanceId, details } = invocation;
  cell.journal.addEffect('commandEnded', { commandId: command.commandId, instanceId, details, exitCode });
  cell.save();
  goOn(command, cell);
}

/** The body of an agent's request. */
export function agentBody(body: Buffer): JsonObject {
  const value = JSON.parse(body.toString('utf8') || '{}') as Json;
  return isJsonObject(value) ? value : {};
}
