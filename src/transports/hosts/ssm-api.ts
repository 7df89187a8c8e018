/** Calls of SSM's API: what is tried again, and what is read of its replies. */
import { setTimeout as delay } from 'node:timers/promises';
import { AwsFailure, type JsonObject } from '../aws.ts';
import { isJsonObject } from '../../json.ts';
import type { Json } from '../../json.ts';

/** How long the agent may take to pick a command up; the shortest that AWS accepts is 30. */
export const deliverySeconds = 60;
export const listPagesMax = 5;
const throttledTriesMax = 6;

/** One instance, for whom failures are told. */
export interface Asked {
  readonly instanceId: string;
  /** The label and name of the host. */
  readonly host: string;
  readonly name: string;
}

export interface SsmLine {
  /** At least one, and at most 50. */
  readonly instances: readonly Asked[];
  readonly line: string;
  /** At most 100 characters, and of this request alone: a lost reply is looked up by it. */
  readonly comment: string;
  readonly executionSeconds: number;
  readonly signal: AbortSignal;
}

/** Tries again what AWS says may succeed later and has certainly had no effect. */
export async function unthrottled<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      const again = error instanceof AwsFailure && error.retryable && error.effect === 'none';
      if (!again || attempt >= throttledTriesMax) throw error;
      await delay(200 * 2 ** attempt * (0.5 + Math.random()), undefined, { signal });
    }
  }
}

export function member(value: Json | undefined, name: string): Json | undefined {
  return isJsonObject(value) ? value[name] : undefined;
}

export function objects(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter((item: Json) => isJsonObject(item)) : [];
}

/** Throws where AWS's reply lacks a member that its model promises. */
export function text(value: Json | undefined): string {
  if (typeof value !== 'string')
    throw new TypeError('a reply of SSM lacks a member that the service always gives');
  return value;
}
