/** Client tokens: the same token and request give the same result again, another request is refused. */
import { hash } from '../../ids.ts';
import type { Request } from '../operation.ts';
import { AwsRefusal } from '../refusal.ts';

/** Makes something once per token; returns the id of what was made, now or before. */
export function onceByToken({ state, params }: Request, operation: string, make: () => string): string {
  const token = params.text('ClientToken');
  if (token === undefined) return make();
  const key = `${operation} ${token}`;
  const request = hash(JSON.stringify(params.values));
  const known = state.clientTokens[key];
  if (known === undefined) {
    const id = make();
    state.clientTokens[key] = { request, id };
    return id;
  }
  if (known.request !== request)
    throw new AwsRefusal(
      'IdempotentParameterMismatch',
      `The client token '${token}' was used before with other parameters.`,
    );
  return known.id;
}
