/**
 * Tells people: gathers what the journal holds into the outbox and delivers what is due. Any belay process on a state folder does it,
 * at its end at the latest. What a channel does never changes what a run came to; troubles are data.
 */
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { resolveInputs } from '../../document/index.ts';
import type { EngineEvent } from '../../engine/index.ts';
import {
  hasOutbox,
  JournalFailure,
  openOutbox,
  type Destination,
  type ExecutionRow,
  type Journal,
  type Outbox,
} from '../../journal/index.ts';
import { topicArnPattern, type Channel, type Message, type Way } from '../../notify/index.ts';
import type { Aws } from '../../transports/aws.ts';
import { createAws } from '../../transports/aws/client.ts';
import type { Delivery, Letter } from '../../transports/messages/delivery.ts';
import type { Configurations } from '../configuration.ts';
import { acquireNotifyLock, isDaemonAlive } from '../lock.ts';
import { parameterScope } from '../parameter-scope.ts';
import { runnersIn } from '../liveness.ts';
import { Refusal } from '../refusal.ts';
import { stateDirOf } from '../state-dir.ts';
import { shellWord } from '../visible.ts';
import { addressed, addressees, type Audience } from './address.ts';
import { channelTroubleMessage } from './channel-messages.ts';
import { deliver, type ChannelTrouble } from './deliver.ts';
import { gather } from './gather.ts';
import { send } from './send.ts';
import type { PeopleWords } from './words.ts';

export interface NotifierOptions {
  readonly stateDir: string;
  readonly configurations: Configurations;
  readonly env: NodeJS.ProcessEnv;
  readonly journal: () => Journal;
  readonly words: () => Promise<PeopleWords>;
  readonly now: () => number;
  /** Left out, the real ways. */
  readonly send?: (way: Way, letter: Letter, signal: AbortSignal) => Promise<Delivery>;
}

/** How long settled messages are kept, for deduplication and `belay notify list --all`. */
const keptMs = 30 * 24 * 3_600_000;
/** How long a daemon has to take an execution over before people are told. */
const aloneMs = 60_000;
const tellingEvents: ReadonlySet<EngineEvent['type']> = new Set([
  'StepWaiting',
  'ForwardEnded',
  'RollbackEnded',
  'LocksRefused',
]);
/** Events that come together are gathered together. */
const nudgeMs = 250;
/** How often a running execution looks for messages that are due again, and at what goes on below it. */
const againMs = 5_000;
/** For what is under way to be written down when the bound is over. */
const lastMs = 500;

export class Notifier {
  readonly #options: NotifierOptions;
  readonly #now: () => number;
  readonly #stop = new AbortController();
  readonly #troubles = new Map<string, ChannelTrouble>();
  /** Executions without a runner, by when this process first saw them so. */
  readonly #aloneSince = new Map<string, number>();
  #outbox: Outbox | undefined;
  readonly #aws = new Map<string | undefined, Aws>();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isAskedAgain = false;

  constructor(options: NotifierOptions) {
    this.#options = options;
    this.#now = options.now;
  }

  /** Made where it is missing: from then on people are told of what happens in this state folder. Throws JournalFailure. */
  get outbox(): Outbox {
    return (this.#outbox ??= openOutbox(this.#options.stateDir));
  }

  /** Whether anybody ever asked to be told here. */
  get isUsed(): boolean {
    return this.#outbox !== undefined || hasOutbox(this.#options.stateDir);
  }

  /**
   * While an execution runs here: makes the outbox where somebody is to be told of it, and tells people beside it, when it
   * has done something and when a message is due again. An outbox that cannot be used stops no run; the end of the command says so.
   */
  during(row: ExecutionRow): { hear(event: EngineEvent): void } & Disposable {
    try {
      this.#expect(row);
    } catch (error) {
      if (!(error instanceof JournalFailure)) throw error;
    }
    const timer = setInterval(() => this.nudge(), againMs);
    timer.unref();
    return {
      hear: ({ type }) => {
        if (tellingEvents.has(type)) this.nudge();
      },
      [Symbol.dispose]: () => clearInterval(timer),
    };
  }

  #expect(row: ExecutionRow): void {
    if (row.settings.sandbox) return;
    const { channels, topicArns } = this.#audience(row) ?? { channels: [], topicArns: [] };
    const { document } = row.program;
    if (channels.length + topicArns.length > 0 || JSON.stringify(document).includes('"NotificationArn"'))
      void this.outbox;
  }

  /** Puts a message into the outbox for whoever is to be told. Idempotent by its key. Throws JournalFailure. */
  tell(message: Message, audience: Audience): void {
    const now = this.#now();
    this.outbox.put(
      { messages: addressees(audience, message).map((each) => addressed(message, each, now)) },
      now,
    );
  }

