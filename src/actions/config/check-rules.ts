/** config:checkRules: AWS Config rules evaluated now, waited for, and read to the last page. */
import { Type, type Static } from 'typebox';
import { AwsFailure } from '../../transports/aws.ts';
import { defineAction, done, failed, pending, type ActionContext, type Poll } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { answerSince, lastEvaluation, startEvaluation, type LastEvaluation } from './evaluation.ts';
import { readStanding, unjudged } from './findings.ts';
import { isRuleMissing, readRecorders, ruleMissing, troubleWith, type Trouble } from './readiness.ts';
import { ruleStandings, rulesMax, sum, verdict, type RuleStanding, type Verdict } from './standing.ts';

type Outputs = {
  readonly Verdict: Verdict;
  readonly Summary: string;
  readonly Rules: RuleStanding[];
  readonly RulesNotCompliant: number;
  readonly NonCompliantResources: number;
};

const maxWaitSecondsDefault = 900;
const topFindingsDefault = 10;
/** Config evaluates a rule once a minute at most. */
const tryAgainMs = 5_000;
const lookAgainMsMin = 500;
const lookAgainMsMax = 10_000;

/** One check under way. A runner that resumes asks Config anew, and Config has its time again. */
interface Check {
  readonly since: number;
  readonly settled: Map<string, RuleStanding>;
  /** By rule; null until the evaluation was started. */
  waiting: Map<string, LastEvaluation> | null;
  /** What Config said last when it wanted to be asked later; null: it never did. */
  said: string | null;
}

const inputs = strictObject({
  Rules: Type.Array(Type.String({ minLength: 1, maxLength: 128 }), {
    minItems: 1,
    maxItems: rulesMax,
    uniqueItems: true,
    description: 'Names of Config rules.',
  }),
  OnNonCompliant: Type.Optional(
    Type.Union([Type.Literal('fail'), Type.Literal('report')], {
      default: 'fail',
      description:
        'fail: the step fails with NON_COMPLIANT or UNDETERMINED. report: it succeeds and says so in Verdict, for steps that alarm and a config:requireCompliance behind them.',
    }),
  ),
  MaxWaitSeconds: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 7_200,
      default: maxWaitSecondsDefault,
      description: 'After that, rules without an answer are UNDETERMINED.',
    }),
  ),
  TopFindings: Type.Optional(Type.Integer({ minimum: 0, maximum: 50, default: topFindingsDefault })),
});
type Inputs = Static<typeof inputs>;

export const checkRules = defineAction({
  name: 'config:checkRules',
  summary: 'Has AWS Config evaluate rules now, waits for the answer, and reads every finding.',
  source: 'https://docs.aws.amazon.com/config/latest/APIReference/API_StartConfigRulesEvaluation.html',
  example: `
- name: Check
  action: config:checkRules
  inputs:
    Rules: [encrypted-volumes, rds-storage-encrypted]
    OnNonCompliant: report
`,
  inputs,
  outputs: strictObject({
    Verdict: verdict,
    Summary: Type.String(),
    Rules: ruleStandings,
    RulesNotCompliant: Type.Integer({
      description: 'Rules that are non-compliant or undetermined: what a metric should count.',
    }),
    NonCompliantResources: Type.Integer(),
  }),
  timeoutSeconds: 7_500,
  permissions: () => [
    'config:DescribeConfigurationRecorders',
    'config:DescribeConfigurationRecorderStatus',
    'config:DescribeConfigRules',
    'config:DescribeConfigRuleEvaluationStatus',
    'config:StartConfigRulesEvaluation',
    'config:GetComplianceDetailsByConfigRule',
  ],
  targets: () => [],
  hasHostTargets: false,

  /** Reads: an evaluation is Config looking, not Config changing, and one more of them is harmless (evaluation.ts). */
  effect: {
    kind: 'read',
    poll: async (inputs: Inputs, context): Promise<Poll<Outputs>> => {
      const check = context.kept('check', (): Check => ({
        since: context.now(),
        settled: new Map(),
        waiting: null,
        said: null,
      }));
      const isLate = context.now() - check.since >= (inputs.MaxWaitSeconds ?? maxWaitSecondsDefault) * 1_000;
      try {
        return await goOn(inputs, check, isLate, context);
      } catch (error) {
        if (!(error instanceof AwsFailure) || error.later === undefined) throw error;
        check.said = error.message;
        if (!isLate) return pending(error.later.afterMs ?? tryAgainMs, error.message);
        for (const rule of inputs.Rules)
          if (!check.settled.has(rule))
            check.settled.set(rule, unjudged(rule, busyAllTheTime(inputs, check)));
        return conclude(inputs, check);
      }
    },
  },
  undo: { kind: 'notNeeded' },
});

