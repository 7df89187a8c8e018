/** Whether what a cluster says about its objects can be believed now; within seconds of a start it cannot. */
import type { ActionContext } from '../define-action.ts';
import { serversOf } from './admin.ts';
import { askAny } from './ask-any.ts';
import { eachNode, type Cluster, type KeyInputs } from './cluster.ts';
import { askNode } from './probe.ts';

/**
 * A node that missed a peer's drive at its start tries again after 15 s, up to 17 s were seen; until then objects read
 * as missing.
 */
const uptimeSecondsMin = 20;

/** Undefined: it can. Otherwise why not, for people. */
export async function windowTrouble(
  cluster: Cluster,
  key: KeyInputs,
  { signal }: ActionContext,
): Promise<string | undefined> {
  const sick = (await eachNode(cluster.nodes, (node) => askNode(node, signal))).filter(
    ({ state }) => state !== 'serving',
  );
  if (sick.length > 0) return sick.map(({ says }) => says).join('; ');
  const { servers } = await askAny(cluster, (node) => serversOf(node, key, signal));
  const away = servers.filter(({ state }) => state !== 'online');
  if (away.length > 0) return away.map(({ endpoint, state }) => `${endpoint} is ${state}`).join(', ');
  const young = servers.filter(({ uptimeSeconds }) => uptimeSeconds < uptimeSecondsMin);
  if (young.length > 0) {
    const which = young.map(({ endpoint, uptimeSeconds }) => `${endpoint} is up ${uptimeSeconds} s`);
    return `${which.join(', ')}: within ${uptimeSecondsMin} s of a start objects may read as missing`;
  }
  return undefined;
}
