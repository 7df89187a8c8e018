/**
 * minio:settle: waits until a cluster really serves after something was started. `/cluster` says 200 while reads and
 * writes still fail: a node that did not reach a peer's drive at its start tries again only after 15 s. So: every node
 * has write quorum, then a quiet time, then objects written and read through every node itself, in clean rounds.
 *
 * It writes: canary objects in a bucket of its own, deleted with it at the end. What an interrupted run leaves is under
 * the step's token, and the undo deletes it. A resumed run counts the quiet time anew: nobody watched meanwhile.
 */
import { Type, type Static } from 'typebox';
import { HostFailure } from '../../transports/host.ts';
import { HttpFailure } from '../../transports/http/failure.ts';
import { S3Failure } from '../../transports/s3/failure.ts';
import {
  defineAction,
  done,
  failed,
  pending,
  type ActionContext,
  type Poll,
  type UndoInputs,
} from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { askAny, mayPass } from './ask-any.ts';
import { removeCanaries, sendCanary, type CanaryPlace } from './canary.ts';
import { eachNode, keyedInputs, openCluster, type Cluster } from './cluster.ts';
import { exceptInput, withoutExcept } from './except.ts';
import { hangInput, OutOfReach } from './out-of-reach.ts';
import { askNode, withPeers } from './probe.ts';
import { fullDrives } from './room.ts';

const askAgainMs = 1_000;

type Outputs = { readonly Rounds: number; readonly WaitedSeconds: number };

/** How far a settling has come, in ms of the context's clock. Kept while one runner waits. */
interface Progress {
  /** When this runner came; the waiting itself counts from `context.startedAt`. */
  readonly cameAt: number;
  servingSince: number | null;
  cleanRounds: number;
  /** Seen by this runner; null: it saw none. */
  trouble: string | null;
  readonly outOfReach: OutOfReach;
}

const inputs = strictObject({
  ...keyedInputs,
  Bucket: Type.Optional(
    Type.String({
      pattern: '^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$',
      description:
        'Where canary objects go, under .belay-canary/; it must exist. Left out: a bucket of its own, made and removed by the step.',
    }),
  ),
  QuietSeconds: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: 600,
      default: 20,
      description: 'How long every node must have had write quorum before the first canary.',
    }),
  ),
  Rounds: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 20, default: 2, description: 'Clean rounds in a row.' }),
  ),
  WaitSeconds: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: 3_600,
      default: 300,
      description: 'How long it may take in all.',
    }),
  ),
  HangSeconds: hangInput,
  Except: exceptInput,
});
type Inputs = Static<typeof inputs>;

export const settle = defineAction({
  name: 'minio:settle',
  summary:
    'Waits until every node has write quorum, then a quiet time, then until objects written and read through every node come back right.',
  source: 'https://github.com/minio/minio/blob/master/cmd/erasure-sets.go',
  example: `
    - name: Settle
      action: minio:settle
      inputs:
        Hosts: [minio01, minio02, minio03, minio04]
        ServerName: minio.example.com
        AccessKey: '{{ AdminKey }}'
        SecretKey: '{{ AdminSecret }}'`,
  inputs,
  outputs: strictObject({ Rounds: Type.Integer(), WaitedSeconds: Type.Number() }),
  secretInputs: ['AccessKey', 'SecretKey'],
  timeoutSeconds: 3_900,
  permissions: () => [],
  targets: ({ Hosts }) => Hosts,
  hasHostTargets: true,

  effect: {
    kind: 'repeatable',
    execute: async (inputs: Inputs, _before, context): Promise<Poll<Outputs>> => {
      const progress = context.kept('progress', (): Progress => ({
        cameAt: context.now(),
        servingSince: null,
        cleanRounds: 0,
        trouble: null,
        outOfReach: new OutOfReach(),
      }));
      using cluster = await openCluster(withoutExcept(inputs), context);
      let waiting: string | undefined;
      try {
        waiting = await advance(inputs, progress, cluster, context);
      } catch (error) {
        if (!(error instanceof S3Failure) || error.code !== 'XMinioStorageFull') throw error;
        return full(error, inputs, cluster, context);
      }
      if (waiting === undefined) return finish(inputs, progress, cluster, context);
      const waitedMs = context.now() - context.startedAt;
      const hangs = progress.outOfReach.isTooLong(context.now(), inputs.HangSeconds);
      if (!hangs && !isTimeOver(inputs, progress, context)) return pending(askAgainMs, waiting);
      await removeAll(inputs, cluster, context).catch(() => []);
      return failed(
        hangs ? 'NODE_HANGS' : 'NOT_SETTLED',
        `not settled after ${Math.round(waitedMs / 1_000)} s: ${progress.trouble ?? waiting}`,
        {
          retryable: true,
        },
      );
    },
  },

  undo: {
    kind: 'restore',
    effect: {
      kind: 'repeatable',
      execute: async (
        { inputs, token }: Pick<UndoInputs<Inputs, null, null, Outputs>, 'inputs' | 'token'>,
        _,
        context,
      ) => {
        using cluster = await openCluster(inputs, context);
        const removed = await askAny(cluster, (node) =>
          removeCanaries(cluster.s3(node, inputs), placeOf(inputs, token), inputs.Bucket === undefined),
        );
        return done(
          {},
          {
            changes: removed.map((name) => ({
              target: inputs.Hosts[0] ?? '',
              subject: 'canary',
              from: name,
              to: null,
            })),
          },
        );
      },
    },
  },
});

