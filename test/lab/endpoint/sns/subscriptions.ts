/** Subscriptions of HTTP endpoints: pending until their owner has answered the confirmation, as in AWS. */
import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../../../../src/json.ts';
import { textParam, type ApiCall } from '../api-call.ts';
import type { Cell, Handler } from '../cell.ts';
import { ApiError, queryReply, type Reply } from '../reply.ts';
import { element, parseXml, printXml, type Element } from '../xml.ts';
import { deliver, newMessageId } from './deliver.ts';

export function endpointUrlOf({ request }: ApiCall): string {
  return `http://${request.headers.host ?? '127.0.0.1'}`;
}

export const subscribe: Handler = async (call, cell) => {
  const protocol = textParam(call.params, 'Protocol') ?? '';
  if (protocol !== 'http' && protocol !== 'https') return await cell.moto.forward(call.request);
  const topicArn = textParam(call.params, 'TopicArn') ?? '';
  await requireTopic(call, topicArn, cell);
  const token = randomUUID();
  const subscription = {
    arn: `${topicArn}:${randomUUID()}`,
    topicArn,
    protocol,
    endpoint: textParam(call.params, 'Endpoint') ?? '',
    token,
    isConfirmed: false,
  };
  cell.state.subscriptions[subscription.arn] = subscription;
  cell.save();
  const message = {
    Type: 'SubscriptionConfirmation' as const,
    MessageId: newMessageId(),
    Token: token,
    Message: `You have chosen to subscribe to the topic ${topicArn}.\nTo confirm the subscription, visit the SubscribeURL included in this message.`,
    SubscribeURL: `${endpointUrlOf(call)}/_lab/confirm/${token}`,
  };
  deliver(subscription, message, endpointUrlOf(call), cell);
  const wantsArn = textParam(call.params, 'ReturnSubscriptionArn') === 'true';
  return queryReply('Subscribe', [
    element('SubscriptionArn', wantsArn ? subscription.arn : 'pending confirmation'),
  ]);
};

/** What visiting the SubscribeURL does. */
export function confirmByToken(token: string, cell: Cell): JsonObject {
  const subscription = Object.values(cell.state.subscriptions).find((one) => one.token === token);
  if (subscription === undefined) return { message: 'Invalid token' };
  subscription.isConfirmed = true;
  cell.save();
  return { SubscriptionArn: subscription.arn };
}

export const confirmSubscription: Handler = (call, cell) => {
  const { SubscriptionArn } = confirmByToken(textParam(call.params, 'Token') ?? '', cell);
  if (typeof SubscriptionArn !== 'string') throw new ApiError('InvalidParameter', 'Invalid parameter: Token');
  return Promise.resolve(queryReply('ConfirmSubscription', [element('SubscriptionArn', SubscriptionArn)]));
};

export const unsubscribe: Handler = async (call, cell) => {
  const arn = textParam(call.params, 'SubscriptionArn') ?? '';
  if (cell.state.subscriptions[arn] === undefined) return await cell.moto.forward(call.request);
  delete cell.state.subscriptions[arn];
  cell.save();
  return queryReply('Unsubscribe', []);
};

/** Moto's attributes, with our subscriptions counted in. */
export const getTopicAttributes: Handler = async (call, cell) => {
  const reply = await cell.moto.forward(call.request);
  if (reply.status !== 200) return reply;
  const ours = Object.values(cell.state.subscriptions).filter(
    ({ topicArn }) => topicArn === textParam(call.params, 'TopicArn'),
  );
  const more: Readonly<Record<string, number>> = {
    SubscriptionsConfirmed: ours.filter(({ isConfirmed }) => isConfirmed).length,
    SubscriptionsPending: ours.filter(({ isConfirmed }) => !isConfirmed).length,
  };
  const root = parseXml(reply.body.toString('utf8').trim());
  const visit = (at: Element): void => {
    const [key, value] = at.children;
    const counted = at.name === 'entry' ? more[key?.text ?? ''] : undefined;
    if (counted !== undefined && value !== undefined) value.text = String(Number(value.text) + counted);
    at.children.forEach(visit);
  };
  visit(root);
  const body = Buffer.from(printXml(root));
  const headers = ['Content-Type', 'text/xml', 'Content-Length', String(body.length)];
  return { status: 200, headers, body };
};

async function requireTopic({ caller }: ApiCall, topicArn: string, cell: Cell): Promise<Reply> {
  const form = new URLSearchParams({
    Action: 'GetTopicAttributes',
    Version: '2010-03-31',
    TopicArn: topicArn,
  });
  const headers = ['Content-Type', 'application/x-www-form-urlencoded'];
  const question = { method: 'POST' as const, path: '/', headers, body: form.toString() };
  const reply = await cell.moto.ask(caller, 'sns', question);
  if (reply.status !== 200) throw new ApiError('NotFound', 'Topic does not exist', 404);
  return reply;
}
