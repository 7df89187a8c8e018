/**
 * minio:heal: makes every object whole on every drive, pass after pass until one finds nothing to do. What is written
 * while a node is away stays incomplete after its return, and the health endpoints do not show it.
 *
 * MinIO's heal removes what is left of an object of which too many pieces are lost, also when it is only to look, and
 * says of it what it says of one that a client deletes meanwhile. So the drives themselves are looked at first. An object
 * that is torn ends the step before MinIO is asked; one that a pass did not find any more is named, and is not a failure.
 */
import { Type, type Static } from 'typebox';
import { S3Failure } from '../../transports/s3/failure.ts';
import { defineAction, done, failed, pending, type ActionContext, type Poll } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { clusterDrives } from './admin.ts';
import { askAny, mayPass } from './ask-any.ts';
import { eachNode, keyedInputs, openCluster, silenceMs, type Cluster } from './cluster.ts';
import { beginPass, followPass, type HealPass } from './heal-sequence.ts';
import { hangInput, OutOfReach } from './out-of-reach.ts';
import { lookAtPieces, type LookedAt } from './pieces/look.ts';
import { askNode } from './probe.ts';
import { fullDrives } from './room.ts';

const askAgainMs = 500;
/** A pass that has not moved for so long is looked at: a peer may hang, in ms. */
const stillMs = 15_000;
/** How often the nodes are asked then, in ms. */
const askNodesMs = 5_000;
/** An object of terabytes takes its time. */
const stalledSecondsDefault = 3_600;
/** How long the node that heals may be out of reach before the pass is given up and begun anew, in ms. */
const outOfReachMsMax = 60_000;

/** A drive that its own node calls ok is taken up by the other nodes within 15 s, MinIO's interval of looking; on a busy machine later, in ms. */
const takenUpMsMax = 60_000;
const takenUpAgainMs = 2_000;

/** How many names a message holds. */
const namedMax = 10;

type Outputs = {
  readonly Passes: number;
  readonly Scanned: number;
  readonly Healed: number;
  readonly Failed: string[];
  readonly Torn: string[];
  readonly Gone: string[];
  readonly GoneCount: number;
};

/** Kept while one runner follows; a runner that resumes begins a pass anew, which costs time and nothing else. */
interface Progress {
  /** Undefined: nobody has looked yet. */
  looked: LookedAt | undefined;
  passes: number;
  healed: number;
  /** What any of the passes did not find. */
  readonly gone: Set<string>;
  goneCount: number;
  current: { readonly pass: HealPass; readonly node: string } | undefined;
  troubleSince: number | null;
  /** Since when the passes miss nothing but drives that the healing node does not reach. */
  unreachedSince: number | null;
  /** How many objects had been looked at when the pass last moved, and when that was, in ms. */
  moved: { readonly scanned: number; readonly at: number } | undefined;
  outOfReach: OutOfReach;
}

const inputs = strictObject({
  ...keyedInputs,
  PassesMax: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 100,
      default: 10,
      description: 'After so many passes that still healed something it is given up.',
    }),
  ),
  HangSeconds: hangInput,
  StalledSeconds: Type.Optional(
    Type.Integer({
      minimum: 30,
      maximum: 86_400,
      default: stalledSecondsDefault,
      description: 'A pass that looks at no further object for so long is given up.',
    }),
  ),
  LookAtDrives: Type.Optional(
    Type.Boolean({
      default: true,
      description:
        'Lists the pieces of all objects on the drives, on the Hosts themselves, before anything is healed. False, for nodes whose drives a login on the host does not see: then an object that MinIO removes because too few pieces are left is only named afterwards.',
    }),
  ),
});
type Inputs = Static<typeof inputs>;

