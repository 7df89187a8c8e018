/** config:alertRules: one SNS message for each rule whose state is another than the topic was last told. */
import { createHash } from 'node:crypto';
import { Type, type Static } from 'typebox';
import { AwsFailure } from '../../transports/aws.ts';
import { objectIn, textIn } from '../aws/reply.ts';
import {
  ActionFailure,
  defineAction,
  done,
  pending,
  type ActionContext,
  type Poll,
} from '../define-action.ts';
import { publishMessage, regionOf, topicArnPattern } from '../sns/message.ts';
import { strictObject } from '../strict-object.ts';
import { memoryName, recall, remember, type Told } from './alert-memory.ts';
import { difference, messageOf, subjectOf } from './alert-message.ts';
import { lineOf, ruleStandings, type RuleStanding } from './standing.ts';
import { callAws } from '../../transports/aws-calls.ts';

const rememberDefault = '/belay/config-alerts';
/** How often one message is sent when its replies are lost. */
const sendingsMax = 3;
const sendAgainMs = 1_000;

const sentMessage = strictObject({
  Rule: Type.String(),
  Status: Type.String(),
  MessageId: Type.String(),
  Number: Type.Integer({ description: '1 for the first message about the rule.' }),
});

type Outputs = {
  readonly Sent: {
    readonly Rule: string;
    readonly Status: string;
    readonly MessageId: string;
    readonly Number: number;
  }[];
  readonly AlreadyTold: string[];
};

const inputs = strictObject({
  TopicArn: Type.String({ pattern: topicArnPattern }),
  Rules: {
    ...ruleStandings,
    description: 'The output Rules of a config:checkRules with OnNonCompliant: report.',
  },
  Remember: Type.Optional(
    Type.String({
      pattern: '^/(?!aws|ssm)[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+){0,9}$',
      default: rememberDefault,
      description:
        'Where in Parameter Store the last message is remembered, as REMEMBER/TOPIC/RULE. Delete such a parameter to be told anew.',
    }),
  ),
  Link: Type.Optional(Type.String({ description: 'Where a reader finds more; it is in the message.' })),
});
type Inputs = Static<typeof inputs>;

export const alertRules = defineAction({
  name: 'config:alertRules',
  summary:
    'Sends one SNS message for each checked Config rule whose state has changed since the last message.',
  source: 'https://docs.aws.amazon.com/sns/latest/dg/fifo-message-dedup.html',
  example: `
- name: Alert
  action: config:alertRules
  inputs: { TopicArn: '{{ TopicArn }}', Rules: '{{ Check.Rules }}' }
`,
  inputs,
  outputs: strictObject({
    Sent: Type.Array(sentMessage),
    AlreadyTold: Type.Array(Type.String(), {
      description: 'Rules of which the topic knows this state, and compliant ones that were never in alarm.',
    }),
  }),
  timeoutSeconds: 300,
  permissions: () => ['sns:GetTopicAttributes', 'sns:Publish', 'ssm:GetParameter', 'ssm:PutParameter'],
  targets: ({ TopicArn }) => [TopicArn],
  hasHostTargets: false,

  /**
   * Repeatable, since every message is remembered before the next is sent: a runner that resumes finds what was told and
   * goes on behind it. What stays is the moment between a message and its memory, and a reply that was lost. SNS cannot be
   * asked whether it has a message: a standard topic then gets it twice, with the same attribute belay.key, because an alert that
   * never came is worse. A FIFO topic drops the second one, by that key, if it comes within five minutes.
   */
  effect: {
    kind: 'repeatable',
    execute: async (inputs: Inputs, _before, context): Promise<Poll<Outputs>> => {
      const sent: Outputs['Sent'] = [];
      const alreadyTold: string[] = [];
      for (const rule of inputs.Rules) {
        const memory = memoryName(inputs.Remember ?? rememberDefault, inputs.TopicArn, rule.Name);
        let told = await recall(memory, context);
        if (isNews(rule, told)) {
          try {
            told = await tell(rule, told, memory, inputs, context);
          } catch (error) {
            if (!mayBeSentAgain(error, context)) throw untold(rule, error);
            return pending(
              sendAgainMs,
              `the reply to the message about ${rule.Name} was lost; it is sent again`,
            );
          }
          await remember(memory, told, rule.Name, context);
        }
        if (told !== null && told.token === context.token)
          sent.push({
            Rule: rule.Name,
            Status: rule.Status,
            MessageId: told.messageId,
            Number: told.number,
          });
        else alreadyTold.push(rule.Name);
      }
      const names = sent.map(({ Rule }) => Rule).join(', ');
      return done(
        { Sent: sent, AlreadyTold: alreadyTold },
        { note: sent.length === 0 ? 'nothing new to tell' : `told of ${names}` },
      );
    },
  },

  /** The memory is not a change either: put back, it would have the topic told twice. */
  undo: {
    kind: 'none',
    reason: 'an alert cannot be unsent; the next run sends another when the state has changed',
    leavesChange: false,
  },
});

