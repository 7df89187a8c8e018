/**
 * What people are told of windows: what each occurrence came to, that one waits for an approval, and that a run needs a person. Each is
 * put into the outbox before the decision that it tells is written down, under a key of its own: told again, it is told once.
 */
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import type { WindowStore } from '../../journal/index.ts';
import { utcText, withFields, type Channel, type Message } from '../../notify/index.ts';
import { summaryOf, type Occurrence } from '../../windows/index.ts';
import type { Audience } from '../notify/address.ts';
import type { Notifier } from '../notify/notifier.ts';
import { Refusal } from '../refusal.ts';
import type { DaemonLog } from './daemon-log.ts';
import { wordObject } from './stored.ts';

export interface WindowMessagesPorts {
  readonly store: WindowStore;
  /** Undefined: nobody is told. */
  readonly notifier: Pick<Notifier, 'tell' | 'audienceHere'> | undefined;
  readonly now: () => number;
  readonly log: DaemonLog;
}

/** What a person has to do for a run. */
export interface Need {
  readonly says: string;
  /** The execution has said it itself, in its journal. */
  readonly isInJournal: boolean;
}

const needEveryMs = 3_600_000;

export class WindowMessages {
  readonly #ports: WindowMessagesPorts;
  /** As they were when belay.yaml could last be read. */
  #known: Pick<Audience, 'config' | 'channels'> = { config: null, channels: [] };

  /** Keys that this process has told already. */
  readonly #told = new Set<string>();

  constructor(ports: WindowMessagesPorts) {
    this.#ports = ports;
    this.#takeOver();
  }

  summary(occurrence: Occurrence): void {
    const { id, window, endedAt, dueAt, status } = occurrence;
    const at = endedAt ?? dueAt;
    this.#tell(
      withFields(
        { key: `ended:${id}`, event: 'windowSummary', about: id, at, ...summaryOf(occurrence) },
        { ...this.#fields(window, id), status, command: `belay window history ${window}` },
      ),
      occurrence,
    );
  }

  /** It is due, and waits for somebody to say yes. `outdated`: what was said, and holds no more; told anew where that changes. */
  approval(occurrence: Occurrence, outdated: readonly string[] = []): void {
    const { id, window, dueAt, cutoffAt, approval } = occurrence;
    if (approval === null) return;
    const command = `belay window approve ${window}`;
    this.#tell(
      withFields(
        {
          key: ['asks', id, ...(outdated.length === 0 ? [] : [shortHash(outdated.join('\n'))])].join(':'),
          event: 'approvalWanted',
          about: id,
          at: dueAt,
          subject: `${window} is due and wants an approval`,
          text: [
            `${id} was due ${utcText(dueAt)} and starts nothing before somebody says yes.`,
            ...outdated.map((each) => `${each}.`),
            `${approval.minRequired} of ${approval.approvers.join(', ')}, until ${utcText(cutoffAt)}.`,
            `on ${hostname()}: ${command}`,
          ].join('\n'),
        },
        { ...this.#fields(window, id), command },
      ),
      occurrence,
    );
  }

  /** Something that no occurrence is about, and that somebody has to put right. Whoever is told of all is told once for each key. */
  alarm(alarm: {
    readonly key: string;
    readonly about: string;
    readonly at: number;
    readonly subject: string;
    readonly text: string;
    readonly command: string;
    readonly whom?: Pick<Occurrence, 'notifySns' | 'notifyChannels'>;
  }): void {
    const { about, at, subject, text, command, whom = {} } = alarm;
    // A key is a name and no text: some are made of all that is wrong.
    const key = `alarm:${shortHash(alarm.key)}`;
    this.#tell(
      withFields(
        { key, event: 'needsPerson', about, at, subject, text: `${text}\non ${hostname()}: ${command}` },
        { runbook: about, machine: hostname(), command },
      ),
      whom,
    );
  }

  /** At once, and again every hour. `need`: undefined, where it needs nobody. */
  need(occurrence: Occurrence, executionId: string, need: Need | undefined): void {
    if (need === undefined) return;
    const { store, now, log } = this.#ports;
    const { id, window } = occurrence;
    const earlier = store.words(executionId).filter(({ kind }) => kind === 'needs-person');
    const sinceMs = now() - (earlier.at(-1)?.at ?? -Infinity);
    if (sinceMs >= 0 && sinceMs < needEveryMs) return;
    const count = earlier.length;
    // Told before it is written down that it was told: who dies in between tells it again.
    this.#tell(
      withFields(
        {
          key: `need:${executionId}:${count}`,
          event: 'needsPerson',
          about: id,
          at: now(),
          subject: `${id} needs a person`,
          text: `${executionId} of ${id} needs a person: ${need.says}`,
        },
        { ...this.#fields(window, executionId), command: `belay show ${executionId}` },
      ),
      occurrence,
      // The first time, channels that hear of everything hear it from the execution itself, where that can say it.
      count === 0 && need.isInJournal ? 'untold' : 'all',
    );
    store.say(executionId, { kind: 'needs-person', by: `time ${count}`, value: need.says, at: now() });
    log.warn({ event: 'needs-person', occurrence: id, execution: executionId }, need.says);
  }

  #fields(window: string, id: string) {
    return { runbook: window, id, machine: hostname() };
  }

  /** `whom`: all, or of those that the window names the ones that hear of an execution from nowhere else. */
  #tell(
    message: Message,
    occurrence: Pick<Occurrence, 'notifySns' | 'notifyChannels'>,
    whom: 'all' | 'untold' = 'all',
  ): void {
    const { notifier } = this.#ports;
    if (notifier === undefined || this.#told.has(message.key)) return;
    const audience = this.#audience(occurrence);
    const isWanted = ({ name, isOnlyNamed }: Channel): boolean =>
      whom === 'all' || (audience.named.includes(name) && isOnlyNamed);
    const channels = audience.channels.filter(isWanted);
    if (channels.length + audience.topicArns.length > 0) notifier.tell(message, { ...audience, channels });
    this.#told.add(message.key);
  }

  #audience({ notifySns, notifyChannels = [] }: Pick<Occurrence, 'notifySns' | 'notifyChannels'>): Audience {
    const { notifier, log } = this.#ports;
    const topicArns = notifySns === undefined ? [] : [notifySns];
    try {
      const audience = notifier?.audienceHere(notifyChannels, topicArns);
      if (audience !== undefined) this.#known = { config: audience.config, channels: audience.channels };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      log.warn(
        { event: 'refused', code: error.code },
        'belay.yaml cannot be read; its last channels are told',
      );
    }
    return { ...this.#known, named: notifyChannels, topicArns };
  }

  /** What an earlier version had written down and not sent. */
  #takeOver(): void {
    const { store, notifier, now } = this.#ports;
    if (notifier === undefined) return;
    for (const [key, { value }] of store.wordsOf('to-tell')) {
      const { topicArn, subject, text } = wordObject(value);
      if (typeof topicArn !== 'string' || typeof subject !== 'string' || typeof text !== 'string') {
        store.unsay(key, 'to-tell');
        continue;
      }
      const event = key.startsWith('need:') ? 'needsPerson' : 'windowSummary';
      const message = withFields({ key, event, about: key, at: now(), subject, text }, {});
      notifier.tell(message, { config: null, channels: [], named: [], topicArns: [topicArn] });
      store.unsay(key, 'to-tell');
    }
  }
}

const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);