export const heal = defineAction({
  name: 'minio:heal',
  summary:
    'Heals every object of a MinIO cluster until a pass finds nothing left. An object that has lost too many pieces ends it before MinIO, which would remove the rest of it, is asked.',
  source: 'https://github.com/minio/minio/blob/master/cmd/admin-heal-ops.go',
  example: `
    - name: Heal
      action: minio:heal
      inputs:
        Hosts: [minio01, minio02, minio03, minio04]
        ServerName: minio.example.com
        AccessKey: '{{ AdminKey }}'
        SecretKey: '{{ AdminSecret }}'`,
  inputs,
  outputs: strictObject({
    Passes: Type.Integer(),
    Scanned: Type.Integer({ description: 'Objects and versions that the last pass looked at.' }),
    Healed: Type.Integer({ description: 'In all passes.' }),
    Failed: Type.Array(Type.String(), {
      description: 'The first of what the last pass could not heal, and why.',
    }),
    Torn: Type.Array(Type.String(), {
      description:
        'Objects that have lost so many pieces that nothing makes them whole; the first thousand. Then nothing was healed.',
    }),
    Gone: Type.Array(Type.String(), {
      description:
        'Objects and versions that a pass did not find any more, because somebody deleted them meanwhile, or because MinIO removed what was left of them; the first thousand.',
    }),
    GoneCount: Type.Integer({ description: 'All of them.' }),
  }),
  secretInputs: ['AccessKey', 'SecretKey'],
  timeoutSeconds: 24 * 3_600,
  permissions: () => [],
  targets: ({ Hosts }) => Hosts,
  hasHostTargets: true,

  effect: {
    kind: 'repeatable',
    execute: async (inputs: Inputs, _before, context): Promise<Poll<Outputs>> => {
      const progress = context.kept('progress', newProgress);
      using cluster = await openCluster(inputs, context);
      const askedAt = context.now();
      try {
        const answer = await advance(inputs, progress, cluster, context);
        progress.troubleSince = null;
        return answer;
      } catch (error) {
        if (error instanceof S3Failure && error.code === 'XMinioHealInvalidClientToken') {
          progress.current = undefined;
          return pending(askAgainMs, 'the pass was ended by somebody else; a new one begins');
        }
        if (!mayPass(error)) throw error;
        // The silence that a request was given counts; the listing of the drives before it does not.
        progress.troubleSince ??= Math.max(askedAt, context.now() - silenceMs);
        if (context.now() - progress.troubleSince >= outOfReachMsMax) throw error;
        return pending(1_000, `waiting: ${error.message}`);
      }
    },
  },
  undo: {
    kind: 'none',
    reason: 'objects that are whole need not be damaged again',
    leavesChange: false,
  },
});

function newProgress(): Progress {
  return {
    looked: undefined,
    passes: 0,
    healed: 0,
    gone: new Set<string>(),
    goneCount: 0,
    current: undefined,
    troubleSince: null,
    unreachedSince: null,
    moved: undefined,
    outOfReach: new OutOfReach(),
  };
}

async function advance(
  inputs: Inputs,
  progress: Progress,
  cluster: Cluster,
  context: ActionContext,
): Promise<Poll<Outputs>> {
  const { current } = progress;
  const { signal } = context;
  if (progress.looked === undefined && inputs.LookAtDrives !== false) {
    progress.looked = await lookAtPieces(cluster, inputs, context);
    if (progress.looked.torn.count > 0) return torn(progress, progress.looked);
  }
  if (current === undefined) {
    Object.assign(progress, { moved: undefined, outOfReach: new OutOfReach() });
    progress.current = await askAny(cluster, async (node) => ({
      pass: await beginPass(node, inputs, signal),
      node: node.name,
    }));
    return pending(askAgainMs, `pass ${progress.passes + 1} begins`);
  }
  const { pass } = current;
  const node = cluster.nodes.find(({ name }) => name === current.node);
  if (node === undefined) throw new Error('the hosts of a step do not change');
  const state = await followPass(node, inputs, pass, signal);
  if (state.kind === 'running') return running(inputs, progress, pass, cluster, context);
  progress.current = undefined;
  progress.healed += pass.healed;
  if (state.kind === 'forgotten') {
    return pending(askAgainMs, `${node.name} was restarted and knows nothing of the pass; a new one begins`);
  }
  progress.passes += 1;
  for (const name of pass.gone) progress.gone.add(name);
  progress.goneCount += pass.goneCount;
  const outputs = outputsOf(progress, pass);
  if (state.kind === 'stopped') {
    return failed('HEAL_STOPPED', `pass ${progress.passes} was stopped: ${state.why}`, {
      outputs,
      retryable: true,
    });
  }
  if (pass.healed > 0 && progress.passes < (inputs.PassesMax ?? 10)) {
    return pending(askAgainMs, `pass ${progress.passes} healed ${pass.healed}; another one follows`);
  }
  if (await isTakenUpSoon(inputs, progress, pass, cluster, context)) {
    const says = `${node.name} does not reach all drives yet, and their own nodes call all of them ok`;
    return pending(takenUpAgainMs, `${says}; another pass follows`);
  }
  if (pass.failed > 0) {
    // A pass that goes on without a peer that hangs says of every object that drives are offline.
    const nodes = await eachNode(cluster.nodes, (one) => askNode(one, signal));
    const sick = nodes.filter(({ state }) => state !== 'serving').map(({ says }) => `\n${says}.`);
    // MinIO says of an object that there was no room, and not where. Where nobody can say it, nothing is said.
    const full = await fullDrives(cluster, inputs, signal).catch(() => []);
    const short = full.length === 0 ? '' : `\n${full.join(', ')}.`;
    return failed(
      'COULD_NOT_HEAL',
      `${pass.failed} could not be made whole, though MinIO says success: ${listed(pass.failures, pass.failed)}.${sick.join('')}${short}\nReplace no drive and stop no node until it is known why.`,
      { outputs },
    );
  }
  if (pass.healed > 0) {
    return failed('STILL_HEALING', `after ${progress.passes} passes the last still healed ${pass.healed}`, {
      outputs,
      retryable: true,
    });
  }
  return done(outputs, { note: noteOf(progress, pass) });
}

