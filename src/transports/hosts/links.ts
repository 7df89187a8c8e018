/**
 * The keepers of one host: one for the account itself and one for what it becomes, opened when first used. Several names may be
 * one host, so who asks says under which.
 */
import { HostFailure } from '../host.ts';
import type { Channel } from './channel.ts';
import { cancelled, noProcess } from './failure.ts';
import { HostLink, LinkBroken } from './link.ts';
import { refusal } from './protocol/state.ts';

/** How shells say that they could not start a process. */
/** Of shells that cannot fork, and of what hands over to one: the limit counts when an account begins a program, too (EAGAIN, execve(2)). */
const cannotFork = /\b[Cc]an(?:no|')t fork\b|\bResource temporarily unavailable\b/;

export type Become = 'none' | 'sudo';

/** Who asks what. */
export interface Asking {
  readonly become: Become;
  /** The label of the host, for people. */
  readonly host: string;
  readonly signal: AbortSignal;
}

interface Opened {
  readonly link: HostLink;
  /** Whether it was there before it was asked for. */
  readonly isOld: boolean;
}

export class HostLinks {
  readonly #host: string;
  readonly #channel: Channel;
  readonly #links = new Map<Become, HostLink>();
  readonly #opening = new Map<Become, Promise<HostLink>>();

  constructor(host: string, channel: Channel) {
    this.#host = host;
    this.#channel = channel;
  }

  /** Those that are open now. */
  open(): HostLink[] {
    return [...this.#links.values()].filter(({ isOpen }) => isOpen);
  }

  /**
   * Runs what asks a keeper. A link that had been lost without anybody's notice is made anew once, as all requests are
   * safe to repeat. Rejects with HostFailure.
   */
  async ask<T>(asking: Asking, act: (link: HostLink) => Promise<T>): Promise<T> {
    const { host, signal } = asking;
    const { link, isOld } = await this.#get(asking);
    try {
      return await untilAborted(act(link), host, signal);
    } catch (error) {
      if (!(error instanceof LinkBroken)) throw error;
      if (!isOld || error.heard || error.failure.code !== 'CONNECTION_LOST' || signal.aborted)
        throw error.failure;
      return this.#askAgain(asking, act, error.failure);
    }
  }

  close(): void {
    for (const link of this.#links.values()) link.fail(cancelled(this.#host, new Error('it was closed')));
    this.#links.clear();
  }

  /**
   * A host that cannot be reached again leaves the first failure: after it nobody knows whether the request had arrived.
   * One that is refused (its key changed, another machine answers) is told of as what it is.
   */
  async #askAgain<T>(asking: Asking, act: (link: HostLink) => Promise<T>, first: HostFailure): Promise<T> {
    const { host, signal } = asking;
    let link: HostLink;
    try {
      ({ link } = await this.#get(asking));
    } catch (error) {
      if (signal.aborted || !(error instanceof HostFailure)) throw error;
      throw error.retryable ? first : refusedAgain(error);
    }
    try {
      return await untilAborted(act(link), host, signal);
    } catch (error) {
      throw error instanceof LinkBroken ? error.failure : error;
    }
  }

  async #get({ become, host, signal }: Asking): Promise<Opened> {
    const known = this.#links.get(become);
    if (known?.isOpen === true) return { link: known, isOld: true };
    let opening = this.#opening.get(become);
    if (opening === undefined) {
      opening = this.#open(become).finally(() => this.#opening.delete(become));
      opening.catch(() => {});
      this.#opening.set(become, opening);
    }
    const seen = () => this.#channel.seen?.();
    return { link: await untilAborted(opening, host, signal, seen), isOld: false };
  }

  /** Rejects with HostFailure; nothing was asked then. */
  async #open(become: Become): Promise<HostLink> {
    const { signal } = new AbortController();
    for (let attempt = 1; ; attempt += 1) {
      const session = await this.#channel.open({ become, signal });
      const again = { wanted: false };
      const link = new HostLink(session, {
        host: this.#host,
        shell: this.#channel.shell,
        explain: async (ended) => {
          if (!ended.begun && cannotFork.test(ended.stderr)) return noProcess(this.#host, 'none');
          const failure = await this.#channel.explain({ ...ended, attempt });
          if (failure !== 'again') return failure;
          again.wanted = true;
          return cancelled(this.#host, new Error('it is tried again'));
        },
      });
      try {
        const ready = await link.open();
        if (ready.kind === 'refused') {
          link.fail(refusal(ready, this.#host));
          throw refusal(ready, this.#host);
        }
        this.#links.set(become, link);
        return link;
      } catch (error) {
        if (!(error instanceof LinkBroken)) throw error;
        // Nothing was asked over it yet.
        const isFirstLoss = attempt === 1 && error.failure.code === 'CONNECTION_LOST';
        if (!again.wanted && !isFirstLoss) throw error.failure;
      }
    }
  }
}

function refusedAgain({ code, message, cause }: HostFailure): HostFailure {
  return new HostFailure({
    code,
    message: `${message}\nThat was when the connection was made anew: what had been asked over the one before may have had an effect.`,
    retryable: false,
    effect: 'unknown',
    cause,
  });
}

/** Several callers may wait for the same; one of them giving up does not end it for the others. Rejects with HostFailure. */
async function untilAborted<T>(
  promise: Promise<T>,
  host: string,
  signal: AbortSignal,
  seen: () => string | undefined = () => undefined,
): Promise<T> {
  let abort: () => void = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(cancelled(host, signal.reason, seen()));
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
    promise.catch(() => {});
  }
}
