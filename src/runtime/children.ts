/**
 * The executions below one that is run here. Each has a runtime of its own over the same journal; what runs is in memory,
 * what has ended is not.
 */
import type { ChildCall, ChildOutcome, ExecutionResult } from '../engine/index.ts';
import type { ExecutionRow, ExecutionSettings, Journal, NewChild } from '../journal/index.ts';
import type { JsonObject } from '../json.ts';
import type { Attention } from './attention.ts';
import { programSha256 } from './program-hash.ts';
import { childIdOf, rootOf } from './child-id.ts';

/** The execution above, as a child sees it. */
export interface Above {
  readonly executionId: string;
  /** One for the root and all below it. */
  readonly attention: Attention;
  isCancelled(): Promise<boolean>;
  /** Whether nothing goes on in the root and all below it but waits for people. */
  isAllIdle(): boolean;
}

export interface ChildPorts {
  /** What a child has from the execution above it. */
  readonly file: string;
  readonly settings: ExecutionSettings;
  readonly hasSignedApprovals?: boolean;
  /** Runs it here, from its beginning or from where it is. */
  readonly run: (row: ExecutionRow, above: Above, options: ChildOptions) => RunningChild;
}

export interface ChildOptions {
  readonly ignoresCancel: boolean;
}

export interface RunningChild {
  /** Whether nothing goes on in it but waits for people. */
  readonly runtime: { readonly isIdle: boolean };
  readonly result: Promise<ExecutionResult>;
}

/** What a call came to, without its times. */
export type ChildEnding = DistributiveOmit<ChildOutcome, 'startedAt' | 'endedAt' | 'absentMs'>;
type DistributiveOmit<T, K extends string> = T extends unknown ? Omit<T, K> : never;

type Asked = Pick<ChildCall, 'id' | 'timeoutMs' | 'ignoreCancel'>;

/** The longest that a timer of Node can run. */
const timerMsMax = 2 ** 31 - 1;
/** After how long a cancel that could not be written down is tried again, in ms. */
const retryMs = 1_000;

export class Children {
  readonly #above: Above;
  readonly #journal: Journal;
  readonly #now: () => number;
  readonly #ports: ChildPorts | undefined;
  /** By the id of the call that runs it. */
  readonly #running = new Map<string, RunningChild>();

  constructor(parts: {
    readonly above: Above;
    readonly journal: Journal;
    readonly now: () => number;
    readonly ports: ChildPorts | undefined;
  }) {
    this.#above = parts.above;
    this.#journal = parts.journal;
    this.#now = parts.now;
    this.#ports = parts.ports;
  }

  /** Of the child that the call starts. */
  idOf(call: string): string {
    return childIdOf(this.#above.executionId, call);
  }

  /** The child as it is written down. `parameters`: without secrets. */
  of(asked: ChildCall, parameters: JsonObject): NewChild {
    const { id: call, step, target, runbook, program, input } = asked;
    const { executionId: parent } = this.#above;
    const { file, settings: above, hasSignedApprovals } = this.#usable();
    const { runbookSha256: _, ...settings } = above;
    const runbookFile = asked.file ?? settings.runbookFile;
    return {
      id: this.idOf(call),
      runbook,
      file: asked.file ?? file,
      program,
      sha256: programSha256(program),
      input: {
        ...input,
        parameters,
        rollbackRequests: [],
        failAt: null,
        parent,
        ...(hasSignedApprovals === true ? { signedApprovals: true } : {}),
      },
      settings: { ...settings, ...(runbookFile === undefined ? {} : { runbookFile }) },
      createdAt: this.#now(),
      child: { root: rootOf(parent), parent, call, step, target },
    };
  }

  /** Whether nothing goes on in the child that the call runs but waits for people. */
  isIdle(call: string): boolean {
    return this.#running.get(call)?.runtime.isIdle ?? false;
  }

  /** Until the child has ended. `startedAt`: when the call was first made. */
  async run({ id, timeoutMs, ignoreCancel }: Asked, child: string, startedAt: number): Promise<ChildEnding> {
    const row = await this.#journal.execution(child);
    if (row?.child?.parent !== this.#above.executionId)
      throw new Error(`the journal has another execution as ${child}, the child of call ${id}`);
    using _limit = this.#cancelAt(child, timeoutMs === null ? null : startedAt + timeoutMs);
    const running = this.#usable().run(row, this.#above, { ignoresCancel: ignoreCancel });
    this.#running.set(id, running);
    try {
      const result = await running.result;
      const isTimedOut = result.status === 'Cancelled' && (await this.#journal.isCancelRequested(child));
      return { status: 'ended', executionId: child, result, isTimedOut };
    } finally {
      this.#running.delete(id);
    }
  }

  /** Nobody but its time limit cancels a child by itself. */
  #cancelAt(child: string, at: number | null): Disposable {
    let timer: NodeJS.Timeout | undefined;
    const look = async (): Promise<void> => {
      if (at === null) return;
      const left = at - this.#now();
      if (left > 0) {
        timer = setTimeout(() => void look(), Math.min(left, timerMsMax));
        return;
      }
      try {
        await this.#journal.requestCancel(child);
        this.#above.attention.wake();
      } catch {
        // The child's next write says what is wrong.
        timer = setTimeout(() => void look(), retryMs);
      }
    };
    void look();
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  }

  #usable(): ChildPorts {
    if (this.#ports === undefined) throw new Error('this runtime runs no children');
    return this.#ports;
  }
}