/** A pass waits for a peer that hangs, and says nothing of it; so the nodes are asked when it does not move. */
async function running(
  inputs: Inputs,
  progress: Progress,
  pass: HealPass,
  cluster: Cluster,
  context: ActionContext,
): Promise<Poll<Outputs>> {
  const says = `pass ${progress.passes + 1}: ${pass.scanned} objects looked at, ${pass.healed} healed`;
  if (progress.moved?.scanned !== pass.scanned) {
    Object.assign(progress, {
      moved: { scanned: pass.scanned, at: context.now() },
      outOfReach: new OutOfReach(),
    });
  }
  const askedAt = context.now();
  const standsMs = askedAt - (progress.moved?.at ?? askedAt);
  if (standsMs < stillMs) return pending(askAgainMs, says);
  const nodes = await eachNode(cluster.nodes, (node) => askNode(node, context.signal));
  progress.outOfReach.take(nodes, askedAt);
  const sick = nodes.filter(({ state }) => state !== 'serving').map((node) => node.says);
  const stands = `${says}; none since ${Math.round(standsMs / 1_000)} s${sick.length === 0 ? '' : `: ${sick.join('; ')}`}`;
  const hangs = progress.outOfReach.isTooLong(context.now(), inputs.HangSeconds);
  const isStalled = standsMs >= (inputs.StalledSeconds ?? stalledSecondsDefault) * 1_000;
  if (!hangs && !isStalled) return pending(askNodesMs, stands);
  // What MinIO goes on doing by itself is ended by the next pass.
  progress.current = undefined;
  const outputs = outputsOf(progress, pass);
  return failed(hangs ? 'NODE_HANGS' : 'HEAL_STALLED', stands, { outputs, retryable: true });
}

/** Whether a pass missed nothing but drives that came back, and that the node which heals has not taken up yet. */
async function isTakenUpSoon(
  inputs: Inputs,
  progress: Progress,
  { failed, unreached }: HealPass,
  cluster: Cluster,
  context: ActionContext,
): Promise<boolean> {
  if (failed === 0 || failed > unreached) {
    progress.unreachedSince = null;
    return false;
  }
  progress.unreachedSince ??= context.now();
  if (context.now() - progress.unreachedSince >= takenUpMsMax) return false;
  const { drives } = await askAny(cluster, (node) => clusterDrives(node, inputs, context.signal));
  return drives.every(({ state }) => state === 'ok');
}

function torn(progress: Progress, { torn: { names, count } }: LookedAt): Poll<Outputs> {
  const what = count === 1 ? '1 object has' : `${count} objects have`;
  return failed(
    'TORN_OBJECTS',
    `${what} lost so many pieces that nothing makes ${count === 1 ? 'it' : 'them'} whole: ${listed(names, count)}.\nNothing was healed, because MinIO's heal removes what is left. Bring pieces back (a drive that was taken out), or restore from a backup; to give up what is left: mc admin heal -r ALIAS/BUCKET. Then run this again.`,
    { outputs: outputsOf(progress, undefined) },
  );
}

function outputsOf(progress: Progress, pass: HealPass | undefined): Outputs {
  return {
    Passes: progress.passes,
    Scanned: pass?.scanned ?? 0,
    Healed: progress.healed,
    Failed: pass?.failures ?? [],
    Torn: [...(progress.looked?.torn.names ?? [])],
    Gone: [...progress.gone],
    GoneCount: Math.max(progress.gone.size, progress.goneCount),
  };
}

function listed(names: readonly string[], count: number): string {
  const more = count > namedMax ? ` and ${count - namedMax} more` : '';
  return `${names.slice(0, namedMax).join('; ')}${more}`;
}

function noteOf(progress: Progress, pass: HealPass): string {
  const passes = progress.passes === 1 ? 'the only pass' : `the last of ${progress.passes} passes`;
  const healed = `${progress.healed} healed, ${pass.scanned} looked at; ${passes} found nothing`;
  const names = [...progress.gone];
  if (names.length === 0) return healed;
  const rests = new Set(progress.looked?.remains.names ?? []);
  const [old, others] = [names.filter((name) => rests.has(name)), names.filter((name) => !rests.has(name))];
  const cause =
    progress.looked === undefined
      ? 'not found any more (deleted meanwhile, or removed by MinIO because too few pieces were left)'
      : 'gone since the drives were looked at, as after a deletion';
  return [
    healed,
    ...(others.length === 0 ? [] : [`${others.length} ${cause}: ${listed(others, others.length)}`]),
    ...(old.length === 0
      ? []
      : [
          `MinIO removed what was left of ${old.length}, which too few drives held, as after a deletion while a drive was away: ${listed(old, old.length)}`,
        ]),
  ].join('; ');
}