/** A runner that comes when the time is over already judges by what it sees itself, and that takes a quiet time. */
function isTimeOver({ WaitSeconds = 300 }: Inputs, progress: Progress, context: ActionContext): boolean {
  const endsAt = context.startedAt + WaitSeconds * 1_000;
  const cameLate = progress.cameAt >= endsAt;
  return context.now() >= endsAt && (!cameLate || progress.trouble !== null);
}

/** No waiting empties a drive. What was written before is taken away where that can be done. */
async function full(
  error: S3Failure,
  inputs: Inputs,
  cluster: Cluster,
  context: ActionContext,
): Promise<Poll<Outputs>> {
  await removeAll(inputs, cluster, context).catch(() => []);
  const short = await fullDrives(cluster, inputs, context.signal);
  const which = short.length === 0 ? '' : `: ${short.join(', ')}`;
  return failed('DRIVES_FULL', `the cluster takes no writes (${error.code})${which}`, { retryable: false });
}

/** One look. Undefined when all is proven; otherwise what is being waited for. */
async function advance(
  inputs: Inputs,
  progress: Progress,
  cluster: Cluster,
  context: ActionContext,
): Promise<string | undefined> {
  const { QuietSeconds = 20, Rounds = 2 } = inputs;
  const again = (trouble: string): string => {
    progress.trouble = trouble;
    progress.cleanRounds = 0;
    return `waiting: ${trouble}`;
  };
  const askedAt = context.now();
  const nodes = withPeers(await eachNode(cluster.nodes, (node) => askNode(node, context.signal)));
  const sick = nodes.filter(({ state }) => state !== 'serving');
  progress.outOfReach.take(nodes, askedAt);
  if (sick.length > 0) {
    progress.servingSince = null;
    return again(sick.map(({ says }) => says).join('; '));
  }
  progress.servingSince ??= context.now();
  const quietMs = QuietSeconds * 1_000 - (context.now() - progress.servingSince);
  if (quietMs > 0) return `every node has write quorum; canaries follow in ${Math.ceil(quietMs / 1_000)} s`;
  const sentAt = context.now();
  try {
    const place = placeOf(inputs, context.token);
    if (inputs.Bucket === undefined)
      await askAny(cluster, (node) => cluster.s3(node, inputs).makeBucket(place.bucket));
    const troubles = await eachNode(cluster.nodes, (node) =>
      sendCanary(cluster.s3(node, inputs), node.name, place).catch((error: unknown) => {
        if (!(error instanceof HttpFailure || error instanceof HostFailure)) throw error;
        // Its silence was waited for already; the next look counts on.
        if (error.code === 'NO_REPLY') progress.outOfReach.isSilent(node.name, sentAt);
        return error.message.split('\n')[0];
      }),
    );
    const found = troubles.filter((trouble) => trouble !== undefined);
    if (found.length > 0) return again(found.join('; '));
  } catch (error) {
    if (!mayPass(error)) throw error;
    return again(error.message);
  }
  progress.cleanRounds += 1;
  return progress.cleanRounds >= Rounds
    ? undefined
    : `${progress.cleanRounds} of ${Rounds} rounds of canaries are clean`;
}

async function finish(
  inputs: Inputs,
  progress: Progress,
  cluster: Cluster,
  context: ActionContext,
): Promise<Poll<Outputs>> {
  await removeAll(inputs, cluster, context);
  const waitedSeconds = Math.round((context.now() - context.startedAt) / 100) / 10;
  return done(
    { Rounds: progress.cleanRounds, WaitedSeconds: waitedSeconds },
    {
      note: `${cluster.nodes.length} ${cluster.nodes.length === 1 ? 'node serves' : 'nodes serve'}; ${progress.cleanRounds} clean ${progress.cleanRounds === 1 ? 'round' : 'rounds'} through each after ${waitedSeconds} s`,
    },
  );
}

/** Through whichever node can. */
function removeAll(inputs: Inputs, cluster: Cluster, { token }: ActionContext): Promise<string[]> {
  return askAny(cluster, (node) =>
    removeCanaries(cluster.s3(node, inputs), placeOf(inputs, token), inputs.Bucket === undefined),
  );
}

/** The same for every attempt of a step, and for its undo. */
function placeOf({ Bucket }: Inputs, token: string): CanaryPlace {
  return Bucket === undefined
    ? { bucket: `belay-canary-${token.slice(0, 48).replace(/-+$/, '')}`, prefix: '' }
    : { bucket: Bucket, prefix: `.belay-canary/${token}/` };
}
