/** What goes on around a run: the load through nginx, and the observer who counts the nodes that are down. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { MinioLab } from '../../lab/minio/cluster.ts';
import type { MinioNode } from '../../lab/minio/configuration.ts';
import { Load } from '../../lab/minio/load.ts';
import { Observer, type DownTime } from '../../lab/minio/observer.ts';
import { incompleteObjects } from './healed.ts';

/** Fewer were no load. */
const getsMin = 20;
const loadMsMax = 30_000;
/** What is deleted while it is healed is not a failure, and what was deleted does not come back. */
const deletesPerSecond = 5;

/** So long without a sample is nothing on a busy machine, in ms. */
const gapMsMax = 5_000;

/** Longer without a sample, and a stop of a second node could be missed: one takes as long as the shortest that was seen. */
function gapMsMaxOf(downTimes: readonly DownTime[]): number {
  const lasted = downTimes.flatMap(({ from, to }) =>
    to === undefined ? [] : [Date.parse(to) - Date.parse(from)],
  );
  return lasted.length === 0 ? gapMsMax : Math.max(gapMsMax, Math.min(...lasted));
}

/** The nodes that were down at the same time, at the first moment with the most of them. */
function downTogether(downTimes: readonly DownTime[]): readonly MinioNode[] {
  const until = ({ to }: DownTime): number => (to === undefined ? Infinity : Date.parse(to));
  const moments = downTimes.map(({ from }) => {
    const at = Date.parse(from);
    const then = downTimes.filter((time) => Date.parse(time.from) <= at && at < until(time));
    return [...new Set(then.map(({ node }) => node))];
  });
  return moments.reduce((most, nodes) => (nodes.length > most.length ? nodes : most), []);
}

interface Fault {
  readonly from: number;
  readonly until: number;
  readonly restartsAll?: boolean;
}

export class Watch {
  static async begin(minio: MinioLab): Promise<Watch> {
    return new Watch(
      minio,
      await Load.start(minio.s3(), { gapMs: 100, deletesPerSecond }),
      new Observer(minio),
    );
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
   * `fault`: what fails meanwhile, in ms since 1970, is the fault's own. `restartsAll`: all servers start together in it, and only
   * then an object may be there again whose DELETE was sent meanwhile and answered 204 (upgrade.test.ts says why). `wereDown`: at least these were seen down, so that an observer that sees nothing is found out.
   */
  async endsWell(wereDown: readonly MinioNode[], fault?: Fault): Promise<void> {
    // A run that ends after a few seconds was watched under a load all the same.
    for (const since = Date.now(); this.#load.requests.get <= getsMin; await sleep(100))
      if (Date.now() - since > loadMsMax) break;
    this.#isOver = true;
    const { downTimes, samples, longestGapMs } = await this.#observer.stop();
    const { failures, lost, undeleted, acknowledged, requests } = await this.#load.stop();
    if (fault === undefined)
      expect(downTogether(downTimes).length, JSON.stringify(downTimes)).toBeLessThan(2);
    expect([...new Set(downTimes.map(({ node }) => node))]).toEqual(expect.arrayContaining([...wereDown]));
    expect(samples).toBeGreaterThan(20);
    expect(longestGapMs).toBeLessThan(gapMsMaxOf(downTimes));
    const ofTheRun = failures.filter(({ at, durationMs }) => {
      const began = Date.parse(at);
      return fault === undefined || began > fault.until || began + durationMs < fault.from;
    });
    expect(ofTheRun).toEqual([]);
    expect(lost).toEqual([]);
    const unexplained = undeleted.filter(
      ({ deleted: { sentAt, answeredAt } }) =>
        fault?.restartsAll !== true || sentAt > fault.until || answeredAt < fault.from,
    );
    expect(unexplained).toEqual([]);
    expect(acknowledged).toBeGreaterThan(0);
    expect(requests.get).toBeGreaterThan(getsMin);
    expect(requests.list).toBeGreaterThan(0);
    expect(await incompleteObjects(this.#minio)).toEqual([]);
  }

  /** What a case that failed half-way leaves looking. */
  async abandon(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await Promise.all([this.#observer.stop(), this.#load.stop()]);
  }
}
