/** How long nodes that keep silent are waited for: one that starts refuses connections, and does not keep silent. */
import { Type } from 'typebox';
import type { NodeHealth } from './probe.ts';

/** A silent node shows after 10 s, so with this it is given up, and named, within a minute. */
const hangSecondsDefault = 40;

export const hangInput = Type.Optional(
  Type.Number({
    minimum: 0,
    maximum: 3_600,
    default: hangSecondsDefault,
    description:
      'Of the waiting: how long for a node that hangs, or whose host cannot be reached; it shows as such after some 10 s of silence. 0: it is not waited for.',
  }),
);

export class OutOfReach {
  /** By node: when the question was asked that it was the first not to answer, in ms. */
  readonly #since = new Map<string, number>();

  /** `askedAt`: when these answers were asked for. */
  take(nodes: readonly NodeHealth[], askedAt: number): void {
    for (const { host, isOutOfReach } of nodes) {
      if (isOutOfReach) this.isSilent(host, askedAt);
      else this.#since.delete(host);
    }
  }

  /** It was asked something else, and kept silent. */
  isSilent(host: string, askedAt: number): void {
    if (!this.#since.has(host)) this.#since.set(host, askedAt);
  }

  /** Whether one has kept silent for so long. */
  isTooLong(now: number, seconds = hangSecondsDefault): boolean {
    return [...this.#since.values()].some((since) => now - since >= seconds * 1_000);
  }
}
