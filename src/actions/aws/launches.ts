/** Instances that one call of RunInstances launched: found by the token in their tags, waited for, and terminated again. */
import { AwsFailure } from '../../transports/aws.ts';
import type { JsonObject } from '../../json.ts';
import { done, failed, pending, type ActionContext, type Poll, type UndoInputs } from '../define-action.ts';
import { readStatuses } from './instance-states.ts';
import { objectIn, objectsIn, pages, textIn } from './reply.ts';
import { restoring } from './restoring.ts';
import { madeUnder, tokenOn } from './token-tags.ts';
import { callAws, type ParamsOf } from '../../transports/aws-calls.ts';

/** How long a new instance or its tags may be invisible to DescribeInstances. */
export const launchSettleMs = 30_000;
const pollMs = 5_000;

/** `FoundAt`, in ms since 1970: when the ids became known, for how long NotFound means "not yet". */
export type Launch = { readonly InstanceIds: readonly string[]; readonly FoundAt: number };

export type LaunchOutputs = {
  readonly InstanceIds: readonly string[];
  readonly InstanceStates: readonly string[];
};

interface Instance {
  readonly id: string;
  readonly state: string;
  /** EC2's own words for the last change of state; empty: none. */
  readonly reason: string;
  readonly token: string;
}

export async function instancesMadeUnder(
  token: string,
  context: ActionContext,
): Promise<readonly Instance[]> {
  return listInstances({ Filters: [madeUnder(token)] }, context);
}

/** What EC2 lists of them; ids that it does not know (yet, any more) are left out. */
function describeInstances(ids: readonly string[], context: ActionContext): Promise<readonly Instance[]> {
  return listInstances({ Filters: [{ Name: 'instance-id', Values: ids }] }, context);
}

async function listInstances(
  params: ParamsOf<'ec2', 'DescribeInstances'>,
  context: ActionContext,
): Promise<readonly Instance[]> {
  const found: Instance[] = [];
  for await (const page of pages('ec2', 'DescribeInstances', params, context))
    found.push(
      ...objectsIn(page, 'Reservations')
        .flatMap((reservation) => objectsIn(reservation, 'Instances'))
        .map(instanceOf),
    );
  return found;
}

function instanceOf(described: JsonObject): Instance {
  return {
    id: textIn(described, 'InstanceId'),
    state: textIn(objectIn(described, 'State'), 'Name'),
    reason:
      textIn(objectIn(described, 'StateReason'), 'Message') || textIn(described, 'StateTransitionReason'),
    token: tokenOn(described),
  };
}

/** Waits until all of them run and both status checks are ok. */
export async function followLaunch(
  { InstanceIds, FoundAt }: Launch,
  context: ActionContext,
): Promise<Poll<LaunchOutputs>> {
  const listed = new Map((await describeInstances(InstanceIds, context)).map((each) => [each.id, each]));
  const outputs = {
    InstanceIds,
    InstanceStates: InstanceIds.map((id) => listed.get(id)?.state ?? 'unknown'),
  };
  const changes = InstanceIds.map((id) => ({
    target: id,
    subject: 'instance',
    from: null,
    to: listed.get(id)?.state ?? 'unknown',
  }));
  const waiting: string[] = [];
  for (const id of InstanceIds) {
    const instance = listed.get(id);
    if (instance === undefined) {
      if (context.now() - FoundAt >= launchSettleMs)
        return failed('INSTANCE_GONE', `${id} was launched and EC2 does not list it any more`, { outputs });
      waiting.push(`${id} is not listed yet`);
    } else if (instance.state === 'pending') {
      waiting.push(`${id} is pending`);
    } else if (instance.state !== 'running') {
      const why = instance.reason || 'EC2 gives no reason';
      return failed('INSTANCE_STATE', `${id} was launched and is ${instance.state}: ${why}`, {
        outputs,
        changes,
      });
    }
  }
  if (waiting.length > 0) return pending(pollMs, waiting.join(', '));
  const checks = await unfinishedChecks(InstanceIds, context);
  if (checks.impaired !== undefined)
    return failed('INSTANCE_STATE', `${checks.impaired} runs and its status checks say impaired`, {
      outputs,
      changes,
    });
  if (checks.waiting.length > 0) return pending(pollMs, checks.waiting.join(', '));
  return done(outputs, { changes });
}

