/**
 * A command that SSM carries: SendCommand under the token in its comment, found again by it, followed to its end.
 * Listings of SSM lag behind: what has just been sent may not be listed, and an invocation may not exist yet.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { own, type JsonObject } from '../../../json.ts';
import { AwsFailure } from '../../../transports/aws.ts';
import type { ActionContext } from '../../define-action.ts';
import { numberIn, objectIn, objectsIn, pages, textIn } from '../reply.ts';
import { wireParameters, type RunCommandInputs } from './inputs.ts';
import { commandOutput, type Invocation } from './output.ts';
import { callAws } from '../../../transports/aws-calls.ts';

/** Commands stay in SSM's history for so long; there is no point in looking for an older one. */
const historyMs = 30 * 24 * 3600 * 1000;
/** How long a command that was sent may be missing from ListCommands, and its invocations from their listing. */
const listingMs = 60_000;
const confirmMs = 1_000;

const commentCharactersMax = 100;
const terminal: ReadonlySet<string> = new Set(['Success', 'Cancelled', 'Failed', 'TimedOut']);

/** Gives the command's id. `mark`: what it is found again by. */
export async function sendCommand(
  inputs: RunCommandInputs,
  instances: readonly string[],
  { aws, signal }: ActionContext,
  mark: string,
): Promise<string> {
  const { InstanceIds: _, Targets, Parameters, Comment, MaxConcurrency, MaxErrors, ...rest } = inputs;
  const reply = await callAws(aws, {
    service: 'ssm',
    operation: 'SendCommand',
    params: {
      ...rest,
      ...(Targets === undefined ? { InstanceIds: instances } : { Targets }),
      ...(Parameters === undefined ? {} : { Parameters: wireParameters(Parameters) }),
      ...(MaxConcurrency === undefined ? {} : { MaxConcurrency: String(MaxConcurrency) }),
      ...(MaxErrors === undefined ? {} : { MaxErrors: String(MaxErrors) }),
      Comment: commentWithToken(Comment, mark),
    },
    signal,
  });
  return textIn(objectIn(reply, 'Command'), 'CommandId');
}

/** The token ends the comment; the author's words have the room that is left. */
export function commentWithToken(comment: string | undefined, token: string): string {
  const words = (comment ?? '').slice(0, commentCharactersMax - token.length - 1).trimEnd();
  return words === '' ? token : `${words} ${token}`;
}

/** The id of the command that was sent under the mark; undefined when SSM lists none. */
export async function findCommand(
  inputs: RunCommandInputs,
  context: ActionContext,
  mark: string,
): Promise<string | undefined> {
  const since = new Date(context.now() - historyMs).toISOString().replace(/\.\d+Z$/, 'Z');
  const params = {
    Filters: [
      { key: 'InvokedAfter', value: since },
      { key: 'DocumentName', value: inputs.DocumentName },
    ],
  };
  for await (const page of pages('ssm', 'ListCommands', params, context)) {
    const found = objectsIn(page, 'Commands').find((command) => {
      const comment = textIn(command, 'Comment');
      return comment === mark || comment.endsWith(` ${mark}`);
    });
    if (found !== undefined) return textIn(found, 'CommandId');
  }
  return undefined;
}

export type Progress =
  | { readonly kind: 'running'; readonly notice: string }
  | { readonly kind: 'ended'; readonly status: string; readonly invocations: readonly Invocation[] };

/** `instances` is empty for a command by Targets. `sentAt` in ms since 1970. */
export async function followCommand(
  commandId: string,
  sentAt: number,
  instances: readonly string[],
  context: ActionContext,
): Promise<Progress> {
  const command = await readCommand(commandId, context);
  if (command === undefined) {
    if (context.now() - sentAt < listingMs)
      return { kind: 'running', notice: `${commandId} is not listed yet` };
    const lost = { target: commandId, status: 'Undeliverable', exitCode: null, output: null };
    return {
      kind: 'ended',
      status: 'Failed',
      invocations: [{ ...lost, said: 'SSM does not list the command' }],
    };
  }
  const status = textIn(command, 'Status');
  const counts = `${numberIn(command, 'CompletedCount') ?? 0} of ${numberIn(command, 'TargetCount') ?? instances.length}`;
  if (!terminal.has(status)) return { kind: 'running', notice: `${commandId}: ${counts} targets have ended` };
  const targets = instances.length > 0 ? instances : await invokedInstances(commandId, context);
  const invocations: Invocation[] = [];
  for (const target of targets) {
    const invocation = await readInvocation(commandId, target, context);
    if (invocation !== undefined) invocations.push(invocation);
    else if (status === 'Success' || context.now() - sentAt < listingMs)
      return { kind: 'running', notice: `${commandId}: the answer of ${target} is awaited` };
    else invocations.push(withoutAnswer(target, command));
  }
  if (invocations.length === 0) invocations.push(withoutAnswer('no target', command));
  return { kind: 'ended', status, invocations };
}

