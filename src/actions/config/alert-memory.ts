/**
 * What a topic was last told about a rule, kept in a Parameter Store parameter of the account, where every runner and every
 * person finds it: `aws ssm get-parameter` shows it, and deleting it has the rule told anew.
 */
import { isJsonObject, type Json } from '../../json.ts';
import { AwsFailure } from '../../transports/aws.ts';
import { numberIn, objectIn, textIn, textsIn } from '../aws/reply.ts';
import { ActionFailure, type ActionContext } from '../define-action.ts';
import type { Verdict } from './standing.ts';
import { callAws } from '../../transports/aws-calls.ts';

/** A standard parameter has 4 KiB (API reference, PutParameter). */
const valueBytesMax = 4_096;

export interface Told {
  readonly status: Verdict;
  readonly setHash: string;
  /** The last known non-compliant resources, `TYPE ID`; null: too many to be kept. */
  readonly resources: readonly string[] | null;
  readonly nonCompliant: number;
  /** 1 for the first message about the rule. */
  readonly number: number;
  readonly messageId: string;
  /** UTC, ISO 8601. */
  readonly sentAt: string;
  /** Of the effect that sent it: a runner that resumes finds its own message by it. */
  readonly token: string;
}

type Asking = Pick<ActionContext, 'aws' | 'signal'>;

/** `/belay/config-alerts/TOPIC/RULE`, with what Parameter Store does not take in a name replaced. */
export function memoryName(root: string, topicArn: string, rule: string): string {
  const safe = (text: string): string => text.replaceAll(/[^A-Za-z0-9_.-]/g, '_');
  return `${root}/${safe(topicArn.split(':').at(-1) ?? '')}/${safe(rule)}`;
}

/** Null: nothing is remembered, or not in a form that can be read, and then the rule is told anew. Rejects with AwsFailure. */
export async function recall(name: string, { aws, signal }: Asking): Promise<Told | null> {
  try {
    const asking = { service: 'ssm', operation: 'GetParameter', params: { Name: name }, signal };
    // The value of a parameter is masked unless it is asked for; this one is not a secret.
    const reply = await callAws(aws, asking, { reveal: true });
    return read(textIn(objectIn(reply, 'Parameter'), 'Value'));
  } catch (error) {
    if (error instanceof AwsFailure && error.code === 'ParameterNotFound') return null;
    throw error;
  }
}

/** Rejects with ActionFailure: the message is out, and nobody will know. */
export async function remember(
  name: string,
  told: Told,
  rule: string,
  { aws, signal }: Asking,
): Promise<void> {
  const params = {
    Name: name,
    Type: 'String',
    Overwrite: true,
    Value: written(told),
    Description: `What Belay last told of the Config rule ${rule}. Delete it to be told anew.`,
  };
  try {
    await callAws(aws, { service: 'ssm', operation: 'PutParameter', params, signal });
  } catch (error) {
    if (!(error instanceof AwsFailure)) throw error;
    throw new ActionFailure({
      code: error.code,
      message:
        `the message about ${rule} was sent (${told.messageId}), but could not be remembered in the parameter ${name}, ` +
        `so that the next run sends it again: ${error.message}`,
      retryable: error.retryable,
      effect: 'known',
      cause: error,
    });
  }
}

/** Ids are grouped by type, and left out as a whole when they do not fit: half a set compares wrong. */
function written(told: Told): string {
  const { resources, ...rest } = told;
  const types = Map.groupBy(resources ?? [], (name) => name.split(' ')[0] ?? '');
  const byType = Object.fromEntries(
    [...types].map(([type, names]) => [type, names.map((name) => name.slice(type.length + 1))]),
  );
  const whole = JSON.stringify({ ...rest, resources: resources === null ? null : byType });
  return Buffer.byteLength(whole) <= valueBytesMax ? whole : JSON.stringify({ ...rest, resources: null });
}

function read(text: string): Told | null {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    return null;
  }
  if (!isJsonObject(value)) return null;
  const status = textIn(value, 'status');
  const setHash = textIn(value, 'setHash');
  if (setHash === '' || !(status === 'COMPLIANT' || status === 'NON_COMPLIANT' || status === 'UNDETERMINED'))
    return null;
  const byType = value['resources'];
  const resources = isJsonObject(byType)
    ? Object.keys(byType).flatMap((type) => textsIn(byType, type).map((id) => `${type} ${id}`))
    : null;
  return {
    status,
    setHash,
    resources,
    nonCompliant: numberIn(value, 'nonCompliant') ?? 0,
    number: numberIn(value, 'number') ?? 0,
    messageId: textIn(value, 'messageId'),
    sentAt: textIn(value, 'sentAt'),
    token: textIn(value, 'token'),
  };
}