async function unfinishedChecks(
  ids: readonly string[],
  context: ActionContext,
): Promise<{ readonly impaired?: string; readonly waiting: readonly string[] }> {
  let statuses: Awaited<ReturnType<typeof readStatuses>>;
  try {
    statuses = await readStatuses(ids, context);
  } catch (error) {
    if (error instanceof AwsFailure && error.code === 'InvalidInstanceID.NotFound')
      return { waiting: ['the status checks are not listed yet'] };
    throw error;
  }
  const impaired = ids.find((id) => statuses.get(id)?.checks.includes('impaired') === true);
  const waiting = ids.flatMap((id) => {
    const checks = statuses.get(id)?.checks ?? [];
    if (checks.length > 0 && checks.every((check) => check === 'ok')) return [];
    return [`${id} runs, status checks: ${checks.join(', ') || 'none yet'}`];
  });
  return impaired === undefined ? { waiting } : { impaired, waiting };
}

type Found = {
  /** State by instance; only instances that carry the step's token. */
  readonly Instances: { readonly [id: string]: string };
  readonly Protected: boolean;
};

type UndoOf = Pick<
  UndoInputs<{ readonly DisableApiTermination?: boolean }, null, Launch, LaunchOutputs>,
  'inputs' | 'outputs' | 'handle' | 'token'
>;

/** Terminates what the step launched, and nothing that does not carry its token. */
export const terminateLaunched = restoring({
  look: async ({ inputs, outputs, handle, token }: UndoOf, context): Promise<Found> => {
    const known = outputs?.InstanceIds ?? handle?.InstanceIds;
    const listed =
      known === undefined
        ? await instancesMadeUnder(token, context)
        : await describeInstances(known, context);
    const ours = listed.filter((instance) => instance.token === token);
    // A listing may be older than the launch: what the launch itself answered is asked to go in any case.
    const unlisted = (known ?? []).filter((id) => listed.every((instance) => instance.id !== id));
    return {
      Instances: Object.fromEntries([
        ...ours.map(({ id, state }) => [id, state]),
        ...unlisted.map((id) => [id, 'unknown']),
      ]),
      Protected: inputs.DisableApiTermination === true,
    };
  },
  drive: async (found, { token }, context) => {
    const ids = Object.keys(found.Instances);
    if (ids.length === 0) return done({});
    const listed = await describeInstances(ids, context);
    const state = (id: string): string =>
      listed.find((instance) => instance.id === id)?.state ?? 'terminated';
    const toCall = ids.filter((id) => {
      const isListed = listed.some((instance) => instance.id === id);
      return isListed
        ? !['shutting-down', 'terminated'].includes(state(id))
        : found.Instances[id] === 'unknown';
    });
    for (const id of toCall) await terminate(id, found.Protected, context);
    const left = ids.filter((id) => state(id) !== 'terminated');
    if (left.length > 0)
      return pending(
        pollMs,
        `waiting for ${left.map((id) => `${id} (${state(id)})`).join(', ')} to be terminated`,
      );
    const volumes = await dropVolumes(token, context);
    if (volumes.waiting.length > 0)
      return pending(2_000, `waiting for ${volumes.waiting.join(', ')} to be let go`);
    const gone = ids.filter((id) => found.Instances[id] !== 'terminated');
    return done(
      {},
      {
        changes: gone.map((id) => ({
          target: id,
          subject: 'instance',
          from: found.Instances[id] ?? 'unknown',
          to: null,
        })),
      },
    );
  },
});

/** The step itself asked for protection where `isProtected`, so its undo may take it off; a later one is somebody else's. */
async function terminate(id: string, isProtected: boolean, context: ActionContext): Promise<void> {
  const { aws, signal } = context;
  const call = <const Operation extends string>(operation: Operation, params: ParamsOf<'ec2', Operation>) =>
    callAws<'ec2', Operation>(aws, { service: 'ec2', operation, params, signal });
  try {
    if (isProtected)
      await call('ModifyInstanceAttribute', { InstanceId: id, DisableApiTermination: { Value: false } });
    await call('TerminateInstances', { InstanceIds: [id] });
  } catch (error) {
    if (!(error instanceof AwsFailure) || error.code !== 'InvalidInstanceID.NotFound') throw error;
  }
}

/** Volumes that the launch made and that stay behind when their instance goes. */
async function dropVolumes(
  token: string,
  context: ActionContext,
): Promise<{ readonly waiting: readonly string[] }> {
  const { aws, signal } = context;
  const waiting: string[] = [];
  for await (const page of pages('ec2', 'DescribeVolumes', { Filters: [madeUnder(token)] }, context))
    for (const volume of objectsIn(page, 'Volumes')) {
      const VolumeId = textIn(volume, 'VolumeId');
      if (textIn(volume, 'State') === 'deleting') continue;
      if (textIn(volume, 'State') !== 'available') {
        waiting.push(VolumeId);
        continue;
      }
      try {
        await callAws(aws, { service: 'ec2', operation: 'DeleteVolume', params: { VolumeId }, signal });
      } catch (error) {
        if (!(error instanceof AwsFailure) || error.code !== 'InvalidVolume.NotFound') throw error;
      }
    }
  return { waiting };
}
