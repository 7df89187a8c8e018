/** Fits the idempotency token of an effect to what a service takes. */
import { createHash } from 'node:crypto';
import type { JsonObject } from '../aws.ts';
import type { ServiceModel } from './model-format.ts';

/** What every service takes where its model states no length of its own. */
const DEFAULT_LENGTH_MAX = 64;
const PLAIN = /^[A-Za-z0-9-]+$/;

/**
 * The token itself if the member takes it, else a digest of it: the same token always gives the same text, and
 * different tokens different ones.
 */
export function fitToken(
  token: string,
  { min = 1, max = DEFAULT_LENGTH_MAX }: { min?: number; max?: number },
): string {
  if (PLAIN.test(token) && token.length >= min && token.length <= max) return token;
  return createHash('sha256').update(token).digest('hex').slice(0, Math.min(max, DEFAULT_LENGTH_MAX));
}

/** The params with the token in its member, unless the caller filled that himself. */
export function withToken(
  model: ServiceModel,
  input: string | undefined,
  params: JsonObject,
  { tokenMember, token }: { tokenMember: string | undefined; token: string | undefined },
): JsonObject {
  if (tokenMember === undefined || token === undefined || params[tokenMember] !== undefined) return params;
  const structure = input === undefined ? undefined : model.shapes[input];
  const member = structure?.type === 'structure' ? structure.members[tokenMember] : undefined;
  const shape = member === undefined ? undefined : model.shapes[member.shape];
  return { ...params, [tokenMember]: fitToken(token, shape?.type === 'string' ? shape : {}) };
}
