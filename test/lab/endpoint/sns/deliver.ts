/** Brings a message to an HTTP subscriber as SNS does: its headers, its JSON, signed, sent again after server errors only. */
import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../../../../src/json.ts';
import type { Cell } from '../cell.ts';
import type { SubscriptionState } from '../state.ts';
import { signatureOf } from './sign.ts';

const triesMax = 3;
/** SNS waits 20 s. */
const tryAgainMs = 300;

export type Message = JsonObject & {
  readonly Type: 'Notification' | 'SubscriptionConfirmation';
  readonly MessageId: string;
};

/** `endpointUrl`: where the endpoint itself is, for the key. */
export function deliver(
  subscription: SubscriptionState,
  message: Message,
  endpointUrl: string,
  cell: Cell,
): void {
  const whole = {
    ...message,
    TopicArn: subscription.topicArn,
    Timestamp: new Date().toISOString(),
    SignatureVersion: '2',
    SigningCertURL: `${endpointUrl}/_lab/sns.pem`,
  };
  const body = JSON.stringify({ ...whole, Signature: signatureOf(whole) }, null, 2);
  const headers = {
    'content-type': 'text/plain; charset=UTF-8',
    'user-agent': 'Amazon Simple Notification Service Agent',
    'x-amz-sns-message-type': message.Type,
    'x-amz-sns-message-id': message.MessageId,
    'x-amz-sns-topic-arn': subscription.topicArn,
    ...(message.Type === 'Notification' ? { 'x-amz-sns-subscription-arn': subscription.arn } : {}),
  };
  cell.background(`message to ${subscription.endpoint}`, async (signal) => {
    const details = { messageId: message.MessageId, endpoint: subscription.endpoint, type: message.Type };
    for (let sent = 1; sent <= triesMax && !signal.aborted; sent += 1) {
      const status = await post(subscription.endpoint, headers, body, signal);
      if (status >= 200 && status < 300) {
        cell.journal.addEffect('messageDelivered', { ...details, tries: sent });
        return;
      }
      if (status >= 400 && status < 500) break;
      await cell.pause(tryAgainMs);
    }
    cell.journal.addEffect('messageDropped', details);
  });
}

/** 0: no answer. */
async function post(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  signal: AbortSignal,
): Promise<number> {
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(15_000)]);
    return (await fetch(url, { method: 'POST', headers, body, signal: limit })).status;
  } catch {
    return 0;
  }
}

export function newMessageId(): string {
  return randomUUID();
}
