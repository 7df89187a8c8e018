/**
 * Asks one node's health endpoints and says what the answers mean. Source: minio/minio cmd/healthcheck-handler.go, and
 * a real cluster: `live` and `ready` answer 200 whenever the process does, so only their header tells anything.
 */
import { HostFailure } from '../../transports/host.ts';
import { HttpFailure } from '../../transports/http/failure.ts';
import type { Node } from './cluster.ts';

/** The server gives its peers 10 s; a shorter limit would take a hanging peer for a node that is down. */
export const probeSilenceMs = 15_000;
const bodyBytesMax = 64 * 1024;

export type Probe =
  | {
      readonly kind: 'answer';
      readonly status: number;
      /** x-minio-server-status: `offline` (not joined), `bucket-metadata-offline`, `iam-offline`; empty: serving. */
      readonly serverStatus: string;
      readonly writeQuorum: number | null;
      readonly healingDrives: number;
      readonly tookMs: number;
    }
  /** `reached`: the host was, the server was not. */
  | { readonly kind: 'silence'; readonly reached: boolean; readonly hangs: boolean; readonly why: string };

/** Rejects only for what no waiting mends: a certificate that is not accepted, a host that is unknown or refuses us. */
export async function probe(
  { http }: Node,
  path: 'live' | 'cluster' | 'cluster?maintenance=true',
  signal: AbortSignal,
): Promise<Probe> {
  const [endpoint, isMaintenance] = [path.replace(/\?.*/, ''), path.endsWith('=true')];
  const begunAt = performance.now();
  try {
    const answer = await http.send({
      method: 'GET',
      path: `/minio/health/${endpoint}`,
      ...(isMaintenance ? { query: { maintenance: 'true' } } : {}),
      silenceMs: probeSilenceMs,
      signal,
    });
    await http.text(answer, bodyBytesMax);
    const { headers, status } = answer;
    const quorum = headers['x-minio-write-quorum'];
    return {
      kind: 'answer',
      status,
      serverStatus: headers['x-minio-server-status'] ?? '',
      writeQuorum: quorum === undefined ? null : Number(quorum),
      healingDrives: Number(headers['x-minio-healing-drives'] ?? 0),
      tookMs: Math.round(performance.now() - begunAt),
    };
  } catch (error) {
    if (!(error instanceof HttpFailure || error instanceof HostFailure) || !error.retryable) throw error;
    const why = error.message.split('\n')[0] ?? error.message;
    return {
      kind: 'silence',
      reached: error instanceof HttpFailure,
      hangs: error.code === 'NO_REPLY',
      why,
    };
  }
}

export const nodeStates = ['serving', 'notAnswering', 'hangs', 'starting', 'notJoined', 'noQuorum'] as const;

export interface NodeHealth {
  readonly host: string;
  readonly state: (typeof nodeStates)[number];
  /** A sentence for a person, its subject the node. */
  readonly says: string;
  readonly writeQuorum: number | null;
  /** Of `/cluster`, in ms; null: no answer. */
  readonly tookMs: number | null;
  /** It keeps silent, or its host does: a server that starts refuses connections. */
  readonly isOutOfReach: boolean;
}

/** How the cluster stands as this node sees it. A node that never joined is told from a starting one by `withPeers`. */
export async function askNode(node: Node, signal: AbortSignal): Promise<NodeHealth> {
  const answer = await probe(node, 'cluster', signal);
  const health = (state: NodeHealth['state'], says: string, more: Partial<NodeHealth> = {}): NodeHealth => ({
    host: node.name,
    state,
    says,
    writeQuorum: null,
    tookMs: null,
    isOutOfReach: false,
    ...more,
  });
  if (answer.kind === 'silence') {
    const { hangs, reached, why } = answer;
    return health(
      hangs ? 'hangs' : 'notAnswering',
      `${node.name} ${hangs ? 'hangs' : 'does not answer'} (${why})`,
      { isOutOfReach: hangs || !reached },
    );
  }
  const { status, serverStatus, writeQuorum, tookMs } = answer;
  const known = { writeQuorum, tookMs };
  if (serverStatus === 'offline') {
    return health(
      'notJoined',
      `${node.name} answers and has not joined the cluster: it is starting, or too few nodes are up`,
      known,
    );
  }
  if (serverStatus !== '') {
    return health('starting', `${node.name} is starting (${serverStatus})`, known);
  }
  if (status === 200) {
    const slow = tookMs >= 5_000 ? ` after ${(tookMs / 1_000).toFixed(1)} s: a peer hangs` : '';
    return health('serving', `${node.name} has write quorum${slow}`, known);
  }
  const wanted = writeQuorum === null ? '' : ` of ${writeQuorum} drives`;
  return status === 503
    ? health(
        'noQuorum',
        `${node.name} has no write quorum${wanted}: too many nodes or drives are away`,
        known,
      )
    : health(
        'notAnswering',
        `${node.name} answers ${status} to /minio/health/cluster: is this a MinIO port?`,
        known,
      );
}

/** A node that stays outside while a peer serves does not merely start: the others have quorum, and it could join. */
export function withPeers(nodes: readonly NodeHealth[]): NodeHealth[] {
  if (!nodes.some(({ state }) => state === 'serving')) return [...nodes];
  return nodes.map((node) =>
    node.state === 'notJoined'
      ? {
          ...node,
          says: `${node.host} has not joined, though its peers serve: if it stays so, its binary or its MINIO_* environment differs from theirs (on it: journalctl -u minio | grep 'incorrect configuration')`,
        }
      : node,
  );
}
