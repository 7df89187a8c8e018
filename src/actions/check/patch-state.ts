/** check:patchState: what Patch Manager knows of managed nodes. */
import { Type } from 'typebox';
import type { Judged } from '../../compliance/types.ts';
import type { JsonObject } from '../../json.ts';
import { numberIn, objectsIn, pages, textIn } from '../aws/reply.ts';
import type { ActionContext } from '../define-action.ts';
import { defineAccountCheck } from './define-check.ts';
import { compared, isFuture, unknown } from './judging.ts';

const nodesAtOnceMax = 50;
const counts = [
  ['CriticalNonCompliantCount', 'critical patches missing'],
  ['SecurityNonCompliantCount', 'security patches missing'],
  ['MissingCount', 'patches missing'],
  ['FailedCount', 'patches failed'],
  ['InstalledPendingRebootCount', 'patches waiting for a reboot'],
] as const;
const most = (about: string) =>
  Type.Optional(Type.Integer({ minimum: 0, description: `At most so many ${about}.` }));

export const checkPatchState = defineAccountCheck({
  name: 'check:patchState',
  summary:
    'Looks at what Patch Manager found on managed nodes: patches that are missing, failed or wait for a reboot, and how old that knowledge is.',
  source:
    'https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeInstancePatchStates.html',
  example: `
    - name: NothingCriticalIsMissing
      action: check:patchState
      inputs: { PatchGroup: web, Critical: 0, Failed: 0, MaxAgeHours: 48 }`,
  inputs: {
    InstanceIds: Type.Optional(
      Type.Array(Type.String({ pattern: '^m?i-[0-9a-f]{8,17}$' }), {
        minItems: 1,
        maxItems: 1_000,
        uniqueItems: true,
      }),
    ),
    PatchGroup: Type.Optional(Type.String({ minLength: 1 })),
    Critical: most('critical patches that are missing'),
    Security: most('security patches that are missing'),
    Missing: most('patches that are missing'),
    Failed: most('patches that failed'),
    PendingReboot: most('patches that wait for a reboot'),
    MaxAgeHours: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, default: 72, description: 'An older scan says nothing of today.' }),
    ),
  },
  problems: ({ InstanceIds, PatchGroup, Critical, Security, Missing, Failed, PendingReboot }) => [
    ...((InstanceIds === undefined) === (PatchGroup === undefined)
      ? [{ path: [], message: 'it takes either InstanceIds or a PatchGroup' }]
      : []),
    ...([Critical, Security, Missing, Failed, PendingReboot].every((each) => each === undefined)
      ? [{ path: [], message: 'nothing is wanted: give Critical: 0 or another count' }]
      : []),
  ],
  permissions: ({ InstanceIds }) =>
    InstanceIds === undefined
      ? ['ssm:DescribeInstancePatchStatesForPatchGroup', 'ssm:DescribeInstanceInformation']
      : ['ssm:DescribeInstancePatchStates'],
  look: async (inputs, context) => {
    const {
      InstanceIds,
      PatchGroup,
      Critical,
      Security,
      Missing,
      Failed,
      PendingReboot,
      MaxAgeHours = 72,
    } = inputs;
    const states = await statesOf(InstanceIds, PatchGroup ?? '', context);
    const limits = [Critical, Security, Missing, Failed, PendingReboot];
    const judged = [...states].flatMap(([id, state]): Judged[] => {
      const at = Date.parse(textIn(state, 'OperationEndTime'));
      const hours = (context.now() - at) / 3_600_000;
      if (isFuture(at, context.now()))
        return [unknown(id, 'BAD_REPLY', 'the time of its last scan is in the future')];
      if (Number.isNaN(at))
        return [unknown(id, 'NEVER_SCANNED', 'Patch Manager has not finished a scan of it')];
      if (hours > MaxAgeHours)
        return [
          unknown(
            id,
            'STALE',
            `its last scan is ${Math.floor(hours)} h old, and more than ${MaxAgeHours} h say nothing of today`,
          ),
        ];
      return counts.flatMap(([member, about], index) => {
        const limit = limits[index];
        if (limit === undefined) return [];
        const found = numberIn(state, member);
        // AWS leaves a count out where it is zero; one that is none of its own would be a half answer.
        const count = found ?? (state[member] === undefined || state[member] === null ? 0 : NaN);
        if (Number.isNaN(count))
          return [unknown(`${about} on ${id}`, 'BAD_REPLY', `${member} is not a number`)];
        return [
          compared(
            `${about} on ${id}`,
            limit === 0 ? 'none' : `at most ${limit}`,
            String(count),
            count <= limit,
          ),
        ];
      });
    });
    for (const id of InstanceIds ?? (await membersOf(PatchGroup ?? '', context)))
      if (!states.has(id)) judged.push(unknown(id, 'NEVER_SCANNED', 'Patch Manager knows nothing of it'));
    if (judged.length === 0)
      judged.push(unknown('', 'NOTHING_JUDGED', `Patch Manager lists no node of patch group ${PatchGroup}`));
    return { judged, isWhole: false };
  },
});

/** Managed nodes of the group: one that was never scanned is in no list of patch states. */
async function membersOf(group: string, context: ActionContext): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for (const Key of ['tag:PatchGroup', 'tag:Patch Group']) {
    const Filters = [{ Key, Values: [group] }];
    for await (const page of pages('ssm', 'DescribeInstanceInformation', { Filters }, context))
      for (const node of objectsIn(page, 'InstanceInformationList')) ids.add(textIn(node, 'InstanceId'));
  }
  ids.delete('');
  return ids;
}

async function statesOf(
  ids: readonly string[] | undefined,
  group: string,
  context: ActionContext,
): Promise<Map<string, JsonObject>> {
  const states = new Map<string, JsonObject>();
  const take = (page: JsonObject): void => {
    for (const state of objectsIn(page, 'InstancePatchStates'))
      states.set(textIn(state, 'InstanceId'), state);
  };
  if (ids === undefined) {
    const ofGroup = { PatchGroup: group };
    for await (const page of pages('ssm', 'DescribeInstancePatchStatesForPatchGroup', ofGroup, context))
      take(page);
  } else
    for (let from = 0; from < ids.length; from += nodesAtOnceMax) {
      const some = { InstanceIds: ids.slice(from, from + nodesAtOnceMax) };
      for await (const page of pages('ssm', 'DescribeInstancePatchStates', some, context)) take(page);
    }
  states.delete('');
  return states;
}
