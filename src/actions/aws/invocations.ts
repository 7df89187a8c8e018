/**
 * Invocations of functions that this process waits for. A request that answers when its work is done would keep `begin`
 * waiting for minutes; so it is sent by `begin` and its answer is fetched by `poll`. A runner that dies takes the answer with
 * it: the next one finds nothing here, and says that nobody knows.
 */
import type { JsonObject } from '../../json.ts';
import type { ActionContext } from '../define-action.ts';
import { numberIn, textIn } from './reply.ts';

export type Invocation = {
  readonly statusCode: number;
  readonly functionError: string | null;
  /** In base64. */
  readonly logResult: string | null;
  readonly payload: string;
};

/** What begin has sent and poll asks for. */
interface Sent {
  answer: Promise<Invocation> | undefined;
}

const sentOf = (context: ActionContext): Sent => context.held('invocation', () => ({ answer: undefined }));

/** Sends it once; whoever has the effect's context is given the answer. */
export function beginInvocation(params: JsonObject, replyMs: number, context: ActionContext): void {
  // Not the activity's signal: the request goes on when the begin has ended.
  const call = { service: 'lambda', operation: 'Invoke', params, replyMs };
  const answer = context.aws.call(call, { reveal: true }).then(readReply);
  // Whoever asks for it hears of a rejection; nobody asking is not a crash.
  answer.catch(() => undefined);
  sentOf(context).answer = answer;
}

/** Null: the answer is not there yet. Rejects, and forgets it, when it was refused or lost by then. */
export async function settledWithin(ms: number, context: ActionContext): Promise<Invocation | null> {
  const sent = sentOf(context);
  if (sent.answer === undefined) return null;
  try {
    return (await Promise.race([sent.answer, pause(ms)])) ?? null;
  } catch (error) {
    sent.answer = undefined;
    throw error;
  }
}

/** `unknown`: this process sent nothing under the token. Rejects with what the call rejects with. */
export async function answerOf(
  waitMs: number,
  context: ActionContext,
): Promise<Invocation | 'running' | 'unknown'> {
  const { answer } = sentOf(context);
  if (answer === undefined) return 'unknown';
  return (await Promise.race([answer, pause(waitMs)])) ?? 'running';
}

function pause(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), ms).unref();
  });
}

function readReply(reply: JsonObject): Invocation {
  return {
    statusCode: numberIn(reply, 'StatusCode') ?? 0,
    functionError: textIn(reply, 'FunctionError') || null,
    logResult: textIn(reply, 'LogResult') || null,
    payload: Buffer.from(textIn(reply, 'Payload'), 'base64').toString('utf8'),
  };
}
