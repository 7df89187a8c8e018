/** check:configRules: AWS Config rules, by name, prefix or tag, evaluated now; every resource that they judge. */
import { Type, type Static } from 'typebox';
import type { Judged } from '../../compliance/types.ts';
import { objectIn, objectsIn, pages, textIn } from '../aws/reply.ts';
import { answerSince, lastEvaluation, startEvaluation, type LastEvaluation } from '../config/evaluation.ts';
import { isRuleMissing, readRecorders, ruleMissing, troubleWith, type Trouble } from '../config/readiness.ts';
import { pending, type ActionContext, type Pending } from '../define-action.ts';
import type { strictObject } from '../strict-object.ts';
import { defineAccountCheck, type Seen } from './define-check.ts';
import { broken, kept, unknown } from './judging.ts';

/** One look under way. */
interface Progress {
  readonly since: number;
  /** Rules whose evaluation has still to be started. */
  readonly left: string[];
  readonly waiting: Map<string, LastEvaluation>;
  readonly judged: Judged[];
}

const waitSecondsDefault = 900;
/** What StartConfigRulesEvaluation takes at once. */
const startedAtOnceMax = 25;
const rulesMax = 200;
const resultsMax = 100_000;
const pageSize = 100;
const tryAgainMs = 5_000;
const lookAgainMs = 1_000;

const properties = {
  Rules: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 128 }), {
      minItems: 1,
      maxItems: rulesMax,
      uniqueItems: true,
    }),
  ),
  Prefix: Type.Optional(Type.String({ minLength: 1, description: 'Every rule whose name begins so.' })),
  Tag: Type.Optional(
    Type.Object(
      { Key: Type.String({ minLength: 1 }), Value: Type.String() },
      { additionalProperties: false, description: 'Every rule that has it.' },
    ),
  ),
  MaxWaitSeconds: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 7_200,
      default: waitSecondsDefault,
      description: 'What has no answer then is unknown.',
    }),
  ),
};
type Inputs = Static<ReturnType<typeof strictObject<typeof properties>>>;

export const checkConfigRules = defineAccountCheck({
  name: 'check:configRules',
  summary:
    'Has AWS Config evaluate rules now, by name, prefix or tag, and looks at every resource that they judge.',
  source: 'https://docs.aws.amazon.com/config/latest/APIReference/API_GetComplianceDetailsByConfigRule.html',
  example: `
    - name: AccountRules
      action: check:configRules
      inputs: { Prefix: base- }`,
  inputs: properties,
  problems: ({ Rules, Prefix, Tag }) =>
    [Rules, Prefix, Tag].filter((each) => each !== undefined).length === 1
      ? []
      : [{ path: [], message: 'it takes one of Rules, Prefix and Tag' }],
  timeoutSeconds: 7_500,
  permissions: ({ Rules, Tag }) => [
    'config:DescribeConfigurationRecorders',
    'config:DescribeConfigurationRecorderStatus',
    'config:DescribeConfigRules',
    'config:DescribeConfigRuleEvaluationStatus',
    'config:StartConfigRulesEvaluation',
    'config:GetComplianceDetailsByConfigRule',
    ...(Rules === undefined && Tag !== undefined ? ['config:ListTagsForResource'] : []),
  ],
  look: async (inputs, context): Promise<Seen | Pending> => {
    const memory = context.kept('rules', (): { progress: Progress | undefined } => ({ progress: undefined }));
    const progress = (memory.progress ??= await begin(inputs, context));
    const waitSeconds = inputs.MaxWaitSeconds ?? waitSecondsDefault;
    const isLate = context.now() - progress.since >= waitSeconds * 1_000;
    for (const [rule, before] of progress.waiting) {
      const answer = answerSince(rule, before, await lastEvaluation(rule, context));
      if (answer.kind === 'running' && !isLate) continue;
      progress.waiting.delete(rule);
      progress.judged.push(...(await settled(rule, answer, waitSeconds, context)));
    }
    if (progress.left.length > 0 && !isLate) {
      const busy = await startSome(progress, context);
      if (busy) return pending(tryAgainMs, 'Config evaluates rules already; ours start after that');
    }
    if (isLate)
      progress.judged.push(
        ...progress.left
          .splice(0)
          .map((rule) =>
            notKnown(rule, { cause: 'EVALUATION_BUSY', reason: 'other evaluations ran all the time' }),
          ),
      );
    if (progress.waiting.size + progress.left.length > 0)
      return pending(lookAgainMs, `waiting for Config to evaluate ${progress.waiting.size} rules`);
    return { judged: progress.judged, isWhole: false };
  },
});

async function begin(inputs: Inputs, context: ActionContext): Promise<Progress> {
  const { rules, judged } = await namesOf(inputs, context);
  const recorders = await readRecorders(context);
  const left: string[] = [];
  for (const rule of rules) {
    const trouble = await troubleWith(rule, recorders, context);
    if (trouble === null) left.push(rule);
    else judged.push(notKnown(rule, trouble));
  }
  return { since: context.now(), left, waiting: new Map(), judged };
}