/** Resolves when SSM says that nothing of the command runs any more; the caller's signal bounds the wait. */
export async function cancelCommand(commandId: string, context: ActionContext): Promise<void> {
  const { aws, signal } = context;
  await callAws(aws, {
    service: 'ssm',
    operation: 'CancelCommand',
    params: { CommandId: commandId },
    signal,
  });
  for (;;) {
    const command = await readCommand(commandId, context);
    if (command !== undefined && terminal.has(textIn(command, 'Status'))) return;
    context.notice(`waiting for ${commandId} to be cancelled`);
    await delay(confirmMs, undefined, { signal });
  }
}

async function readCommand(
  CommandId: string,
  { aws, signal }: ActionContext,
): Promise<JsonObject | undefined> {
  const reply = await callAws(aws, {
    service: 'ssm',
    operation: 'ListCommands',
    params: { CommandId },
    signal,
  });
  return objectsIn(reply, 'Commands')[0];
}

async function invokedInstances(CommandId: string, context: ActionContext): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const page of pages('ssm', 'ListCommandInvocations', { CommandId }, context))
    found.push(
      ...objectsIn(page, 'CommandInvocations').map((invocation) => textIn(invocation, 'InstanceId')),
    );
  return found;
}

/** Undefined: it does not exist yet, or has not ended. All of its output goes to the step's log. */
async function readInvocation(
  CommandId: string,
  InstanceId: string,
  context: ActionContext,
): Promise<Invocation | undefined> {
  let reply: JsonObject;
  try {
    reply = await callAws(context.aws, {
      service: 'ssm',
      operation: 'GetCommandInvocation',
      params: { CommandId, InstanceId },
      signal: context.signal,
    });
  } catch (error) {
    if (!(error instanceof AwsFailure)) throw error;
    if (error.code === 'InvocationDoesNotExist') return undefined;
    // The document has several steps, and each is asked for by its name.
    if (error.code === 'InvalidPluginName') return readPlugins(CommandId, InstanceId, context);
    throw error;
  }
  const status = textIn(reply, 'Status');
  if (!terminal.has(status)) return undefined;
  const [stdout, stderr] = [textIn(reply, 'StandardOutputContent'), textIn(reply, 'StandardErrorContent')];
  const log = context.log(InstanceId);
  await log.write('stdout', Buffer.from(stdout));
  await log.write('stderr', Buffer.from(stderr));
  const detail = textIn(reply, 'StatusDetails') || status;
  return {
    target: InstanceId,
    status: detail,
    exitCode: numberIn(reply, 'ResponseCode'),
    output: commandOutput(stdout, stderr),
    said: stderr.trim() || stdout.trim() || explain(detail),
  };
}

/** An invocation of a document with several steps: their outputs one after the other, each at most 2,500 characters. */
async function readPlugins(
  CommandId: string,
  InstanceId: string,
  context: ActionContext,
): Promise<Invocation | undefined> {
  const params = { CommandId, InstanceId, Details: true };
  for await (const page of pages('ssm', 'ListCommandInvocations', params, context)) {
    const invocation = objectsIn(page, 'CommandInvocations')[0];
    if (invocation === undefined) continue;
    if (!terminal.has(textIn(invocation, 'Status'))) return undefined;
    const plugins = objectsIn(invocation, 'CommandPlugins');
    const log = context.log(InstanceId);
    for (const plugin of plugins)
      await log.write('stdout', Buffer.from(`[${textIn(plugin, 'Name')}]\n${textIn(plugin, 'Output')}\n`));
    const failed = plugins.find((plugin) => textIn(plugin, 'Status') !== 'Success');
    const detail = textIn(invocation, 'StatusDetails') || textIn(invocation, 'Status');
    const said = failed === undefined ? '' : `${textIn(failed, 'Name')}: ${textIn(failed, 'Output').trim()}`;
    return {
      target: InstanceId,
      status: detail,
      exitCode: failed === undefined ? null : numberIn(failed, 'ResponseCode'),
      output: null,
      said: said || explain(detail),
    };
  }
  return undefined;
}

function withoutAnswer(target: string, command: JsonObject): Invocation {
  const detail = textIn(command, 'StatusDetails') || textIn(command, 'Status');
  return { target, status: detail, exitCode: null, output: null, said: explain(detail) };
}

const explanations: Readonly<Record<string, string>> = {
  DeliveryTimedOut:
    'the instance did not answer in time; the command may have run, if the agent lost its connection in between',
  ExecutionTimedOut: 'it ran longer than executionTimeout and was ended',
  Undeliverable: 'SSM could not deliver it: the instance does not exist or its agent does not answer',
  NoInstancesInTag: 'no instance has the tag',
  Terminated: 'it was not sent, because more targets had failed than MaxErrors allows',
  InvalidPlatform: 'the document is not for the platform of the instance',
  AccessDenied: 'the caller may not run the document there',
  Cancelled: 'it was cancelled',
};

function explain(detail: string): string {
  return own(explanations, detail.replaceAll(' ', '')) ?? '';
}
