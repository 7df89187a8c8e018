/** A question about the whole cluster, put to one node after the other until one answers. */
import { HostFailure } from '../../transports/host.ts';
import { HttpFailure } from '../../transports/http/failure.ts';
import { S3Failure } from '../../transports/s3/failure.ts';
import type { Cluster, Node } from './cluster.ts';

/**
 * Passes on to the next node what this one cannot answer now; a refusal that every node would repeat is thrown at once.
 * `unsent`: only what this node has certainly not acted on, for what must not be told twice.
 */
export async function askAny<T>(
  { nodes }: Pick<Cluster, 'nodes'>,
  ask: (node: Node) => Promise<T>,
  passOn: 'anything' | 'unsent' = 'anything',
): Promise<T> {
  let first: unknown;
  for (const node of nodes) {
    try {
      return await ask(node);
    } catch (error) {
      if (!isOfThisNode(error) || (passOn === 'unsent' && error.effect === 'unknown')) throw error;
      first ??= error;
    }
  }
  throw first;
}

/** Whether another node may do better: this one is away, starting or short of drives. */
function isOfThisNode(error: unknown): error is HostFailure | HttpFailure | S3Failure {
  if (error instanceof S3Failure) return error.isBusy;
  return isOfTransport(error) && error.code !== 'CANCELLED';
}

/** Whether it may have passed when the same is asked again a little later. */
export function mayPass(error: unknown): error is HostFailure | HttpFailure | S3Failure {
  return isOfTransport(error) && error.retryable;
}

function isOfTransport(error: unknown): error is HostFailure | HttpFailure | S3Failure {
  return [HostFailure, HttpFailure, S3Failure].some((kind) => error instanceof kind);
}
