/**
 * Watches the cluster from outside, as no part of Belay does: all the while, which nodes are down, and so the largest
 * number that were down at once.
 *
 * A node is down when the kernel knows no process in its minio.service, when its host or its processes stand still, or when
 * it refuses a connection, or answers /minio/health/live as `offline` (started, but not joined). The first three are read
 * straight from the host's control group, so that a stop of 100 ms is seen too. One whose processes run and that only takes
 * long is slow, as all are on a machine with ten times more to do than it has cores (6 s were seen at a load of 30): what
 * then fails for clients, the load counts.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MinioLab } from './cluster.ts';
import type { MinioNode } from './configuration.ts';

export type DownReason = 'no process' | 'frozen' | 'stopped' | 'no answer' | 'not joined';

export interface DownTime {
  readonly node: MinioNode;
  /** The first reason seen. */
  readonly reason: DownReason;
  readonly from: string;
  /** Undefined: still down when the observation ended. */
  readonly to?: string;
}

export interface Observation {
  readonly samples: number;
  /** The longest time between two samples: what is shorter may have been missed. */
  readonly longestGapMs: number;
  readonly mostDownAtOnce: number;
  /** The nodes of the first sample with that number. */
  readonly downTogether: readonly MinioNode[];
  readonly downTimes: readonly DownTime[];
}

const sampleMs = 50;
const askMs = 150;
const answerMsMax = 5_000;

export class Observer {
  readonly #minio: MinioLab;
  readonly #answers = new Map<MinioNode, 'no answer' | 'not joined' | 'fine'>();
  readonly #open = new Map<MinioNode, DownTime>();
  readonly #closed: DownTime[] = [];
  readonly #loops: readonly Promise<void>[];
  #samples = 0;
  #longestGapMs = 0;
  #downTogether: readonly MinioNode[] = [];
  #isStopped = false;

  /** Begins at once; every node counts as fine until it was asked. */
  constructor(minio: MinioLab) {
    this.#minio = minio;
    this.#loops = [this.#sample(), ...minio.nodes.map((node) => this.#ask(node))];
  }

  /** The nodes that were down in the last sample. */
  get downNow(): readonly MinioNode[] {
    return [...this.#open.keys()];
  }

  async stop(): Promise<Observation> {
    this.#isStopped = true;
    await Promise.all(this.#loops);
    return {
      samples: this.#samples,
      longestGapMs: this.#longestGapMs,
      mostDownAtOnce: this.#downTogether.length,
      downTogether: this.#downTogether,
      downTimes: [...this.#closed, ...this.#open.values()].toSorted((a, b) => a.from.localeCompare(b.from)),
    };
  }

  async #sample(): Promise<void> {
    let last = Date.now();
    while (!this.#isStopped) {
      const now = Date.now();
      this.#longestGapMs = Math.max(this.#longestGapMs, now - last);
      last = now;
      this.#samples += 1;
      this.#note(new Date(now).toISOString());
      await sleep(sampleMs);
    }
  }

  #note(at: string): void {
    for (const node of this.#minio.nodes) {
      const reason = this.#reason(node);
      const open = this.#open.get(node);
      if (reason !== undefined && open === undefined) this.#open.set(node, { node, reason, from: at });
      if (reason === undefined && open !== undefined) {
        this.#open.delete(node);
        this.#closed.push({ ...open, to: at });
      }
    }
    if (this.#open.size > this.#downTogether.length) this.#downTogether = [...this.#open.keys()];
  }

  #reason(node: MinioNode): DownReason | undefined {
    const group = this.#minio.lab.controlGroup(node);
    if (/^frozen 1$/m.test(contents(`${group}/cgroup.events`))) return 'frozen';
    const processes = contents(`${group}/payload/system.slice/minio.service/cgroup.procs`).trim();
    if (processes === '') return 'no process';
    if (processes.split('\n').every((pid) => /\) T /.test(contents(`/proc/${pid}/stat`)))) return 'stopped';
    const answer = this.#answers.get(node) ?? 'fine';
    return answer === 'fine' ? undefined : answer;
  }

  async #ask(node: MinioNode): Promise<void> {
    while (!this.#isStopped) {
      const { status, serverStatus } = await this.#minio.probe(node, 'live', answerMsMax);
      const isUp = status === 200 || status === 'ETIMEDOUT';
      this.#answers.set(node, !isUp ? 'no answer' : serverStatus === 'offline' ? 'not joined' : 'fine');
      await sleep(askMs);
    }
  }
}

/** Empty when the file is not there: the unit, or the whole host, is off. */
function contents(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
