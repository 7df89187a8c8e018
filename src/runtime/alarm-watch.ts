/**
 * Watches the alarm of CloudWatch that an execution was started with: in the state ALARM the execution is cancelled, and climbs down
 * as its runbook says. An alarm that cannot be read counts as one, unless the start says otherwise.
 */
import type { AlarmSetting, Journal } from '../journal/index.ts';
import { isJsonObject, type Json } from '../json.ts';
import type { Aws } from '../transports/aws.ts';

export interface TriggeredAlarm {
  readonly name: string;
  /** UNKNOWN: it could not be read, or there is none of that name. */
  readonly state: 'ALARM' | 'UNKNOWN';
}

export interface AlarmWatchParts {
  readonly executionId: string;
  readonly journal: Journal;
  readonly aws: Aws;
  readonly alarm: AlarmSetting;
  readonly tell: (text: string) => void;
  readonly now: () => number;
  /** Between two looks, in ms. */
  readonly everyMs?: number;
}

/** As AWS does not say how often it looks. */
const lookMs = 30_000;
/** Under which name the inbox of the execution keeps what was triggered. */
const entry = 'alarm';

export class AlarmWatch implements AsyncDisposable {
  readonly #parts: AlarmWatchParts;
  #timer: NodeJS.Timeout | undefined;
  #look: Promise<void> = Promise.resolve();
  #isOver = false;

  constructor(parts: AlarmWatchParts) {
    this.#parts = parts;
  }

  /** Looks once, and again and again from then on. */
  async start(): Promise<void> {
    await this.#lookOnce();
    const { everyMs = lookMs } = this.#parts;
    if (this.#isOver) return;
    this.#timer = setInterval(() => {
      this.#look = this.#look.then(() => this.#lookOnce()).catch(() => undefined);
    }, everyMs);
    this.#timer.unref();
  }

  /** The steps have come to their end: there is nothing more to stop. */
  stop(): void {
    this.#isOver = true;
    clearInterval(this.#timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    await this.#look;
  }

  async #lookOnce(): Promise<void> {
    if (this.#isOver) return;
    const { executionId, journal, alarm, tell, now } = this.#parts;
    const { state, why } = await this.#state();
    if (this.#isOver || state === 'OK' || (state === 'UNKNOWN' && alarm.ignorePollFailure)) return;
    this.stop();
    const triggered: TriggeredAlarm = { name: alarm.name, state };
    await journal.signal(executionId, entry, { ...triggered }, entry, now());
    await journal.requestCancel(executionId);
    const what = state === 'ALARM' ? `is in the state ALARM${why}` : `cannot be read${why}`;
    tell(`the alarm ${alarm.name} ${what}: the execution is stopped`);
  }

  async #state(): Promise<{ readonly state: 'OK' | TriggeredAlarm['state']; readonly why: string }> {
    const { aws, alarm } = this.#parts;
    try {
      const reply = await aws.call({
        service: 'cloudwatch',
        operation: 'DescribeAlarms',
        params: { AlarmNames: [alarm.name], AlarmTypes: ['MetricAlarm', 'CompositeAlarm'] },
      });
      const [found] = [...listOf(reply['MetricAlarms']), ...listOf(reply['CompositeAlarms'])];
      if (!isJsonObject(found ?? null)) return { state: 'UNKNOWN', why: ': there is none of that name' };
      const state = isJsonObject(found) ? found['StateValue'] : undefined;
      const reason = isJsonObject(found) ? found['StateReason'] : undefined;
      if (state === 'ALARM')
        return {
          state,
          why: typeof reason === 'string' && reason !== '' ? ` (${reason.slice(0, 300)})` : '',
        };
      return state === 'OK' || state === 'INSUFFICIENT_DATA'
        ? { state: 'OK', why: '' }
        : { state: 'UNKNOWN', why: ': CloudWatch tells no state of it' };
    } catch (error) {
      return { state: 'UNKNOWN', why: `: ${error instanceof Error ? error.message : String(error)}` };
    }
  }
}

const listOf = (value: Json | undefined): readonly Json[] =>
  Array.isArray(value) ? (value as readonly Json[]) : [];

/** What stopped the execution; undefined: no alarm has. */
export async function triggeredAlarm(journal: Journal, id: string): Promise<TriggeredAlarm | undefined> {
  const value = (await journal.peek(id, entry))?.value ?? null;
  if (!isJsonObject(value)) return undefined;
  const { name, state } = value;
  if (typeof name !== 'string' || (state !== 'ALARM' && state !== 'UNKNOWN')) return undefined;
  return { name, state };
}
