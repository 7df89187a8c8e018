/** Pages of a listing: `MaxResults` and `NextToken`. */
import type { Json, JsonObject } from '../../json.ts';
import { AwsRefusal } from './refusal.ts';
import type { Params } from './params.ts';

/** The page that was asked for, under the reply's member, with the token of the next one. */
export function page(params: Params, member: string, items: readonly Json[]): JsonObject {
  const size = params.count('MaxResults') ?? items.length;
  const token = params.text('NextToken');
  const from = token === undefined ? 0 : offsetOf(token);
  const next = from + size;
  return {
    [member]: items.slice(from, next),
    ...(next < items.length ? { NextToken: Buffer.from(`from ${next}`).toString('base64') } : {}),
  };
}

function offsetOf(token: string): number {
  const match = /^from (\d+)$/.exec(Buffer.from(token, 'base64').toString());
  if (match === null) throw new AwsRefusal('InvalidNextToken', `The token '${token}' is invalid`);
  return Number(match[1]);
}
