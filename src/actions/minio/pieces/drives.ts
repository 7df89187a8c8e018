/** Which host has which drive of the cluster, and where: MinIO says what there is, format.json on each host which is which. */
import type { Cluster, KeyedInputs } from '../cluster.ts';
import { eachNode } from '../cluster.ts';
import { ActionFailure, type ActionContext } from '../../define-action.ts';
import { readFields } from '../../scripts/fields.ts';
import { minioDrives } from '../../scripts/minio.ts';
import { clusterDrives, type ClusterDrive } from '../admin.ts';
import { askAny } from '../ask-any.ts';

export interface LocalDrive {
  /** As its format.json and MinIO have it. */
  readonly id: string;
  /** The inventory's name. */
  readonly host: string;
  readonly path: string;
  /** `POOL/SET`. */
  readonly set: string;
}

export interface ErasureSet {
  readonly drives: number;
  readonly parity: number;
}

export interface Layout {
  readonly drives: readonly LocalDrive[];
  readonly sets: ReadonlyMap<string, ErasureSet>;
}

/**
 * Every drive that MinIO calls ok must be found on one of the hosts. One that is out or heals is left out: nobody knows
 * what it will hold. Rejects with ActionFailure DRIVES_NOT_FOUND.
 */
export async function layoutOf(
  cluster: Cluster,
  inputs: KeyedInputs,
  context: ActionContext,
): Promise<Layout> {
  const { drives, sets } = await askAny(cluster, (node) => clusterDrives(node, inputs, context.signal));
  const wanted = new Map(drives.filter(isWhole).map((drive) => [drive.id, drive]));
  const paths = [...new Set(drives.map(({ path }) => path))];
  const found = await eachNode(cluster.nodes, async ({ name }): Promise<LocalDrive[]> => {
    const fields = await readFields(context.host(name), minioDrives(paths), context);
    return fields.all('drive').flatMap((line) => {
      const cut = line.indexOf(' ');
      const drive = wanted.get(line.slice(0, cut));
      return drive === undefined
        ? []
        : [{ id: drive.id, host: name, path: line.slice(cut + 1), set: drive.set }];
    });
  });
  const seen = new Set(found.flat().map(({ id }) => id));
  const missing = [...wanted.values()].filter(({ id }) => !seen.has(id));
  if (missing.length > 0) {
    throw new ActionFailure({
      code: 'DRIVES_NOT_FOUND',
      message: `${missing.length} of ${wanted.size} drives are on none of the Hosts: ${missing
        .slice(0, 4)
        .map(({ endpoint }) => endpoint)
        .join(
          ', ',
        )}. Name every node in Hosts; where MinIO runs in containers, whose paths a host does not have, say LookAtDrives: false`,
    });
  }
  return { drives: found.flat(), sets };
}

const isWhole = ({ state, healing }: ClusterDrive): boolean => state === 'ok' && !healing;
