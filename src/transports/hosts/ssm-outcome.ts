/** What became of a command: of one instance, or of all instances of a wave by one listing. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Aws, AwsCall, JsonObject } from '../aws.ts';
import { AwsFailure } from '../aws.ts';
import { HostFailure } from '../host.ts';
import type { Json } from '../../json.ts';
import { hostFailure } from './failure.ts';
import {
  deliverySeconds,
  listPagesMax,
  member,
  objects,
  text,
  unthrottled,
  type Asked,
  type SsmLine,
} from './ssm-api.ts';
import { apiFailure, invocationFailure } from './ssm-failure.ts';

/** Beyond it what a listing gives of a reply may have been cut. */
const listedCharactersMax = 2_400;
/** How long the invocation may be unknown after the command was accepted. */
const unknownMsMax = 30_000;

/** What it printed on standard output there. Rejects with HostFailure. */
export async function followOne(aws: Aws, wanted: SsmLine, asked: Asked, commandId: string): Promise<string> {
  const { executionSeconds, signal } = wanted;
  const begunAt = Date.now();
  const endsAt = begunAt + withinMs(executionSeconds);
  for (let waitMs = 100; ; waitMs = Math.min(waitMs * 1.5, 2000)) {
    await delay(waitMs, undefined, { signal });
    const mayBeUnknown = Date.now() - begunAt < unknownMsMax;
    const invocation = await invocationOf(aws, asked, commandId, { mayBeUnknown, signal });
    const status = invocation === undefined ? 'Pending' : text(invocation['Status']);
    if (invocation !== undefined && !isUnderWay(status)) return saidBy(asked, invocation);
    if (Date.now() > endsAt) {
      await cancel(aws, [asked], commandId);
      throw noAnswer(asked, endsAt - begunAt, status);
    }
  }
}

/** The same of all instances by one listing each time; each is told of as soon as it has ended. */
export async function followAll(
  aws: Aws,
  { instances, executionSeconds, signal }: SsmLine,
  commandId: string,
  tell: (instanceId: string, said: string | Error) => void,
): Promise<void> {
  const open = new Map(instances.map((asked) => [asked.instanceId, asked]));
  const begunAt = Date.now();
  const endsAt = begunAt + withinMs(executionSeconds);
  for (let waitMs = 100; open.size > 0; waitMs = Math.min(waitMs * 1.5, 2000)) {
    await delay(waitMs, undefined, { signal });
    for (const invocation of await invocationsOf(aws, commandId, signal)) {
      const asked = open.get(text(invocation['InstanceId']));
      if (asked === undefined || isUnderWay(text(invocation['Status']))) continue;
      open.delete(asked.instanceId);
      try {
        const whole = shortReply(invocation);
        tell(asked.instanceId, whole ?? (await wholeReply(aws, asked, commandId, signal)));
      } catch (error) {
        if (!(error instanceof HostFailure)) throw error;
        tell(asked.instanceId, error);
      }
    }
    if (Date.now() <= endsAt) continue;
    await cancel(aws, [...open.values()], commandId);
    for (const asked of open.values()) tell(asked.instanceId, noAnswer(asked, endsAt - begunAt, 'Pending'));
    return;
  }
}

const withinMs = (executionSeconds: number): number => (deliverySeconds + executionSeconds + 30) * 1000;

const isUnderWay = (status: string): boolean =>
  /^(?:Pending|InProgress|In Progress|Delayed|Cancelling)$/.test(status);

/** The reply of one that ended well, where the listing has it whole; it keeps 2,500 characters, both streams together. */
function shortReply({ Status: status, CommandPlugins: plugins }: JsonObject): string | undefined {
  if (status !== 'Success' || !Array.isArray(plugins)) return undefined;
  const said = member((plugins as readonly Json[])[0], 'Output');
  if (typeof said !== 'string' || said.length > listedCharactersMax) return undefined;
  return /^[A-Za-z0-9+/=\s]+$/.test(said) ? said : undefined;
}

async function wholeReply(aws: Aws, asked: Asked, commandId: string, signal: AbortSignal): Promise<string> {
  const invocation = await invocationOf(aws, asked, commandId, { mayBeUnknown: false, signal });
  return saidBy(asked, invocation ?? {});
}

function saidBy(asked: Asked, invocation: JsonObject): string {
  const status = text(invocation['Status']);
  const stdout = text(invocation['StandardOutputContent'] ?? '');
  if (status === 'Success' || stdout !== '') return stdout;
  const details = text(invocation['StatusDetails'] ?? '') || status;
  throw invocationFailure(asked, details, text(invocation['StandardErrorContent'] ?? ''));
}

function noAnswer({ host, name }: Asked, waitedMs: number, status: string): HostFailure {
  return hostFailure({
    host,
    name,
    code: 'NO_REPLY',
    what: `the SSM agent has not answered for ${Math.round(waitedMs / 1000)} s (status ${status})`,
    next: 'It may be frozen or cut off. A command that had begun goes on under its token.',
    retryable: true,
    effect: 'unknown',
  });
}

/** Rejects with AwsFailure. A listing that lags behind lacks some. */
async function invocationsOf(aws: Aws, commandId: string, signal: AbortSignal): Promise<JsonObject[]> {
  const found: JsonObject[] = [];
  let nextToken: Json | undefined;
  for (let page = 1; page <= listPagesMax; page += 1) {
    const more = typeof nextToken === 'string' && nextToken !== '' ? { NextToken: nextToken } : {};
    const params = { CommandId: commandId, Details: true, MaxResults: 50, ...more };
    const call: AwsCall = { service: 'ssm', operation: 'ListCommandInvocations', params, signal };
    const reply = await unthrottled(() => aws.call(call, { reveal: true }), signal);
    found.push(...objects(reply['CommandInvocations']));
    nextToken = reply['NextToken'];
    if (typeof nextToken !== 'string' || nextToken === '') break;
  }
  return found;
}

/** Undefined while the service does not know of it yet. */
async function invocationOf(
  aws: Aws,
  asked: Asked,
  commandId: string,
  { mayBeUnknown, signal }: { readonly mayBeUnknown: boolean; readonly signal: AbortSignal },
): Promise<JsonObject | undefined> {
  try {
    const params = { CommandId: commandId, InstanceId: asked.instanceId };
    const call = { service: 'ssm', operation: 'GetCommandInvocation', params, signal };
    return await unthrottled(() => aws.call(call, { reveal: true }), signal);
  } catch (error) {
    if (!(error instanceof AwsFailure)) throw error;
    if (error.code === 'InvocationDoesNotExist' && mayBeUnknown) return undefined;
    throw apiFailure(asked, 'asking for the outcome of a command', error, true);
  }
}

/** Best effort, as CancelCommand itself is. */
async function cancel(aws: Aws, instances: readonly Asked[], commandId: string): Promise<void> {
  const params = { CommandId: commandId, InstanceIds: instances.map(({ instanceId }) => instanceId) };
  await aws.call({ service: 'ssm', operation: 'CancelCommand', params }).catch(() => {});
}
