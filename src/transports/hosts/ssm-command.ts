/** One shell line on one instance by SendCommand, sent once: a lost reply is looked up before anything is sent again. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Aws, AwsCall, JsonObject } from '../aws.ts';
import { AwsFailure } from '../aws.ts';
import { isJsonObject } from '../../json.ts';
import type { Json } from '../../json.ts';
import { cancelled, hostFailure } from './failure.ts';
import { apiFailure, invocationFailure } from './ssm-failure.ts';

/** What GetCommandInvocation gives of standard output. Source: API reference, StandardOutputContent. */
export const ssmOutputCharactersMax = 24_000;
/** How long the agent may take to pick a command up; the shortest that AWS accepts is 30. */
const deliverySeconds = 60;
/** How long the invocation may be unknown after the command was accepted. */
const unknownMsMax = 30_000;
/** How often a lost reply is looked for before the command counts as never accepted, and how often it is then sent. */
const lookUps = 4;
const sendsMax = 3;
const throttledTriesMax = 6;
const listPagesMax = 5;

export interface SsmLine {
  readonly instanceId: string;
  readonly line: string;
  /** At most 100 characters, and of this request alone: a lost reply is looked up by it. */
  readonly comment: string;
  readonly executionSeconds: number;
  readonly host: string;
  readonly name: string;
  readonly signal: AbortSignal;
}

/** Resolves with what the line printed on standard output. Rejects with HostFailure. */
export async function runOverSsm(aws: Aws, wanted: SsmLine): Promise<string> {
  const { host, signal } = wanted;
  try {
    const commandId = await send(aws, wanted);
    return await outcome(aws, wanted, commandId);
  } catch (error) {
    if (signal.aborted) throw cancelled(host, signal.reason);
    throw error;
  }
}

async function send(aws: Aws, wanted: SsmLine): Promise<string> {
  const { instanceId, line, comment, executionSeconds, signal } = wanted;
  // To the second, as the API's own examples have it.
  const sentAfter = `${new Date(Date.now() - 5 * 60_000).toISOString().slice(0, 19)}Z`;
  const call: AwsCall = {
    service: 'ssm',
    operation: 'SendCommand',
    params: {
      DocumentName: 'AWS-RunShellScript',
      InstanceIds: [instanceId],
      Comment: comment,
      TimeoutSeconds: deliverySeconds,
      Parameters: { commands: [line], executionTimeout: [String(executionSeconds)] },
    },
    signal,
  };
  for (let sends = 1; ; sends += 1) {
    try {
      const reply = await unthrottled(() => aws.call(call), signal);
      return text(member(reply['Command'], 'CommandId'));
    } catch (error) {
      if (!(error instanceof AwsFailure)) throw error;
      if (error.effect === 'none' || signal.aborted)
        throw apiFailure(wanted, 'sending a command', error, false);
      const found = await lookUp(aws, wanted, sentAfter);
      if (found !== undefined) return found;
      if (sends >= sendsMax) throw apiFailure(wanted, 'sending a command', error, true);
    }
  }
}

/** The command that was accepted although its reply was lost. ListCommands lags behind, so it is asked several times. */
async function lookUp(aws: Aws, wanted: SsmLine, sentAfter: string): Promise<string | undefined> {
  for (let attempt = 1; attempt <= lookUps; attempt += 1) {
    let nextToken: string | undefined;
    for (let page = 1; page <= listPagesMax; page += 1) {
      const reply = await list(aws, wanted, sentAfter, nextToken);
      const found = commands(reply['Commands']).find((command) => command['Comment'] === wanted.comment);
      if (found !== undefined) return text(found['CommandId']);
      const next = reply['NextToken'];
      if (typeof next !== 'string' || next === '') break;
      nextToken = next;
    }
    await delay(500 * attempt, undefined, { signal: wanted.signal });
  }
  return undefined;
}

