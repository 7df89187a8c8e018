/** One request, from here or from a host: what came back, or why nothing did. Redirects are answers, not followed. */
import { ActionFailure, type ActionContext } from '../define-action.ts';
import { readFields } from '../scripts/fields.ts';
import { checkHttp } from '../scripts/http.ts';
import { firstBytes } from './first-bytes.ts';

/** How much of a body is looked at. */
export const bodyBytesMax = 256 * 1024;

export interface Question {
  readonly url: string;
  readonly method: 'GET' | 'HEAD';
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
}

export type Answer =
  | { readonly kind: 'answer'; readonly status: number; readonly body: string }
  | { readonly kind: 'unreachable'; readonly why: string };

export async function askFromHere(question: Question, { fetch, signal }: ActionContext): Promise<Answer> {
  const limit = AbortSignal.timeout(question.timeoutSeconds * 1_000);
  try {
    const response = await fetch(question.url, {
      method: question.method,
      headers: question.headers,
      redirect: 'manual',
      signal: AbortSignal.any([signal, limit]),
    });
    return { kind: 'answer', status: response.status, body: await firstBytes(response, bodyBytesMax) };
  } catch (error) {
    if (signal.aborted || error instanceof ActionFailure) throw error;
    if (limit.aborted) return { kind: 'unreachable', why: `no answer within ${question.timeoutSeconds} s` };
    return { kind: 'unreachable', why: reasonOf(error) };
  }
}

/** fetch says only "fetch failed"; what happened is in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof AggregateError && cause.errors.length > 0) {
    return cause.errors
      .map((each: unknown) => (each instanceof Error ? each.message : String(each)))
      .join('; ');
  }
  return cause instanceof Error ? cause.message : error.message;
}

export async function askFromHost(
  hostName: string,
  question: Question,
  context: ActionContext,
): Promise<Answer> {
  if (context.isSecret(question.url)) {
    throw new ActionFailure({
      code: 'SECRET_IN_URL',
      message:
        'a secret is in the Url, which every user of the host could read; nothing was asked. Pass it in Headers',
    });
  }
  const lines = Object.entries(question.headers).map(([name, value]) => `${name}: ${value}\n`);
  const script = checkHttp(
    [question.url, String(question.timeoutSeconds), String(bodyBytesMax), question.method],
    new TextEncoder().encode(lines.join('')),
  );
  const fields = await readFields(
    context.host(hostName),
    { ...script, secret: context.isSecret({ ...question.headers }) },
    context,
    (question.timeoutSeconds + 30) * 1_000,
  );
  const status = fields.one('status');
  if (status === undefined) return { kind: 'unreachable', why: fields.one('unreachable') ?? 'no answer' };
  return {
    kind: 'answer',
    status: Number(status),
    body: Buffer.from(fields.one('body') ?? '', 'base64').toString('utf8'),
  };
}