/** A prefix or a tag that no rule has is not known to be kept. */
async function namesOf(
  inputs: Inputs,
  context: ActionContext,
): Promise<{ readonly rules: readonly string[]; readonly judged: Judged[] }> {
  const { Rules, Prefix, Tag } = inputs;
  if (Rules !== undefined) return { rules: Rules, judged: [] };
  const rules: string[] = [];
  for await (const page of pages('config', 'DescribeConfigRules', {}, context)) {
    for (const rule of objectsIn(page, 'ConfigRules')) {
      const name = textIn(rule, 'ConfigRuleName');
      if (name === '') continue;
      if (
        Prefix !== undefined
          ? name.startsWith(Prefix)
          : await hasTag(textIn(rule, 'ConfigRuleArn'), Tag, context)
      )
        rules.push(name);
    }
  }
  const what = Prefix === undefined ? `has the tag ${Tag?.Key}=${Tag?.Value}` : `begins with ${Prefix}`;
  if (rules.length === 0)
    return { rules, judged: [unknown('', 'NO_RULES', `no Config rule of this account and region ${what}`)] };
  if (rules.length <= rulesMax) return { rules, judged: [] };
  const reason = `${rules.length} Config rules are meant, and at most ${rulesMax} are looked at together`;
  return { rules: rules.slice(0, rulesMax), judged: [unknown('', 'TOO_MANY_RULES', reason)] };
}

async function hasTag(arn: string, tag: Inputs['Tag'], context: ActionContext): Promise<boolean> {
  for await (const page of pages('config', 'ListTagsForResource', { ResourceArn: arn }, context))
    if (
      objectsIn(page, 'Tags').some(
        (each) => textIn(each, 'Key') === tag?.Key && textIn(each, 'Value') === tag.Value,
      )
    )
      return true;
  return false;
}

/** True: Config is busy, and nothing was started. */
async function startSome(progress: Progress, context: ActionContext): Promise<boolean> {
  const waiting = new Map<string, LastEvaluation>();
  for (const rule of progress.left.slice(0, startedAtOnceMax)) {
    const last = await lastEvaluation(rule, context);
    if (last === null) {
      progress.left.splice(progress.left.indexOf(rule), 1);
      progress.judged.push(notKnown(rule, ruleMissing(rule)));
    } else waiting.set(rule, last);
  }
  if (waiting.size === 0) return false;
  if ((await startEvaluation([...waiting.keys()], context)).kind !== 'started') return true;
  progress.left.splice(0, waiting.size);
  for (const [rule, last] of waiting) progress.waiting.set(rule, last);
  return false;
}

async function settled(
  rule: string,
  answer: ReturnType<typeof answerSince>,
  waitSeconds: number,
  context: ActionContext,
): Promise<Judged[]> {
  switch (answer.kind) {
    case 'trouble':
      return [notKnown(rule, answer.trouble)];
    case 'running':
      return [
        notKnown(rule, {
          cause: 'EVALUATION_TIMED_OUT',
          reason: `Config did not evaluate it within ${waitSeconds} s; what it showed before is not an answer`,
        }),
      ];
    case 'evaluated':
      return resultsOf(rule, context);
    default:
      return answer satisfies never;
  }
}

/** All pages. There is no filter by compliance: what Config has no word for must be seen, not filtered away. */
async function resultsOf(rule: string, context: ActionContext): Promise<Judged[]> {
  const judged: Judged[] = [];
  let isAnyCompliant = false;
  try {
    const params = { ConfigRuleName: rule, Limit: pageSize };
    for await (const page of pages('config', 'GetComplianceDetailsByConfigRule', params, context)) {
      for (const result of objectsIn(page, 'EvaluationResults')) {
        judged.push(judge(rule, result));
        isAnyCompliant ||= textIn(result, 'ComplianceType') === 'COMPLIANT';
      }
      if (judged.length > resultsMax)
        return [
          ...judged,
          notKnown(rule, {
            cause: 'TOO_MANY_RESULTS',
            reason: `it judges more than ${resultsMax} resources`,
          }),
        ];
    }
  } catch (error) {
    if (!isRuleMissing(error)) throw error;
    return [notKnown(rule, ruleMissing(rule))];
  }
  if (judged.some(({ kind }) => kind !== 'kept') || isAnyCompliant) return judged;
  return [
    ...judged,
    notKnown(rule, {
      cause: 'NOTHING_JUDGED',
      reason:
        'Config has judged no resource by it (INSUFFICIENT_DATA): if the account has none of the kind, leave the rule out',
    }),
  ];
}

function judge(rule: string, result: Parameters<typeof objectIn>[0]): Judged {
  const qualifier = objectIn(objectIn(result, 'EvaluationResultIdentifier'), 'EvaluationResultQualifier');
  const id = `${textIn(qualifier, 'ResourceType')} ${textIn(qualifier, 'ResourceId')}`.trim();
  const subject = `${rule}: ${id}`;
  if (id === '')
    return notKnown(rule, { cause: 'BAD_REPLY', reason: 'Config gave a result that names no resource' });
  switch (textIn(result, 'ComplianceType')) {
    case 'COMPLIANT':
      return kept(subject, 'compliant');
    case 'NOT_APPLICABLE':
      return kept(subject, 'not judged by it');
    case 'NON_COMPLIANT':
      return broken(subject, 'compliant', `non-compliant${annotation(result)}`);
    default:
      return unknown(subject, 'INSUFFICIENT_DATA', 'Config has no answer for it yet');
  }
}

function annotation(result: Parameters<typeof textIn>[0]): string {
  const text = textIn(result, 'Annotation');
  return text === '' ? '' : `: ${text}`;
}

function notKnown(rule: string, { cause, reason }: Trouble): Judged {
  return unknown(rule, cause, reason);
}
