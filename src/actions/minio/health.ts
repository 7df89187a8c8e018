/** minio:health: whether a cluster serves, as each of its nodes sees it, and whether one of them may be taken down. */
import { Type, type Static } from 'typebox';
import {
  ActionFailure,
  defineAction,
  done,
  failed,
  pending,
  type ActionContext,
  type Poll,
} from '../define-action.ts';
import { isStillPatient } from '../effects/patience.ts';
import { strictObject } from '../strict-object.ts';
import { clusterInputs, eachNode, openCluster, type Cluster } from './cluster.ts';
import { exceptInput, withoutExcept } from './except.ts';
import { hangInput, OutOfReach } from './out-of-reach.ts';
import { askNode, nodeStates, probe, withPeers, type NodeHealth } from './probe.ts';

const askAgainMs = 1_000;

type NodeOutput = { readonly Host: string; readonly State: NodeHealth['state']; readonly Says: string };
type Outputs = {
  readonly Healthy: boolean;
  readonly Nodes: NodeOutput[];
  readonly WriteQuorum: number | null;
  readonly SafeToTakeDown: boolean | null;
};

const inputs = strictObject({
  ...clusterInputs,
  Maintenance: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        'One of the Hosts: asks it and a peer of it whether quorum holds without it. Not a lock: whoever asks while all nodes are up is told yes.',
    }),
  ),
  Except: exceptInput,
  WaitSeconds: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: 3_600,
      default: 0,
      description: 'How long to go on asking until every node serves (and the node may be taken down).',
    }),
  ),
  HangSeconds: hangInput,
});
type Inputs = Static<typeof inputs>;

export const health = defineAction({
  name: 'minio:health',
  summary:
    'Asks every node of a MinIO cluster whether it has write quorum, and whether one node may be taken down without losing it.',
  source: 'https://github.com/minio/minio/blob/master/cmd/healthcheck-handler.go',
  example: `
    - name: MayStop
      action: minio:health
      inputs:
        Hosts: [minio01, minio02, minio03, minio04]
        ServerName: minio.example.com
        Maintenance: minio02
        WaitSeconds: 60`,
  inputs,
  outputs: strictObject({
    Healthy: Type.Boolean({
      description:
        'Every node has write quorum. Within seconds of a start reads and writes may fail all the same: use minio:settle.',
    }),
    Nodes: Type.Array(
      strictObject({
        Host: Type.String(),
        State: Type.Union(nodeStates.map((state) => Type.Literal(state))),
        Says: Type.String(),
      }),
    ),
    WriteQuorum: Type.Union([Type.Integer(), Type.Null()], { description: 'Drives; null: no node said.' }),
    SafeToTakeDown: Type.Union([Type.Boolean(), Type.Null()], { description: 'null: not asked.' }),
  }),
  timeoutSeconds: 3_900,
  permissions: () => [],
  targets: ({ Hosts }) => Hosts,
  hasHostTargets: true,

  effect: {
    kind: 'read',
    poll: async (inputs: Inputs, context): Promise<Poll<Outputs>> => {
      const patient = isStillPatient(context, inputs.WaitSeconds ?? 0);
      using cluster = await openCluster(withoutExcept(inputs), context);
      const outOfReach = context.kept('out of reach', () => new OutOfReach());
      const answer = await judge(inputs, cluster, context, outOfReach);
      const hangs = outOfReach.isTooLong(context.now(), inputs.HangSeconds);
      return answer.kind === 'failed' && answer.retryable === true && patient && !hangs
        ? pending(askAgainMs, `waiting: ${answer.message}`)
        : answer;
    },
  },
  undo: { kind: 'notNeeded' },
});

async function judge(
  inputs: Inputs,
  cluster: Cluster,
  context: ActionContext,
  outOfReach: OutOfReach,
): Promise<Poll<Outputs>> {
  const askedAt = context.now();
  const nodes = withPeers(await eachNode(cluster.nodes, (node) => askNode(node, context.signal)));
  outOfReach.take(nodes, askedAt);
  const isServing = ({ state }: NodeHealth) => state === 'serving';
  const outputs: Outputs = {
    Healthy: nodes.every(isServing),
    Nodes: nodes.map(({ host, state, says }) => ({ Host: host, State: state, Says: says })),
    WriteQuorum: nodes.find(({ writeQuorum }) => writeQuorum !== null)?.writeQuorum ?? null,
    SafeToTakeDown: null,
  };
  const { Maintenance } = inputs;
  const asked =
    Maintenance === undefined ? undefined : await askMaintenance(Maintenance, cluster, nodes, context);
  const judged = { ...outputs, SafeToTakeDown: asked === undefined ? null : asked.code === undefined };
  const sick = nodes.filter((node) => !isServing(node));
  if (sick.length > 0) {
    return failed(codeOf(sick), sick.map(({ says }) => says).join('; '), {
      outputs: judged,
      retryable: true,
    });
  }
  if (asked?.code !== undefined) {
    return failed(asked.code, asked.says, { outputs: judged, retryable: true });
  }
  const all = `${nodes.length} ${nodes.length === 1 ? 'node serves' : 'nodes serve'}`;
  return done(judged, { note: asked === undefined ? all : `${all}; ${asked.says}` });
}

/** The worst first: what stops service, then what is merely under way. */
function codeOf(sick: readonly NodeHealth[]): string {
  const states = new Set(sick.map(({ state }) => state));
  if (states.has('noQuorum')) return 'NO_QUORUM';
  if (states.has('notAnswering')) return 'NODE_NOT_ANSWERING';
  if (states.has('hangs')) return 'NODE_HANGS';
  return states.has('notJoined') ? 'NODE_NOT_JOINED' : 'NODE_STARTING';
}

/** `code` undefined: it may be taken down. */
async function askMaintenance(
  name: string,
  cluster: Cluster,
  nodes: readonly NodeHealth[],
  { signal }: ActionContext,
): Promise<{ code?: string; says: string }> {
  const itself = cluster.nodes.find((node) => node.name === name);
  const peer = cluster.nodes.find((node, index) => node.name !== name && nodes[index]?.state === 'serving');
  if (itself === undefined) {
    throw new ActionFailure({
      code: 'INVALID_INPUT',
      message: `Maintenance names ${name}, which is not one of the Hosts (${cluster.nodes.map((node) => node.name).join(', ')})`,
    });
  }
  if (peer === undefined) {
    return {
      code: 'NO_PEER',
      says: `no peer of ${name} serves, so none can say whether it may be taken down`,
    };
  }
  // A node leaves its own drives out: one that heals its own says yes for itself, and only a peer knows better.
  for (const node of [itself, peer]) {
    const answer = await probe(node, 'cluster?maintenance=true', signal);
    if (answer.kind === 'silence') {
      return { code: 'NODE_NOT_ANSWERING', says: `${node.name} does not answer (${answer.why})` };
    }
    if (answer.healingDrives > 0) {
      const drives = answer.healingDrives === 1 ? 'a drive heals' : `${answer.healingDrives} drives heal`;
      return { code: 'HEALING', says: `${name} must stay up: ${drives}, says ${node.name}` };
    }
    if (answer.status === 412) {
      const what = node === itself ? `without it quorum is lost` : `a drive or a node is away already`;
      return { code: 'UNSAFE_TO_TAKE_DOWN', says: `${name} must stay up: ${what}, says ${node.name}` };
    }
    if (answer.status !== 200) {
      return {
        code: 'NODE_STARTING',
        says: `${node.name} cannot say yet whether ${name} may be taken down (${answer.status})`,
      };
    }
  }
  return { says: `${name} may be taken down, by its own answer and that of ${peer.name}` };
}