async function list(
  aws: Aws,
  wanted: SsmLine,
  sentAfter: string,
  nextToken: string | undefined,
): Promise<JsonObject> {
  const { instanceId, signal } = wanted;
  try {
    return await unthrottled(
      () =>
        aws.call({
          service: 'ssm',
          operation: 'ListCommands',
          params: {
            InstanceId: instanceId,
            Filters: [{ key: 'InvokedAfter', value: sentAfter }],
            ...(nextToken === undefined ? {} : { NextToken: nextToken }),
          },
          signal,
        }),
      signal,
    );
  } catch (error) {
    throw error instanceof AwsFailure
      ? apiFailure(wanted, 'looking for a command whose reply was lost', error, true)
      : error;
  }
}

async function outcome(aws: Aws, wanted: SsmLine, commandId: string): Promise<string> {
  const { instanceId, executionSeconds, signal } = wanted;
  const begunAt = Date.now();
  const endsAt = begunAt + (deliverySeconds + executionSeconds + 30) * 1000;
  for (let waitMs = 100; ; waitMs = Math.min(waitMs * 1.5, 2000)) {
    await delay(waitMs, undefined, { signal });
    const invocation = await invocationOf(aws, wanted, commandId, Date.now() - begunAt < unknownMsMax);
    const status = invocation === undefined ? 'Pending' : text(invocation['Status']);
    if (invocation !== undefined && !/^(?:Pending|InProgress|In Progress|Delayed|Cancelling)$/.test(status)) {
      const stdout = text(invocation['StandardOutputContent'] ?? '');
      if (status === 'Success' || stdout !== '') return stdout;
      const details = text(invocation['StatusDetails'] ?? '') || status;
      throw invocationFailure(wanted, details, text(invocation['StandardErrorContent'] ?? ''));
    }
    if (Date.now() > endsAt) {
      await cancel(aws, instanceId, commandId);
      throw hostFailure({
        ...wanted,
        code: 'NO_REPLY',
        what: `the SSM agent has not answered for ${Math.round((endsAt - begunAt) / 1000)} s (status ${status})`,
        next: 'It may be frozen or cut off. A command that had begun goes on under its token.',
        retryable: true,
        effect: 'unknown',
      });
    }
  }
}

/** Undefined while the service does not know of it yet, and while the API cannot be reached for a moment. */
async function invocationOf(
  aws: Aws,
  wanted: SsmLine,
  commandId: string,
  mayBeUnknown: boolean,
): Promise<JsonObject | undefined> {
  const { instanceId, signal } = wanted;
  try {
    const params = { CommandId: commandId, InstanceId: instanceId };
    const call = { service: 'ssm', operation: 'GetCommandInvocation', params, signal };
    return await unthrottled(() => aws.call(call, { reveal: true }), signal);
  } catch (error) {
    if (!(error instanceof AwsFailure)) throw error;
    if (error.code === 'InvocationDoesNotExist' && mayBeUnknown) return undefined;
    throw apiFailure(wanted, 'asking for the outcome of a command', error, true);
  }
}

/** Best effort, as CancelCommand itself is. */
async function cancel(aws: Aws, instanceId: string, commandId: string): Promise<void> {
  const params = { CommandId: commandId, InstanceIds: [instanceId] };
  await aws.call({ service: 'ssm', operation: 'CancelCommand', params }).catch(() => {});
}

/** Tries again what AWS says may succeed later and has certainly had no effect. */
async function unthrottled<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      const again = error instanceof AwsFailure && error.retryable && error.effect === 'none';
      if (!again || attempt >= throttledTriesMax) throw error;
      await delay(200 * 2 ** attempt * (0.5 + Math.random()), undefined, { signal });
    }
  }
}

function member(value: Json | undefined, name: string): Json | undefined {
  return isJsonObject(value) ? value[name] : undefined;
}

function commands(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter((item: Json) => isJsonObject(item)) : [];
}

/** Throws where AWS's reply lacks a member that its model promises. */
function text(value: Json | undefined): string {
  if (typeof value !== 'string')
    throw new TypeError('a reply of SSM lacks a member that the service always gives');
  return value;
}
