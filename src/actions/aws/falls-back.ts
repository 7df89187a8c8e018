/**
 * Instances that were started and are stopped again: EC2 takes the call, and the instance cannot start, such as with a volume
 * whose key may not be used. Source: the guide, FailOnUnexpectedStopped of aws:changeInstanceState.
 */
import type { ActionContext } from '../define-action.ts';

/** How long a listing may say stopped after EC2 has taken the start, in ms: it lags behind. */
const listingLagMs = 30_000;

interface Rise {
  /** When EC2 took the start, in ms since 1970; undefined: this runner called none. */
  calledAt?: number;
  /** A look found it pending or running since. */
  isSeen: boolean;
}

export type Rises = Map<string, Rise>;

export const risesOf = (context: ActionContext): Rises =>
  context.kept('rises', (): Rises => new Map<string, Rise>());

/** Remembers what a look finds, and says whether the instance is down again or its listing only lags behind. */
export function riseOf(
  id: string,
  state: string,
  rises: Rises,
  { checkOnly, now }: { readonly checkOnly: boolean; readonly now: number },
): 'fell back' | 'lagging' | 'as before' {
  const rise = rises.get(id);
  if (state === 'pending' || state === 'running') {
    if (rise !== undefined) rise.isSeen = true;
    else if (checkOnly) rises.set(id, { isSeen: true });
    return 'as before';
  }
  if (rise === undefined || (state !== 'stopped' && state !== 'stopping')) return 'as before';
  if (rise.isSeen || now - (rise.calledAt ?? now) > listingLagMs) return 'fell back';
  return 'lagging';
}

export function remembersStart(ids: readonly string[], rises: Rises, now: number): void {
  for (const id of ids) if (!rises.has(id)) rises.set(id, { calledAt: now, isSeen: false });
}
