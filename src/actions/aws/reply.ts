/** Reading AWS replies: members that are absent or of another type read as nothing. */
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import type { ActionContext } from '../define-action.ts';

/** Pages of one listing; more means that the filter is not doing its work. */
const pagesMax = 1000;

/** A listing, page by page. `params` must not hold NextToken. */
export async function* pages(
  service: string,
  operation: string,
  params: JsonObject,
  { aws, signal }: Pick<ActionContext, 'aws' | 'signal'>,
): AsyncGenerator<JsonObject> {
  let next: string | undefined;
  for (let page = 0; page < pagesMax; page += 1) {
    const reply = await aws.call({
      service,
      operation,
      params: next === undefined ? params : { ...params, NextToken: next },
      signal,
    });
    yield reply;
    const token = textIn(reply, 'NextToken');
    if (token === '' || token === next) return;
    next = token;
  }
}

export function textIn(of: JsonObject, member: string): string {
  const value = of[member];
  return typeof value === 'string' ? value : '';
}

export function numberIn(of: JsonObject, member: string): number | null {
  const value = of[member];
  return typeof value === 'number' ? value : null;
}

export function objectIn(of: JsonObject, member: string): JsonObject {
  const value = of[member];
  return isJsonObject(value) ? value : {};
}

export function objectsIn(of: JsonObject, member: string): readonly JsonObject[] {
  return listIn(of, member).filter(isJsonObject);
}

export function textsIn(of: JsonObject, member: string): readonly string[] {
  return listIn(of, member).filter((entry) => typeof entry === 'string');
}

function listIn(of: JsonObject, member: string): readonly Json[] {
  const value = of[member];
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}
