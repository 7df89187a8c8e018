/**
 * Messages of the daemon. What is to be told is written down first and struck out once the channel has taken it, so a daemon that dies tells it
 * later: at least once, since SNS cannot be asked. A channel that fails never changes what a run came to.
 */
import type { WindowStore } from '../../journal/index.ts';
import { AwsFailure } from '../../transports/aws.ts';
import type { DaemonLog } from './daemon-log.ts';

export interface Message {
  /** Names it; the same message is written down once. */
  readonly id: string;
  readonly topicArn: string;
  readonly subject: string;
  readonly text: string;
}

export type Publish = (message: Message) => Promise<void>;

const retryMs = { first: 10_000, longest: 600_000 } as const;
export class Messages {
  readonly #store: WindowStore;
  readonly #publish: Publish;
  readonly #now: () => number;
  readonly #log: DaemonLog;
  #pauseMs = 0;
  #notBefore = 0;

  constructor(store: WindowStore, publish: Publish, now: () => number, log: DaemonLog) {
    this.#store = store;
    this.#publish = publish;
    this.#now = now;
    this.#log = log;
  }

  tell({ id, topicArn, subject, text }: Message): void {
    if (this.#store.words(id).some(({ kind }) => kind === 'told')) return;
    const value = JSON.stringify({ topicArn, subject, text });
    this.#store.say(id, { kind: 'to-tell', by: 'belay', value, at: this.#now() });
  }

  /** Sends what is written down; after a failure not again before a pause. */
  async send(): Promise<void> {
    if (this.#now() < this.#notBefore && this.#notBefore - this.#now() <= retryMs.longest) return;
    for (const [id, { value }] of this.#store.wordsOf('to-tell')) {
      try {
        await this.#publish({ id, ...(JSON.parse(value) as Omit<Message, 'id'>) });
      } catch (error) {
        if (!(error instanceof AwsFailure)) throw error;
        this.#pauseMs = Math.min(this.#pauseMs === 0 ? retryMs.first : this.#pauseMs * 2, retryMs.longest);
        this.#notBefore = this.#now() + this.#pauseMs;
        this.#log.warn(
          { event: 'not-told', message: id, code: error.code },
          `a message could not be sent: ${error.message}`,
        );
        return;
      }
      this.#pauseMs = 0;
      this.#store.say(id, { kind: 'told', by: 'belay', value: '', at: this.#now() });
      this.#store.unsay(id, 'to-tell');
    }
  }
}
