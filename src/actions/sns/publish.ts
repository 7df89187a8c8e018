/** sns:publish: an alert to a topic. */
import { Type } from 'typebox';
import { defineAction, done } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { textIn } from '../aws/reply.ts';

/** SNS wants a subject of fewer than 100 characters. */
const subjectCharactersMax = 99;
/** UTF-8. */
const messageBytesMax = 262_144;

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
    TopicArn: Type.String({ pattern: '^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]+$' }),
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
    execute: async ({ TopicArn, Message, Subject }, _before, { aws, token, signal }) => {
      const subject = asSubject(Subject ?? '');
      const region = TopicArn.split(':')[3];
      const fifo = { MessageGroupId: 'belay', MessageDeduplicationId: token };
      const reply = await aws.call({
        service: 'sns',
        operation: 'Publish',
        params: {
          TopicArn,
          Message: withinLimit(Message),
          ...(subject === '' ? {} : { Subject: subject }),
          ...(TopicArn.endsWith('.fifo') ? fifo : {}),
        },
        ...(region === undefined ? {} : { region }),
        signal,
      });
      return done({ MessageId: textIn(reply, 'MessageId') });
    },
  },
  undo: { kind: 'none', reason: 'an alert cannot be unsent', leavesChange: false },
});

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