async function goOn(
  inputs: Inputs,
  check: Check,
  isLate: boolean,
  context: ActionContext,
): Promise<Poll<Outputs>> {
  if (check.waiting === null) return begin(inputs, check, isLate, context);
  for (const [rule, before] of check.waiting) {
    const answer = answerSince(rule, before, await lastEvaluation(rule, context));
    if (answer.kind === 'running' && !isLate) continue;
    check.settled.set(rule, await settled(rule, answer, inputs, context));
    check.waiting.delete(rule);
  }
  if (check.waiting.size === 0) return conclude(inputs, check);
  return pending(lookAgainMs(check, context), waitingFor(check.waiting));
}

/** Config took no evaluation of ours, in all the time there was. */
function busyAllTheTime(inputs: Inputs, { said }: Check): Trouble {
  return {
    cause: 'EVALUATION_BUSY',
    reason: `Config took no evaluation for ${waited(inputs)}${said === null ? '' : `; it said last: ${said}`}`,
  };
}

/** Looks whether the rules can be judged, and starts the evaluation of those that can. */
async function begin(
  inputs: Inputs,
  check: Check,
  isLate: boolean,
  context: ActionContext,
): Promise<Poll<Outputs>> {
  check.settled.clear();
  const recorders = await readRecorders(context);
  const waiting = new Map<string, LastEvaluation>();
  for (const rule of inputs.Rules) {
    const trouble =
      (await troubleWith(rule, recorders, context)) ?? (isLate ? busyAllTheTime(inputs, check) : null);
    const last = trouble === null ? await lastEvaluation(rule, context) : null;
    if (last !== null) waiting.set(rule, last);
    else if (trouble !== null) check.settled.set(rule, unjudged(rule, trouble));
    else return pending(lookAgainMsMin, `${rule} was deleted just now, looking again`);
  }
  if (waiting.size === 0) return conclude(inputs, check);
  const start = await startEvaluation([...waiting.keys()], context);
  switch (start.kind) {
    case 'started':
      check.waiting = waiting;
      return pending(lookAgainMs(check, context), waitingFor(waiting));
    case 'busy':
      check.said = start.said;
      return pending(start.afterMs ?? tryAgainMs, `Config takes no evaluation now: ${start.said}`);
    case 'gone':
      return pending(lookAgainMsMin, 'a rule was deleted just now, looking again');
    default:
      return start satisfies never;
  }
}

async function settled(
  rule: string,
  answer: ReturnType<typeof answerSince>,
  inputs: Inputs,
  context: ActionContext,
): Promise<RuleStanding> {
  switch (answer.kind) {
    case 'trouble':
      return unjudged(rule, answer.trouble);
    case 'evaluated': {
      const bounds = { share: inputs.Rules.length, top: inputs.TopFindings ?? topFindingsDefault };
      try {
        return await readStanding(rule, answer.at, bounds, context);
      } catch (error) {
        if (!isRuleMissing(error)) throw error;
        return unjudged(rule, ruleMissing(rule));
      }
    }
    case 'running':
      return unjudged(rule, {
        cause: 'EVALUATION_TIMED_OUT',
        reason: `Config did not evaluate it within ${waited(inputs)}; what it showed before is not an answer`,
      });
    default:
      return answer satisfies never;
  }
}

/** The longer it takes, the rarer the looks: Config allows few calls a second. */
function lookAgainMs({ since }: Check, context: ActionContext): number {
  return Math.min(lookAgainMsMax, Math.max(lookAgainMsMin, (context.now() - since) / 4));
}

function waitingFor(waiting: ReadonlyMap<string, unknown>): string {
  return `waiting for Config to evaluate ${[...waiting.keys()].join(', ')}`;
}

function waited({ MaxWaitSeconds }: Inputs): string {
  return `${MaxWaitSeconds ?? maxWaitSecondsDefault} s`;
}

function conclude(inputs: Inputs, check: Check): Poll<Outputs> {
  const rules = inputs.Rules.flatMap((rule) => check.settled.get(rule) ?? []);
  const { verdict: overall, summary, nonCompliant, undetermined } = sum(rules);
  const outputs: Outputs = {
    Verdict: overall,
    Summary: summary,
    Rules: rules,
    RulesNotCompliant: nonCompliant + undetermined,
    NonCompliantResources: rules.reduce((total, { NonCompliant }) => total + NonCompliant, 0),
  };
  if (overall === 'COMPLIANT' || inputs.OnNonCompliant === 'report') return done(outputs, { note: summary });
  return failed(overall, summary, { outputs });
}
