/** One shell line on one instance or more by one SendCommand, sent once: a lost reply is looked up before anything is sent again. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Aws, AwsCall, JsonObject } from '../aws.ts';
import { AwsFailure } from '../aws.ts';
import {
  deliverySeconds,
  listPagesMax,
  member,
  objects,
  text,
  unthrottled,
  type SsmLine,
} from './ssm-api.ts';

/** How often a lost reply is looked for before the command counts as never accepted, and how often it is then sent. */
const lookUps = 4;
const sendsMax = 3;

/** Nothing is known to have been sent. */
export class SendRefused extends Error {
  override readonly name = 'SendRefused';
  readonly failure: AwsFailure;
  /** Whether it may have been sent all the same. */
  readonly began: boolean;

  constructor(failure: AwsFailure, began: boolean) {
    super(failure.message);
    this.failure = failure;
    this.began = began;
  }
}

/** Resolves with the id of the command. Rejects with SendRefused. */
export async function sendOverSsm(aws: Aws, wanted: SsmLine): Promise<string> {
  const { instances, line, comment, executionSeconds, signal } = wanted;
  // To the second, as the API's own examples have it.
  const sentAfter = `${new Date(Date.now() - 5 * 60_000).toISOString().slice(0, 19)}Z`;
  // Of several all are sent to at once, and one that fails keeps none of the others back.
  const several = instances.length === 1 ? {} : { MaxConcurrency: '50', MaxErrors: '50' };
  const call: AwsCall = {
    service: 'ssm',
    operation: 'SendCommand',
    params: {
      DocumentName: 'AWS-RunShellScript',
      InstanceIds: instances.map(({ instanceId }) => instanceId),
      Comment: comment,
      TimeoutSeconds: deliverySeconds,
      Parameters: { commands: [line], executionTimeout: [String(executionSeconds)] },
      ...several,
    },
    signal,
  };
  for (let sends = 1; ; sends += 1) {
    try {
      const reply = await unthrottled(() => aws.call(call), signal);
      return text(member(reply['Command'], 'CommandId'));
    } catch (error) {
      if (!(error instanceof AwsFailure)) throw error;
      if (error.effect === 'none' || signal.aborted) throw new SendRefused(error, false);
      const found = await lookUp(aws, wanted, sentAfter);
      if (found !== undefined) return found;
      if (sends >= sendsMax) throw new SendRefused(error, true);
    }
  }
}

/** The command that was accepted although its reply was lost. ListCommands lags behind, so it is asked several times. */
async function lookUp(aws: Aws, wanted: SsmLine, sentAfter: string): Promise<string | undefined> {
  for (let attempt = 1; attempt <= lookUps; attempt += 1) {
    let nextToken: string | undefined;
    for (let page = 1; page <= listPagesMax; page += 1) {
      const reply = await list(aws, wanted, sentAfter, nextToken);
      const found = objects(reply['Commands']).find((command) => command['Comment'] === wanted.comment);
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
  const { instances, signal } = wanted;
  try {
    return await unthrottled(
      () =>
        aws.call({
          service: 'ssm',
          operation: 'ListCommands',
          params: {
            ...(instances[0] === undefined ? {} : { InstanceId: instances[0].instanceId }),
            Filters: [{ key: 'InvokedAfter', value: sentAfter }],
            ...(nextToken === undefined ? {} : { NextToken: nextToken }),
          },
          signal,
        }),
      signal,
    );
  } catch (error) {
    throw error instanceof AwsFailure ? new SendRefused(error, true) : error;
  }
}
