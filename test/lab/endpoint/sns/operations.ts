/** The SNS operations that the endpoint answers itself: HTTP subscribers are really asked to confirm, and really get the messages. */
import { isJsonObject, type JsonObject } from '../../../../src/json.ts';
import { objectParam, textParam, type ApiCall } from '../api-call.ts';
import type { Cell, Handler } from '../cell.ts';
import type { Reply } from '../reply.ts';
import { deliver } from './deliver.ts';
import {
  confirmSubscription,
  endpointUrlOf,
  getTopicAttributes,
  subscribe,
  unsubscribe,
} from './subscriptions.ts';

/** For so long a FIFO topic takes a second message of the same id for the first (SNS guide). */
const deduplicatedMs = 300_000;

/** Moto checks the message and gives it its id. */
const publish: Handler = async (call, cell) => {
  const topicArn = textParam(call.params, 'TopicArn') ?? '';
  const id = textParam(call.params, 'MessageDeduplicationId');
  const key = topicArn.endsWith('.fifo') && id !== undefined ? `${topicArn} ${id}` : undefined;
  const first = key === undefined ? undefined : cell.state.deduplications[key];
  if (first !== undefined && Date.now() - first.at < deduplicatedMs) return xml(first.body);
  const reply = await cell.moto.forward(call.request);
  if (reply.status !== 200) return reply;
  const body = reply.body.toString('utf8');
  if (key !== undefined) cell.state.deduplications[key] = { at: Date.now(), body };
  cell.save();
  notify(call, topicArn, /<MessageId>([^<]+)</.exec(body)?.[1] ?? '', cell);
  return reply;
};

function notify(call: ApiCall, topicArn: string, messageId: string, cell: Cell): void {
  const subject = textParam(call.params, 'Subject');
  const message = {
    Type: 'Notification' as const,
    MessageId: messageId,
    ...(subject === undefined ? {} : { Subject: subject }),
    Message: textParam(call.params, 'Message') ?? '',
    MessageAttributes: attributesOf(call.params),
  };
  for (const subscription of Object.values(cell.state.subscriptions))
    if (subscription.topicArn === topicArn && subscription.isConfirmed)
      deliver(subscription, message, endpointUrlOf(call), cell);
}

/** From the form's `MessageAttributes.entry.N.Name` and `.Value.StringValue` to what a subscriber sees. */
function attributesOf(params: JsonObject): JsonObject {
  const entries = objectParam(params, 'MessageAttributes')['entry'];
  return Object.fromEntries(
    (Array.isArray(entries) ? entries : []).filter(isJsonObject).map((entry) => {
      const value = objectParam(entry, 'Value');
      const shown = {
        Type: textParam(value, 'DataType') ?? '',
        Value: textParam(value, 'StringValue') ?? '',
      };
      return [textParam(entry, 'Name') ?? '', shown];
    }),
  );
}

function xml(body: string): Reply {
  const bytes = Buffer.from(body);
  const headers = ['Content-Type', 'text/xml', 'Content-Length', String(bytes.length)];
  return { status: 200, headers, body: bytes };
}

export const snsOperations: Readonly<Record<string, Handler>> = {
  ConfirmSubscription: confirmSubscription,
  GetTopicAttributes: getTopicAttributes,
  Publish: publish,
  Subscribe: subscribe,
  Unsubscribe: unsubscribe,
};
