/** What a modelled AWS operation is, and how it says no. */
import type { JsonObject } from '../../json.ts';
import type { WorldState } from '../state.ts';
import type { Params } from './params.ts';

export interface Request {
  /** A draft for operations that change, else not to be changed. */
  readonly state: WorldState;
  readonly params: Params;
  readonly now: number;
  readonly callerArn: string;
}

export interface Operation {
  readonly changes: boolean;
  /** Every member that is modelled. A call with another one is refused, never served without it. */
  readonly members: readonly string[];
  /** The member that takes the idempotency token. */
  readonly tokenMember?: string;
  /** Where a reply holds values that AWS marks sensitive: `Parameter.Value`, `Parameters[].Value`. */
  readonly sensitive?: readonly string[];
  /** Throws AwsRefusal or AwsNotModelled; then nothing has changed. */
  run(request: Request): JsonObject;
}

export type Operations = Readonly<Record<string, Operation>>;

export function reads(
  members: readonly string[],
  run: Operation['run'],
  more: Pick<Operation, 'sensitive'> = {},
): Operation {
  return { changes: false, members, run, ...more };
}

export function changes(
  members: readonly string[],
  run: Operation['run'],
  more: Pick<Operation, 'tokenMember'> = {},
): Operation {
  return { changes: true, members, run, ...more };
}

/** A time as replies give it: ISO 8601, milliseconds only where there are some. */
export function iso(at: number): string {
  return new Date(at).toISOString().replace('.000Z', 'Z');
}
