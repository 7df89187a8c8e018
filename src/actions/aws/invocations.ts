/**
 * Invocations of functions that are under way in this process. A request that answers when its work is done would keep `begin`
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

const underWay = new Map<string, { readonly answer: Promise<Invocation> }>();

/** Sends it once; the answer is fetched by the token. */
export function beginInvocation(
  token: string,
  params: JsonObject,
  replyMs: number,
  { aws }: ActionContext,
): void {
  // Not the activity's signal: the request goes on when the begin has ended.
  const call = { service: 'lambda', operation: 'Invoke', params, replyMs };
  const answer = aws.call(call, { reveal: true }).then(readReply);
  // Whoever asks for it hears of a rejection; nobody asking is no crash.
  answer.catch(() => undefined);
  underWay.set(token, { answer });
}

/** Null: the answer is not there yet. Rejects, and forgets it, when it was refused or lost by then. */
export async function settledWithin(token: string, ms: number): Promise<Invocation | null> {
  const entry = underWay.get(token);
  if (entry === undefined) return null;
  try {
    return (await Promise.race([entry.answer, pause(ms)])) ?? null;
  } catch (error) {
    underWay.delete(token);
    throw error;
  }
}

/** `unknown`: this process sent nothing under the token. Rejects with what the call rejects with. */
export async function answerOf(token: string, waitMs: number): Promise<Invocation | 'running' | 'unknown'> {
  const entry = underWay.get(token);
  if (entry === undefined) return 'unknown';
  return (await Promise.race([entry.answer, pause(waitMs)])) ?? 'running';
}

export function forgetInvocation(token: string): void {
  underWay.delete(token);
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
