/**
 * Whether the cluster serves. /cluster = 200 does not say so by itself: after a start, nodes that missed a peer's drive try
 * again only every 15 s, and until then reads and writes fail and objects seem absent. So healthy means: 200 on every
 * node, every drive ok, then 20 s, then two clean rounds of PUT, GET and compare through every node itself.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { LabFailure } from '../hosts/command.ts';
import { exchange, nameOf } from './exchange.ts';
import { S3Refusal, type S3 } from './s3.ts';

export type HealthPath = 'live' | 'ready' | 'cluster' | 'cluster/read' | 'cluster?maintenance=true';

export interface Health {
  /** The HTTP status, or why there was none: ECONNREFUSED, ETIMEDOUT, … */
  readonly status: number | string;
  /** x-minio-server-status: `offline` while a node has not joined. */
  readonly serverStatus?: string;
  /** x-minio-healing-drives; only with maintenance=true. */
  readonly healingDrives?: number;
}

/** MinIO itself may take ten seconds to notice a peer that hangs. */
const probeTimeoutMs = 12_000;

export async function probe(
  nodeUrl: string,
  ca: string,
  path: HealthPath,
  timeoutMs = probeTimeoutMs,
): Promise<Health> {
  try {
    const url = new URL(`/minio/health/${path}`, nodeUrl);
    const { status, headers } = await exchange({ url, ca, timeoutMs });
    const serverStatus = headers['x-minio-server-status'];
    const healing = headers['x-minio-healing-drives'];
    return {
      status,
      ...(typeof serverStatus === 'string' ? { serverStatus } : {}),
      ...(typeof healing === 'string' ? { healingDrives: Number(healing) } : {}),
    };
  } catch (error) {
    return { status: nameOf(error) };
  }
}

export interface Drive {
  /** `minio02.lab:9000` */
  readonly server: string;
  /** `/stg/data/data3` */
  readonly path: string;
  /** `ok`, `unformatted`, `offline`, … A drive may be ok and healing. */
  readonly state: string;
  readonly healing: boolean;
}

export interface Server {
  readonly endpoint: string;
  readonly state: string;
  readonly version: string;
  readonly uptimeSeconds: number;
  readonly drives: readonly Drive[];
}

interface InfoReply {
  readonly servers?: readonly {
    readonly endpoint: string;
    readonly state: string;
    readonly version?: string;
    readonly uptime?: number;
    readonly drives?: readonly {
      readonly path?: string;
      readonly endpoint?: string;
      readonly state: string;
      readonly healing?: boolean;
    }[];
  }[];
}

/** What this node knows of all servers: GET /minio/admin/v3/info. */
export async function adminInfo(s3: S3): Promise<readonly Server[]> {
  const answer = await s3.request({ path: '/minio/admin/v3/info' });
  if (answer.status !== 200) throw new S3Refusal(`the admin API of ${s3.url}`, answer);
  const { servers = [] } = JSON.parse(answer.body.toString('utf8')) as InfoReply;
  return servers.map(({ endpoint, state, version = '', uptime = 0, drives = [] }) => ({
    endpoint,
    state,
    version,
    uptimeSeconds: uptime,
    drives: drives.map((drive) => ({
      server: endpoint,
      path: drive.path ?? drive.endpoint ?? '',
      state: drive.state,
      healing: drive.healing === true,
    })),
  }));
}

export interface ClusterView {
  readonly nodes: readonly { readonly name: string; readonly url: string; readonly s3: S3 }[];
  readonly ca: string;
  readonly driveCount: number;
}

/** Why the cluster is not ready, in words; undefined when each node says 200 and all drives are ok and not healing. */
async function notReady({ nodes, ca, driveCount }: ClusterView): Promise<string | undefined> {
  for (const { name, url } of nodes) {
    const { status, serverStatus = '' } = await probe(url, ca, 'cluster');
    if (status !== 200) return `/cluster on ${name}: ${status} ${serverStatus}`.trim();
  }
  for (const { name, s3 } of nodes) {
    const drives = await adminInfo(s3).then(
      (servers) => servers.flatMap((server) => server.drives),
      (error: unknown) => nameOf(error),
    );
    if (typeof drives === 'string') return drives;
    const good = drives.filter(({ state, healing }) => state === 'ok' && !healing);
    if (good.length !== driveCount) {
      const states = drives.map(({ state, healing }) => (healing ? 'healing' : state));
      return `${name} sees ${good.length} of ${driveCount} drives ok: ${states.join(' ')}`;
    }
  }
  return undefined;
}

/** One PUT, GET, compare and DELETE through every node; the first trouble in words, or undefined. */
async function canaryRound({ nodes }: ClusterView): Promise<string | undefined> {
  const troubles = await Promise.all(
    nodes.map(async ({ name, s3 }) => {
      const body = randomBytes(4096);
      const key = `canary-${name}-${body.toString('hex', 0, 6)}`;
      try {
        await s3.createBucket('lab-canary');
        await s3.put('lab-canary', key, body);
        if (!(await s3.get('lab-canary', key)).equals(body))
          return `${name} returned other bytes than it took`;
        await s3.delete('lab-canary', key);
        return undefined;
      } catch (error) {
        return `${name}: ${error instanceof S3Refusal ? error.message : nameOf(error)}`;
      }
    }),
  );
  return troubles.find((trouble) => trouble !== undefined);
}

/** Until every node says 200 and every drive is ok. Rejects with LabFailure after `timeoutSeconds`. */
export async function untilReady(view: ClusterView, timeoutSeconds: number): Promise<void> {
  const deadline = Date.now() + timeoutSeconds * 1000;
  for (;;) {
    const trouble = await notReady(view);
    if (trouble === undefined) return;
    if (Date.now() > deadline)
      throw new LabFailure(
        'NotHealthy',
        `the MinIO cluster is not ready after ${timeoutSeconds} s: ${trouble}`,
      );
    await sleep(200);
  }
}

const canarySecondsMax = 60;

/** The whole rule above. `quietSeconds` is the 20 s of it. Rejects with LabFailure. */
export async function untilHealthy(
  view: ClusterView,
  { timeoutSeconds = 120, quietSeconds = 20 }: { timeoutSeconds?: number; quietSeconds?: number } = {},
): Promise<void> {
  await untilReady(view, timeoutSeconds);
  await sleep(quietSeconds * 1000);
  const deadline = Date.now() + canarySecondsMax * 1000;
  let clean = 0;
  while (clean < 2) {
    const trouble = await canaryRound(view);
    clean = trouble === undefined ? clean + 1 : 0;
    if (trouble !== undefined && Date.now() > deadline)
      throw new LabFailure(
        'NotHealthy',
        `the MinIO canary was never clean in ${canarySecondsMax} s: ${trouble}`,
      );
  }
}
