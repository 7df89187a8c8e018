/** Drives EC2 instances to a state and says how far they are. Every round may be repeated. */
import type { Change } from '../../engine/events.ts';
import { own } from '../../json.ts';
import { failed, pending, type ActionContext, type Failed, type Pending } from '../define-action.ts';
import { remembersStart, riseOf, risesOf } from './falls-back.ts';
import { objectIn, objectsIn, pages, textIn } from './reply.ts';
import { callAws } from '../../transports/aws-calls.ts';

export const desiredStates = ['running', 'stopped', 'terminated'] as const;
export type DesiredState = (typeof desiredStates)[number];

/** EC2's word for the state, by instance id. */
export type InstanceStates = { readonly [instance: string]: string };

/** The status checks pass minutes after the state is running; asking more often tells nothing sooner. */
const pollMs = 5_000;

/** States whose end is known: what an instance in it will be. */
const leadsTo: Readonly<Record<string, DesiredState>> = {
  pending: 'running',
  running: 'running',
  stopping: 'stopped',
  stopped: 'stopped',
  'shutting-down': 'terminated',
  terminated: 'terminated',
};

/** Where an instance in that state ends up when nobody does anything. */
export function settledState(state: string | undefined): DesiredState | undefined {
  return own(leadsTo, state ?? '');
}

export async function readStates(
  instances: readonly string[],
  context: ActionContext,
): Promise<InstanceStates> {
  const statuses = await readStatuses(instances, context);
  return Object.fromEntries([...statuses].map(([id, { state }]) => [id, state]));
}

export interface InstanceStatus {
  readonly state: string;
  /** `ok`, `initializing`, `impaired`, `insufficient-data`, `not-applicable` while not running. */
  readonly checks: readonly string[];
}

export async function readStatuses(
  instances: readonly string[],
  context: ActionContext,
): Promise<Map<string, InstanceStatus>> {
  const params = { InstanceIds: instances, IncludeAllInstances: true };
  const found = new Map<string, InstanceStatus>();
  for await (const page of pages('ec2', 'DescribeInstanceStatus', params, context)) {
    for (const status of objectsIn(page, 'InstanceStatuses')) {
      found.set(textIn(status, 'InstanceId'), {
        state: textIn(objectIn(status, 'InstanceState'), 'Name'),
        checks: [
          textIn(objectIn(status, 'InstanceStatus'), 'Status'),
          textIn(objectIn(status, 'SystemStatus'), 'Status'),
        ],
      });
    }
  }
  return found;
}

export interface Drive {
  readonly instances: readonly string[];
  readonly desired: DesiredState;
  /** As observed before the step: what needs no change then is confirmed by a call instead of by a listing alone. */
  readonly before: InstanceStates;
  /** Nothing is called, only looked at. */
  readonly checkOnly: boolean;
  readonly force: boolean;
  readonly additionalInfo: string | undefined;
  /** An instance that was started and is stopped again fails, and is not started once more. */
  readonly failOnStopped?: boolean;
}

export type Reached = { readonly kind: 'reached'; readonly states: InstanceStates };

/** One round: calls what is to be called, and says whether all instances are there. */
export async function driveInstances(
  drive: Drive,
  context: ActionContext,
): Promise<Reached | Failed | Pending> {
  const { instances, desired, before, checkOnly } = drive;
  const rises = drive.failOnStopped === true && desired === 'running' ? risesOf(context) : undefined;
  const statuses = await readStatuses(instances, context);
  const states = Object.fromEntries([...statuses].map(([id, { state }]) => [id, state]));
  const waiting: string[] = [];
  const toCall: string[] = [];
  for (const id of instances) {
    const status = statuses.get(id);
    if (status === undefined) return failed('INSTANCE_NOT_FOUND', `EC2 lists no instance ${id}`);
    const rise =
      rises === undefined ? 'as before' : riseOf(id, status.state, rises, { checkOnly, now: context.now() });
    const standing = rise === 'as before' ? judge(status, desired) : judgeFallen(status, rise);
    switch (standing.kind) {
      case 'failed':
        return failed('INSTANCE_STATE', `${id} cannot become ${desired}: ${standing.why}`, {
          outputs: outputsOf(instances, states),
        });
      case 'there':
        break;
      case 'onItsWay':
        waiting.push(`${id} is ${standing.what}`);
        if (drive.force && before[id] === 'stopping' && status.state === 'stopping') toCall.push(id);
        break;
      case 'toCall':
        waiting.push(`${id} is ${status.state}`);
        toCall.push(id);
        break;
      default:
        return standing satisfies never;
    }
  }
  if (toCall.length > 0 && !checkOnly) {
    await call(drive, toCall, context);
    if (rises !== undefined) remembersStart(toCall, rises, context.now());
  }
  if (waiting.length > 0) return pending(pollMs, `waiting for ${desired}: ${waiting.join(', ')}`);
  if (!checkOnly && instances.every((id) => settledState(before[id]) === desired)) {
    // Both looks say that there was nothing to do. EC2's listings lag behind; its answer to the call does not.
    const answered = await call(drive, instances, context);
    if (
      instances.some((id) => settledState(answered[id] ?? desired) !== desired || answered[id] === 'stopping')
    )
      return pending(pollMs, `waiting for ${desired}`);
  }
  return { kind: 'reached', states };
}