  /** Something may have happened: looks and delivers soon, beside whatever goes on. */
  nudge(): void {
    if (!this.isUsed || this.#stop.signal.aborted) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.round().catch(() => undefined);
    }, nudgeMs);
  }

  /** Gathers and delivers once; one that is under way does it once more. Throws JournalFailure. */
  round(): Promise<void> {
    if (this.#running !== undefined) {
      this.#isAskedAgain = true;
      return this.#running;
    }
    return (this.#running = this.#rounds().finally(() => (this.#running = undefined)));
  }

  async #rounds(): Promise<void> {
    do {
      this.#isAskedAgain = false;
      await this.#gather();
      await this.#deliver();
    } while (this.#isAskedAgain && !this.#stop.signal.aborted);
  }

  /**
   * The last round of a process, bounded: what is under way after `boundMs` is left for the next one. Returns the channels that
   * could not be told. Throws JournalFailure.
   */
  async finish(boundMs: number): Promise<readonly ChannelTrouble[]> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.isUsed) return [];
    const bound = setTimeout(() => this.#stop.abort(), boundMs);
    const over = new AbortController();
    try {
      const round = this.round();
      // Most of what hangs ends with the signal; what does not, such as reading a secret, is left behind.
      const last = delay(boundMs + lastMs, undefined, { signal: over.signal }).catch(() => undefined);
      await Promise.race([round, last]);
      round.catch(() => undefined);
      return this.takeTroubles();
    } finally {
      clearTimeout(bound);
      over.abort();
    }
  }

  /** The channels that could not be told since the last call, each once. */
  takeTroubles(): readonly ChannelTrouble[] {
    const troubles = [...this.#troubles.values()];
    this.#troubles.clear();
    return troubles;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#stop.abort();
    this.#outbox?.close();
    this.#outbox = undefined;
  }

  async #gather(): Promise<void> {
    const { journal, stateDir, words, env } = this.#options;
    const usual = stateDirOf(undefined, { ...env, BELAY_STATE: '' });
    await gather({
      journal: journal(),
      outbox: this.outbox,
      runners: runnersIn(stateDir),
      words: await words(),
      machine: hostname(),
      stateWords: stateDir === usual ? '' : ` --state ${shellWord(stateDir)}`,
      now: this.#now,
      isLeftAlone: (id) => this.#isLeftAlone(id),
      audience: (row) => this.#audience(row),
    });
  }

  /** A daemon takes over what a dead runner left, so only what it leaves alone for a while is told, by whoever sees it so long. */
  #isLeftAlone(id: string): boolean {
    if (!isDaemonAlive(this.#options.stateDir)) return true;
    const since = this.#aloneSince.get(id) ?? this.#now();
    this.#aloneSince.set(id, since);
    return this.#now() - since >= aloneMs;
  }

  async #deliver(): Promise<void> {
    const { stateDir, env, send: sendBy } = this.#options;
    const outbox = this.outbox;
    await deliver(
      {
        outbox,
        now: this.#now,
        way: (destination) => this.#way(destination),
        lock: (destination) => acquireNotifyLock(stateDir, lockName(destination)),
        send:
          sendBy ??
          ((way, letter, signal) =>
            send(way, letter, { env, aws: () => this.#awsFor(letter), now: this.#now, signal })),
        told: (trouble) => this.#troubled(trouble),
      },
      this.#stop.signal,
    );
    outbox.forget(this.#now() - keptMs);
  }

  /**
   * A topic that a runbook names is asked as whoever runs it, and every other one as whoever tells people here. In the process of a
   * window's task the two differ.
   */
  #awsFor({ fields }: Letter): Aws {
    const profile = fields['awsProfile'] ?? this.#options.env['BELAY_NOTIFY_PROFILE'];
    const known = this.#aws.get(profile);
    if (known !== undefined) return known;
    const aws = createAws(profile === undefined ? {} : { profile });
    this.#aws.set(profile, aws);
    return aws;
  }

  /** Kept for the ending, and told by the other channels. */
  #troubled(trouble: ChannelTrouble): void {
    this.#troubles.set(lockName(trouble), trouble);
    const message = channelTroubleMessage(trouble, this.#now());
    if (message === undefined || trouble.config === '') return;
    const { channels } = this.#channels(trouble.config);
    const others = channels.filter(({ name, isOnlyNamed }) => name !== trouble.channel && !isOnlyNamed);
    this.tell(message, { config: trouble.config, channels: others, named: [], topicArns: [] });
  }

  #way({ config, channel }: Destination): { readonly way: Way } | { readonly why: string } {
    if (config === '') return { way: { kind: 'sns', topicArn: channel, group: 'belay' } };
    const { channels, why } = this.#channels(config);
    const found = channels.find(({ name }) => name === channel);
    if (found !== undefined) return { way: found.way };
    return { why: why ?? `${config} has no channel ${channel} any more` };
  }

  #channels(config: string): { readonly channels: readonly Channel[]; readonly why?: string | undefined } {
    try {
      return { channels: this.#options.configurations.read(config).inventory?.channels ?? [] };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const [first] = error.diagnostics;
      const what = first === undefined ? error.message : `line ${first.start.line}: ${first.message}`;
      return { channels: [], why: `${config}: ${what}` };
    }
  }

  /** Undefined: its belay.yaml cannot be read now, so nobody can say. */
  #audience({ settings, program, input }: ExecutionRow): Audience | undefined {
    const { notify } = program.document;
    const config = settings.inventoryFile;
    const { channels, why } =
      config === null || !this.#options.configurations.has(config)
        ? { channels: [] }
        : this.#channels(config);
    if (config !== null && why !== undefined) {
      this.#troubles.set(config, { config, channel: '', why, attempts: 0, isGivenUp: false });
      return undefined;
    }
    const sns = resolveInputs(notify?.sns ?? '', parameterScope(input.parameters));
    const arn = sns.ok && typeof sns.value === 'string' ? sns.value : '';
    return {
      config,
      channels,
      named: notify?.channels ?? [],
      topicArns: topicArnPattern.test(arn) ? [arn] : [],
      ...(settings.awsProfile === undefined ? {} : { profile: settings.awsProfile }),
    };
  }

  /** Of the belay.yaml that is in force here; for messages that belong to no execution. Throws Refusal. */
  audienceHere(named: readonly string[], topicArns: readonly string[]): Audience {
    const { file, inventory } = this.#options.configurations.find();
    return { config: file, channels: inventory?.channels ?? [], named, topicArns };
  }
}

function lockName({ config, channel }: Destination): string {
  return createHash('sha256')
    .update(JSON.stringify([config, channel]))
    .digest('hex')
    .slice(0, 32);
}
