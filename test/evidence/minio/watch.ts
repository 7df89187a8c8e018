/** What goes on around a run: the load through nginx, and the observer who counts the nodes that are down. */
import { expect } from 'vitest';
import type { MinioLab } from '../../lab/minio/cluster.ts';
import type { MinioNode } from '../../lab/minio/configuration.ts';
import { Load } from '../../lab/minio/load.ts';
import { Observer } from '../../lab/minio/observer.ts';
import { incompleteObjects } from './healed.ts';

/** Longer without a sample, and a second node that is down could be missed, in ms. */
const gapMsMax = 5_000;

export class Watch {
  static async begin(minio: MinioLab): Promise<Watch> {
    return new Watch(minio, await Load.start(minio.s3(), { gapMs: 100 }), new Observer(minio));
  }

  readonly #minio: MinioLab;
  readonly #load: Load;
  readonly #observer: Observer;
  #isOver = false;

  private constructor(minio: MinioLab, load: Load, observer: Observer) {
    this.#minio = minio;
    this.#load = load;
    this.#observer = observer;
  }

  /**
   * Never two nodes down, no failed request, every acknowledged object there with its bytes, and nothing for a heal to do.
   * `wereDown`: at least these were seen down, so that an observer that sees nothing is found out.
   */
  async endsWell(wereDown: readonly MinioNode[]): Promise<void> {
    this.#isOver = true;
    const { mostDownAtOnce, downTogether, downTimes, samples, longestGapMs } = await this.#observer.stop();
    const { failures, lost, acknowledged, requests } = await this.#load.stop();
    expect({ mostDownAtOnce, downTogether }, JSON.stringify(downTimes)).toMatchObject({
      mostDownAtOnce: Math.min(mostDownAtOnce, 1),
    });
    expect([...new Set(downTimes.map(({ node }) => node))]).toEqual(expect.arrayContaining([...wereDown]));
    expect(samples).toBeGreaterThan(20);
    expect(longestGapMs).toBeLessThan(gapMsMax);
    expect(failures).toEqual([]);
    expect(lost).toEqual([]);
    expect(acknowledged).toBeGreaterThan(0);
    expect(requests.get).toBeGreaterThan(20);
    expect(await incompleteObjects(this.#minio)).toEqual([]);
  }
  /** What a case that failed half-way leaves looking. */
  async abandon(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await Promise.all([this.#observer.stop(), this.#load.stop()]);
  }
}
