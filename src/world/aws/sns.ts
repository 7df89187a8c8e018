/** sns: topics that keep what is published to them. */
import { newUuid } from '../ids.ts';
import type { Topic, WorldState } from '../state.ts';
import { changes, reads, type Operations } from './operation.ts';
import { AwsNotModelled, AwsRefusal } from './refusal.ts';
import { page } from './page.ts';

/** How many messages a topic keeps; the oldest go first. */
const messagesMax = 1_000;

export const snsOperations: Operations = {
  CreateTopic: changes(['Name'], ({ state, params }) => {
    const name = params.needText('Name');
    if (name.endsWith('.fifo')) throw new AwsNotModelled('FIFO topics');
    if (!/^[A-Za-z0-9_-]{1,256}$/.test(name))
      throw new AwsRefusal('InvalidParameter', 'Invalid parameter: Topic Name');
    const arn = `arn:${state.partition}:sns:${state.region}:${state.account}:${name}`;
    state.topics[arn] ??= { name, messages: [] };
    return { TopicArn: arn };
  }),

  DeleteTopic: changes(['TopicArn'], ({ state, params }) => {
    delete state.topics[params.needText('TopicArn')];
    return {};
  }),

  ListTopics: reads(['NextToken'], ({ state, params }) =>
    page(
      params,
      'Topics',
      Object.keys(state.topics).map((TopicArn) => ({ TopicArn })),
    ),
  ),

  GetTopicAttributes: reads(['TopicArn'], ({ state, params }) => {
    const arn = params.needText('TopicArn');
    topicOf(state, arn);
    return { Attributes: { TopicArn: arn, Owner: state.account } };
  }),

  Publish: changes(['TopicArn', 'TargetArn', 'Message', 'Subject', 'MessageAttributes'], (request) => {
    const { state, params, now } = request;
    const arn = params.text('TopicArn') ?? params.needText('TargetArn');
    const message = params.needText('Message');
    const subject = params.text('Subject') ?? null;
    if (Buffer.byteLength(message) > 262_144)
      throw new AwsRefusal('InvalidParameter', 'Invalid parameter: Message too long');
    if (subject !== null && subject.length > 100)
      throw new AwsRefusal('InvalidParameter', 'Invalid parameter: Subject');
    const topic = topicOf(state, arn);
    const id = newUuid(state, 'message');
    topic.messages.push({ id, at: now, subject, message });
    if (topic.messages.length > messagesMax) topic.messages.shift();
    return { MessageId: id };
  }),
};

function topicOf(state: WorldState, arn: string): Topic {
  const topic = state.topics[arn];
  if (!topic) throw new AwsRefusal('NotFound', 'Topic does not exist', 404);
  return topic;
}
