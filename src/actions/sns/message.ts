/** What SNS takes as a message: one call, the topic's own region, a subject and a text within its limits. */
import type { ActionContext } from '../define-action.ts';
import { textIn } from '../aws/reply.ts';
import { callAws } from '../../transports/aws-calls.ts';

/** SNS wants a subject of fewer than 100 characters. */
export const subjectCharactersMax = 99;
/** UTF-8. */
export const messageBytesMax = 262_144;

export const topicArnPattern = '^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]+$';

export interface Message {
  readonly topicArn: string;
  readonly message: string;
  /** Empty: none. */
  readonly subject: string;
  /** For FIFO topics: messages of one group arrive in order. */
  readonly group: string;
  /** For FIFO topics, which drop a second message of the same id for five minutes. */
  readonly deduplicationId: string;
  /** Text by which subscribers may filter. */
  readonly attributes?: Readonly<Record<string, string>>;
}

export function isFifo(topicArn: string): boolean {
  return topicArn.endsWith('.fifo');
}

/** A topic is asked in the region that its ARN names. */
export function regionOf(topicArn: string): { readonly region?: string } {
  const region = topicArn.split(':')[3];
  return region === undefined ? {} : { region };
}

/** Resolves to the MessageId. Rejects with AwsFailure; `unknown` when the reply was lost, and no call can tell then. */
export async function publishMessage(
  { topicArn, message, subject, group, deduplicationId, attributes = {} }: Message,
  { aws, signal }: Pick<ActionContext, 'aws' | 'signal'>,
): Promise<string> {
  const line = asSubject(subject);
  const fifo = { MessageGroupId: group, MessageDeduplicationId: deduplicationId };
  const reply = await callAws(aws, {
    service: 'sns',
    operation: 'Publish',
    params: {
      TopicArn: topicArn,
      Message: withinLimit(message),
      ...(line === '' ? {} : { Subject: line }),
      ...(isFifo(topicArn) ? fifo : {}),
      ...(Object.keys(attributes).length > 0 ? { MessageAttributes: asAttributes(attributes) } : {}),
    },
    ...regionOf(topicArn),
    signal,
  });
  return textIn(reply, 'MessageId');
}

function asAttributes(
  attributes: Readonly<Record<string, string>>,
): Readonly<Record<string, { DataType: string; StringValue: string }>> {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [name, { DataType: 'String', StringValue: value }]),
  );
}

/** One line of characters that SNS takes; whole characters only, so that no half of a pair is left at the end. */
function asSubject(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();
  if (line.length <= subjectCharactersMax) return line;
  let cut = '';
  for (const character of line) {
    if (cut.length + character.length > subjectCharactersMax - 1) break;
    cut += character;
  }
  return `${cut.trimEnd()}…`;
}

function withinLimit(message: string): string {
  const bytes = Buffer.from(message, 'utf8');
  if (bytes.length <= messageBytesMax) return message;
  const ending = `\n[cut: the message has ${bytes.length} bytes, SNS takes ${messageBytesMax}]`;
  let end = messageBytesMax - Buffer.byteLength(ending);
  // Back to the first byte of a character.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end).toString('utf8') + ending;
}
