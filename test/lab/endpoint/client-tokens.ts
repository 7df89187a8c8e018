/** Client tokens: a second call with the same token gets the first answer and changes nothing (moto ignores them). */
import { createHash } from 'node:crypto';
import type { JsonObject } from '../../../src/json.ts';
import { textParam, type ApiCall } from './api-call.ts';
import type { Cell } from './cell.ts';
import { idsIn } from './journal.ts';
import { ApiError, type Reply } from './reply.ts';

const underway = new WeakMap<Cell, Map<string, Promise<Reply>>>();

/**
 * Runs `act` once for the call's ClientToken. Throws IdempotentParameterMismatch for other parameters under the same
 * token. A call without a token is simply run. A refusal uses no token up.
 */
export async function once(call: ApiCall, cell: Cell, act: () => Promise<Reply>): Promise<Reply> {
  const token = textParam(call.params, 'ClientToken');
  if (token === undefined || token === '') return await act();
  const key = `${call.caller.region}/${call.operation}/${token}`;
  const parameters = digest(call.params);
  const begun = underway.get(cell) ?? new Map<string, Promise<Reply>>();
  underway.set(cell, begun);
  await begun.get(key)?.catch(() => undefined);
  const first = cell.state.tokens[key];
  if (first !== undefined) {
    if (first.parameters !== parameters)
      throw new ApiError(
        'IdempotentParameterMismatch',
        `The client token ${token} was already used with different parameters`,
      );
    const body = Buffer.from(first.body);
    const headers = ['Content-Type', 'text/xml;charset=UTF-8', 'Content-Length', String(body.length)];
    return { status: 200, headers, body };
  }
  const acting = act();
  begun.set(key, acting);
  try {
    const reply = await acting;
    if (reply.status === 200) {
      cell.state.tokens[key] = { parameters, ids: idsIn(reply.body), body: reply.body.toString('utf8') };
      cell.save();
    }
    return reply;
  } finally {
    begun.delete(key);
  }
}

function digest(params: JsonObject): string {
  const others = Object.entries(params).filter(([name]) => name !== 'ClientToken');
  return createHash('sha256').update(JSON.stringify(others)).digest('hex');
}
