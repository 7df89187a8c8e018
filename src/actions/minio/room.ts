/** Whether the drives have room for what is written while a node is away, and whether the nodes agree on the time. */
import { clusterDrives, type ClusterDrive } from './admin.ts';
import { askAny } from './ask-any.ts';
import { eachNode, type Cluster, type KeyInputs, type Node } from './cluster.ts';
import { probeSilenceMs } from './probe.ts';

const bodyBytesMax = 64 * 1024;
/** Drives with less room than this are named when the cluster takes no writes, or cannot make objects whole. */
const fullPercent = 5;

export interface Room {
  /** Of the fullest drive, in percent, rounded down; null: the server does not say. */
  readonly space: number | null;
  readonly inodes: number | null;
  /** Endpoints of the drives with less than is wanted, and what they have. */
  readonly short: readonly string[];
}

export function roomOn(
  drives: readonly ClusterDrive[],
  wanted: { readonly spacePercent: number; readonly inodesPercent: number },
): Room {
  const of = drives
    .filter(({ state }) => state === 'ok')
    .map((drive) => ({
      endpoint: drive.endpoint,
      space: percent(drive.freeBytes, drive.totalBytes),
      inodes: percent(drive.freeInodes, drive.freeInodes + drive.usedInodes),
    }));
  const short = of.flatMap(({ endpoint, space, inodes }) => [
    ...(space !== null && space < wanted.spacePercent
      ? [`${endpoint} has ${space} % of its space free`]
      : []),
    ...(inodes !== null && inodes < wanted.inodesPercent
      ? [`${endpoint} has ${inodes} % of its inodes free`]
      : []),
  ]);
  const least = (values: readonly (number | null)[]): number | null => {
    const known = values.filter((value) => value !== null);
    return known.length === 0 ? null : Math.min(...known);
  };
  return { space: least(of.map(({ space }) => space)), inodes: least(of.map(({ inodes }) => inodes)), short };
}

/** Each as `https://n1:9000/data/1 has 0 % of its space free`. Rejects as a request does. */
export async function fullDrives(
  cluster: Pick<Cluster, 'nodes'>,
  key: KeyInputs,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { drives } = await askAny(cluster, (node) => clusterDrives(node, key, signal));
  return roomOn(drives, { spacePercent: fullPercent, inodesPercent: fullPercent }).short;
}

const percent = (free: number, total: number): number | null =>
  total <= 0 ? null : Math.floor((free / total) * 100);

export interface Clock {
  readonly host: string;
  /** Ahead of the machine that Belay runs on, in seconds. HTTP tells whole ones. */
  readonly aheadSeconds: number;
}

/** By the Date of an answer of each node; one that gives none is left out. Rejects as a request does. */
export async function clocksOf(
  nodes: readonly Node[],
  now: () => number,
  signal: AbortSignal,
): Promise<readonly Clock[]> {
  const clocks = await eachNode(nodes, async ({ name, http }): Promise<Clock[]> => {
    const askedAt = now();
    const answer = await http.send({
      method: 'GET',
      path: '/minio/health/live',
      silenceMs: probeSilenceMs,
      signal,
    });
    const between = (askedAt + now()) / 2;
    await http.text(answer, bodyBytesMax);
    const date = Date.parse(answer.headers['date'] ?? '');
    return Number.isNaN(date) ? [] : [{ host: name, aheadSeconds: Math.round((date - between) / 1_000) }];
  });
  return clocks.flat();
}

/** Between the two that differ most, in seconds. */
export const spreadOf = (clocks: readonly Clock[]): number =>
  clocks.length === 0
    ? 0
    : Math.max(...clocks.map(({ aheadSeconds }) => aheadSeconds)) -
      Math.min(...clocks.map(({ aheadSeconds }) => aheadSeconds));