type Standing =
  | { readonly kind: 'there' }
  | { readonly kind: 'onItsWay'; readonly what: string }
  | { readonly kind: 'toCall' }
  | { readonly kind: 'failed'; readonly why: string };

function judge({ state, checks }: InstanceStatus, desired: DesiredState): Standing {
  const onItsWay: Standing = { kind: 'onItsWay', what: state };
  if (desired === 'terminated') {
    if (state === 'terminated') return { kind: 'there' };
    return state === 'shutting-down' ? onItsWay : { kind: 'toCall' };
  }
  if (state === 'shutting-down' || state === 'terminated') return { kind: 'failed', why: `it is ${state}` };
  if (desired === 'stopped') {
    if (state === 'stopped') return { kind: 'there' };
    return state === 'running' ? { kind: 'toCall' } : onItsWay;
  }
  if (state === 'stopped') return { kind: 'toCall' };
  if (state !== 'running') return onItsWay;
  if (checks.every((check) => check === 'ok')) return { kind: 'there' };
  if (checks.includes('impaired'))
    return { kind: 'failed', why: 'it is running and its status checks say impaired' };
  return { kind: 'onItsWay', what: `running, status checks: ${checks.join(', ') || 'none yet'}` };
}

function judgeFallen({ state }: InstanceStatus, rise: 'fell back' | 'lagging'): Standing {
  if (rise === 'lagging') return { kind: 'onItsWay', what: state };
  return { kind: 'failed', why: `it was started, and is ${state} again` };
}

const operations = {
  running: { operation: 'StartInstances', reply: 'StartingInstances' },
  stopped: { operation: 'StopInstances', reply: 'StoppingInstances' },
  terminated: { operation: 'TerminateInstances', reply: 'TerminatingInstances' },
} as const;

/** Gives the states that EC2 answers: stopped, where it was that already, whatever an endpoint that is like EC2 says of now. */
async function call(
  { desired, force, additionalInfo }: Drive,
  instances: readonly string[],
  { aws, signal }: ActionContext,
): Promise<InstanceStates> {
  const { operation, reply } = operations[desired];
  const params = {
    InstanceIds: instances,
    ...(desired === 'stopped' && force ? { Force: true } : {}),
    ...(desired === 'running' && additionalInfo !== undefined ? { AdditionalInfo: additionalInfo } : {}),
  };
  const answer = await callAws(aws, { service: 'ec2', operation, params, signal });
  const changes = objectsIn(answer, reply);
  return Object.fromEntries(
    changes.map((change) => {
      const was = textIn(objectIn(change, 'PreviousState'), 'Name');
      const is = textIn(objectIn(change, 'CurrentState'), 'Name');
      return [textIn(change, 'InstanceId'), desired === 'stopped' && was === 'stopped' ? was : is];
    }),
  );
}

export function outputsOf(
  instances: readonly string[],
  states: InstanceStates,
): { InstanceStates: string[] } {
  return { InstanceStates: instances.map((id) => states[id] ?? 'unknown') };
}

/** Only real changes: an instance that was stopping and has stopped went its own way. */
export function stateChanges(from: InstanceStates, to: InstanceStates): readonly Change[] {
  return Object.entries(to).flatMap(([target, state]) => {
    const old = from[target];
    if (old === undefined || settledState(old) === settledState(state)) return [];
    return [{ target, subject: 'state', from: old, to: state }];
  });
}