/** A rule that was never in alarm needs no message that it is compliant. */
function isNews(rule: RuleStanding, told: Told | null): boolean {
  if (told === null) return rule.Status !== 'COMPLIANT';
  return told.setHash !== rule.SetHash || told.status !== rule.Status;
}

async function tell(
  rule: RuleStanding,
  told: Told | null,
  memory: string,
  { TopicArn, Link = '' }: Inputs,
  context: ActionContext,
): Promise<Told> {
  await requireListener(TopicArn, context);
  const { account, region } = await context.aws.identity(context.signal);
  const changed = difference(rule, told);
  const number = (told?.number ?? 0) + 1;
  const key = createHash('sha256').update(`${memory}\n${number}\n${rule.SetHash}`).digest('hex').slice(0, 32);
  const occasion = { account, region, executionId: context.executionId, number, memory, link: Link };
  const messageId = await publishMessage(
    {
      topicArn: TopicArn,
      subject: subjectOf(rule, changed, told),
      message: messageOf(rule, changed, told, occasion),
      group: rule.Name.replaceAll(/[^A-Za-z0-9_-]/g, '_'),
      deduplicationId: key,
      attributes: { 'belay.rule': rule.Name, 'belay.status': rule.Status, 'belay.key': key },
    },
    context,
  );
  const isKnown = rule.Status !== 'UNDETERMINED';
  return {
    status: rule.Status,
    setHash: rule.SetHash,
    resources: isKnown ? (rule.IsComplete ? rule.ResourceIds : null) : (told?.resources ?? []),
    nonCompliant: isKnown ? rule.NonCompliant : (told?.nonCompliant ?? 0),
    number,
    messageId,
    sentAt: new Date(context.now()).toISOString(),
    token: context.token,
  };
}

/** A message to a topic without a confirmed subscription reaches nobody, and SNS takes it without a word. */
async function requireListener(topicArn: string, { aws, signal }: ActionContext): Promise<void> {
  const reply = await callAws(aws, {
    service: 'sns',
    operation: 'GetTopicAttributes',
    params: { TopicArn: topicArn },
    ...regionOf(topicArn),
    signal,
  });
  if (textIn(objectIn(reply, 'Attributes'), 'SubscriptionsConfirmed') !== '0') return;
  throw new ActionFailure({
    code: 'NOBODY_LISTENS',
    message: `the topic ${topicArn} has no confirmed subscription, so that a message would reach nobody: subscribe somebody and confirm it.`,
  });
}

function mayBeSentAgain(error: unknown, context: ActionContext): boolean {
  if (!(error instanceof AwsFailure) || error.effect !== 'unknown') return false;
  const replies = context.kept('replies', () => ({ lost: 0 }));
  replies.lost += 1;
  return replies.lost < sendingsMax;
}

/** Whoever reads that an alarm failed must also read what the alarm was. */
function untold(rule: RuleStanding, error: unknown): unknown {
  if (!(error instanceof AwsFailure || error instanceof ActionFailure)) return error;
  const topic =
    error.code === 'NotFound' || error.code === 'NotFoundException'
      ? ' Check TopicArn: account, region and name.'
      : '';
  return new ActionFailure({
    code: error.code,
    message: `${error.message}${topic} Nobody was told of ${lineOf(rule)}`,
    retryable: error.retryable,
    effect: error.effect,
    cause: error,
  });
}
