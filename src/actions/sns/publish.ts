/** sns:publish: an alert to a topic. */
import { Type } from 'typebox';
import { defineAction, done } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { messageBytesMax, publishMessage, subjectCharactersMax, topicArnPattern } from './message.ts';

export const publish = defineAction({
  name: 'sns:publish',
  summary: 'Publishes a message to an SNS topic.',
  source: 'https://docs.aws.amazon.com/sns/latest/api/API_Publish.html',
  example: `
- name: RaiseAlarm
  action: sns:publish
  inputs:
    TopicArn: '{{ AlarmTopic }}'
    Subject: PostgreSQL on {{ Host }} did not come back
    Message: 'See belay show {{ automation:EXECUTION_ID }}.'
`,
  inputs: strictObject({
    TopicArn: Type.String({ pattern: topicArnPattern }),
    Message: Type.String({
      minLength: 1,
      description: `More than ${messageBytesMax} bytes are cut, with a sentence that says so.`,
    }),
    Subject: Type.Optional(
      Type.String({
        description: `Line breaks become spaces; more than ${subjectCharactersMax} characters are cut.`,
      }),
    ),
  }),
  outputs: strictObject({ MessageId: Type.String() }),
  timeoutSeconds: 60,
  permissions: () => ['sns:Publish'],
  targets: ({ TopicArn }) => [TopicArn],
  hasHostTargets: false,

  /**
   * Repeatable: after a lost reply the message is sent again. A second alert does no harm, while one that never came
   * would; and SNS cannot be asked whether a message was published. FIFO topics drop the second one by the token.
   */
  effect: {
    kind: 'repeatable',
    execute: async ({ TopicArn, Message, Subject }, _before, context) =>
      done({
        MessageId: await publishMessage(
          {
            topicArn: TopicArn,
            message: Message,
            subject: Subject ?? '',
            group: 'belay',
            deduplicationId: context.token,
          },
          context,
        ),
      }),
  },
  inSsm: (inputs) => [
    {
      action: 'aws:executeAwsApi',
      inputs: { Service: 'sns', Api: 'Publish', ...inputs },
      outputs: [{ Name: 'MessageId', Selector: '$.MessageId', Type: 'String' }],
    },
  ],
  undo: { kind: 'none', reason: 'an alert cannot be unsent', leavesChange: false },
});
