/**
 * An evaluation of Config rules from its start to an answer that is later than it.
 *
 * Starting an evaluation changes nothing that would need undoing: Config judges what it would have judged by itself, a
 * little earlier. So it counts as reading, and a runner that resumes starts another one.
 */
import { AwsFailure } from '../../transports/aws.ts';
import { objectsIn, textIn } from '../aws/reply.ts';
import type { ActionContext } from '../define-action.ts';
import { isRuleMissing, ruleMissing, type Trouble } from './readiness.ts';
import { callAws } from '../../transports/aws-calls.ts';

type Asking = Pick<ActionContext, 'aws' | 'signal'>;

/** The last two endings of a rule's evaluations, by Config's own clock, so that ours may be wrong. Empty: never. */
export interface LastEvaluation {
  readonly succeededAt: string;
  readonly failedAt: string;
  readonly error: string;
}

/** Null: the rule is gone. */
export async function lastEvaluation(rule: string, { aws, signal }: Asking): Promise<LastEvaluation | null> {
  try {
    const reply = await callAws(aws, {
      service: 'config',
      operation: 'DescribeConfigRuleEvaluationStatus',
      params: { ConfigRuleNames: [rule] },
      signal,
    });
    const [status = {}] = objectsIn(reply, 'ConfigRulesEvaluationStatus');
    return {
      succeededAt: textIn(status, 'LastSuccessfulEvaluationTime'),
      failedAt: textIn(status, 'LastFailedEvaluationTime'),
      error: `${textIn(status, 'LastErrorCode')} ${textIn(status, 'LastErrorMessage')}`.trim(),
    };
  } catch (error) {
    if (isRuleMissing(error)) return null;
    throw error;
  }
}

/** One evaluation runs already. */
const isTakenElsewhere = /^(?:LimitExceeded|ResourceInUse)Exception$/;

export type Start =
  | { readonly kind: 'started' }
  /** Config takes none now: one runs already, whose answers may be from before ours was asked for, or it is asked too often. */
  | { readonly kind: 'busy'; readonly said: string; readonly afterMs: number | undefined }
  /** One of the rules was deleted meanwhile, and none was started. */
  | { readonly kind: 'gone' };

/** Whether Config took it; to be tried again where it was busy. */
export async function startEvaluation(rules: readonly string[], { aws, signal }: Asking): Promise<Start> {
  try {
    const params = { ConfigRuleNames: [...rules] };
    await callAws(aws, { service: 'config', operation: 'StartConfigRulesEvaluation', params, signal });
    return { kind: 'started' };
  } catch (error) {
    if (isRuleMissing(error)) return { kind: 'gone' };
    if (!(error instanceof AwsFailure)) throw error;
    const said = error.message;
    if (isTakenElsewhere.test(error.code)) return { kind: 'busy', said, afterMs: undefined };
    if (error.later !== undefined) return { kind: 'busy', said, afterMs: error.later.afterMs };
    throw error;
  }
}

export type Answer =
  | { readonly kind: 'evaluated'; readonly at: string }
  | { readonly kind: 'trouble'; readonly trouble: Trouble }
  | { readonly kind: 'running' };

/** What became of the rule's evaluation since `before` was read. */
export function answerSince(rule: string, before: LastEvaluation, now: LastEvaluation | null): Answer {
  if (now === null) return { kind: 'trouble', trouble: ruleMissing(rule) };
  if (isLater(now.succeededAt, before.succeededAt)) return { kind: 'evaluated', at: now.succeededAt };
  if (isLater(now.failedAt, before.failedAt))
    return {
      kind: 'trouble',
      trouble: {
        cause: 'EVALUATION_FAILED',
        reason: `Config could not evaluate it: ${now.error || 'it gives no reason'}`,
      },
    };
  return { kind: 'running' };
}

function isLater(time: string, than: string): boolean {
  return time !== '' && (than === '' || Date.parse(time) > Date.parse(than));
}
