/**
 * How a command goes on: which invocations may be sent (MaxConcurrency, MaxErrors), which are out of time, and how the
 * whole stands. Statuses follow "Understanding command statuses" in the Systems Manager user guide.
 */
import type { Cell } from '../cell.ts';
import type { CommandState, InvocationDetails, InvocationState } from '../state.ts';

const active: ReadonlySet<InvocationDetails> = new Set(['Pending', 'InProgress', 'Cancelling']);

export function isActive({ details }: InvocationState): boolean {
  return active.has(details);
}

/** Counts towards MaxErrors. */
function isError({ details }: InvocationState): boolean {
  return details === 'Failed' || details === 'ExecutionTimedOut';
}

/** Brings the command up to now. Returns the instances whose agents have something new to fetch. */
export function advance(command: CommandState, cell: Cell): string[] {
  const invocations = Object.values(command.invocations);
  const now = Date.now();
  for (const invocation of invocations) {
    const isLate = invocation.startedAt === undefined && now >= command.deliverBy;
    if (isActive(invocation) && (isLate || now >= command.expiresAt)) end(invocation, 'DeliveryTimedOut', -1);
  }
  const errors = invocations.filter(isError).length;
  const waiting = invocations.filter((invocation) => !invocation.sent && invocation.details === 'Pending');
  if (errors > allowed(command.maxErrors, invocations.length, 0)) {
    for (const invocation of waiting) end(invocation, 'Terminated', -1);
    return [];
  }
  const woken: string[] = [];
  let free = allowed(command.maxConcurrency, invocations.length, 1);
  free -= invocations.filter((invocation) => invocation.sent && isActive(invocation)).length;
  for (const invocation of waiting) {
    if (free <= 0) break;
    invocation.sent = true;
    if (cell.state.instances[invocation.instanceId]?.power === 'running') {
      free -= 1;
      woken.push(invocation.instanceId);
    } else end(invocation, 'Undeliverable', -1);
  }
  return woken;
}

/** A number, or a percentage of the targets. */
function allowed(limit: string, targets: number, least: number): number {
  const value = limit.endsWith('%')
    ? Math.floor((Number(limit.slice(0, -1)) * targets) / 100)
    : Number(limit);
  return Math.max(least, value);
}

export function end(invocation: InvocationState, details: InvocationDetails, responseCode: number): void {
  invocation.details = details;
  invocation.responseCode = responseCode;
  if (invocation.startedAt !== undefined) invocation.endedAt = Date.now();
}

/** The API's Status for an invocation's StatusDetails. */
export function statusOf(details: InvocationDetails): string {
  switch (details) {
    case 'DeliveryTimedOut':
    case 'ExecutionTimedOut':
      return 'TimedOut';
    case 'Undeliverable':
      return 'Failed';
    case 'Terminated':
      return 'Cancelled';
    case 'Pending':
    case 'InProgress':
    case 'Success':
    case 'Failed':
    case 'Cancelling':
    case 'Cancelled':
      return details;
    default:
      return details satisfies never;
  }
}

export interface Standing {
  readonly status: string;
  readonly details: string;
  readonly completed: number;
  readonly errors: number;
  readonly deliveryTimedOut: number;
}

/** How the whole command stands. */
export function standing(command: CommandState): Standing {
  const invocations = Object.values(command.invocations);
  const count = (details: InvocationDetails): number =>
    invocations.filter((invocation) => invocation.details === details).length;
  const errors = invocations.filter(isError).length;
  const deliveryTimedOut = count('DeliveryTimedOut');
  const completed = invocations.filter((invocation) => !isActive(invocation)).length;
  const [status, details] = verdict();
  return { status, details, completed, errors, deliveryTimedOut };

  function verdict(): readonly [string, string] {
    if (invocations.length === 0) return ['Success', 'NoInstancesInTag'];
    const limit = allowed(command.maxErrors, invocations.length, 0);
    if (completed < invocations.length) {
      if (invocations.some(({ cancelRequested }) => cancelRequested)) return ['Cancelling', 'Cancelling'];
      return count('Pending') === invocations.length ? ['Pending', 'Pending'] : ['InProgress', 'InProgress'];
    }
    if (errors > limit) return ['Failed', 'Failed'];
    if (deliveryTimedOut > limit) return ['TimedOut', 'DeliveryTimedOut'];
    if (count('Cancelled') > 0) return ['Cancelled', 'Cancelled'];
    const undeliverable = count('Undeliverable');
    if (undeliverable === invocations.length) return ['Failed', 'Undeliverable'];
    if (count('Success') > 0 && count('Success') + undeliverable === invocations.length)
      return ['Success', 'Success'];
    return ['Failed', 'Incomplete'];
  }
}
