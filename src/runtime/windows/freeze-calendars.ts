/** Reads the freeze calendars of a window: files each time, URLs once in a while, and never believes half of one. */
import { statSync } from 'node:fs';
import { findZone, type Zone } from '../../schedule/index.ts';
import { troubleText } from '../../transports/messages/delivery.ts';
import {
  freezeBytesMax,
  parseFreeze,
  type FreezeCalendar,
  type FreezeSource,
  type ParsedFreeze,
  type Window,
} from '../../windows/index.ts';
import { readBytes } from '../read-text.ts';
import { bounded, TookTooLong } from './bounded.ts';

/** How long a calendar from a URL is believed, and how long one that did not answer is not asked again. */
const urlAgeMsMax = 15 * 60_000;
const silentMs = 30_000;

export interface FreezeLimits {
  /** To fetch one; nothing else is decided meanwhile. */
  readonly fetchMs: number;
  /** To read one, and to look for a time in it: rules can be written that never come and never end. */
  readonly readMs: number;
}

const usualLimits: FreezeLimits = { fetchMs: 10_000, readMs: 3_000 };

export type Freeze =
  | { readonly kind: 'known'; readonly calendars: readonly FreezeCalendar[] }
  /** Who cannot tell whether it is frozen does not run. */
  | { readonly kind: 'unknown'; readonly message: string };

interface Fetched {
  readonly at: number;
  readonly text: Promise<string>;
  hasFailed: boolean;
}

export class FreezeCalendars {
  readonly #fetched = new Map<string, Fetched>();
  /** Texts that took too long once. */
  readonly #slow = new Set<string>();
  readonly #limits: FreezeLimits;

  constructor(limits: FreezeLimits = usualLimits) {
    this.#limits = limits;
  }

  async of(window: Window, now: number): Promise<Freeze> {
    const zone = findZone(window.timezone);
    if (zone === undefined) return { kind: 'unknown', message: `${window.timezone} is not a zone` };
    const calendars: FreezeCalendar[] = [];
    for (const source of window.freeze) {
      const name = source.kind === 'file' ? source.path : source.url;
      try {
        const parsed = this.#read(await this.#textOf(source, now), zone);
        if (parsed.kind === 'problem') return unknown(name, parsed.message);
        calendars.push(parsed.calendar);
      } catch (error) {
        return unknown(name, whyOf(error, this.#limits));
      }
    }
    return { kind: 'known', calendars };
  }

  /** Whoever wrote the text decides neither for how long it is read, nor for how long a time is looked for in it. */
  #read(text: string, zone: Zone): ParsedFreeze {
    if (this.#slow.has(text)) return tooSlow;
    const within = <T>(work: () => T, late: T): T => {
      try {
        return bounded(work, this.#limits.readMs);
      } catch (error) {
        if (!(error instanceof TookTooLong)) throw error;
        this.#slow.add(text);
        return late;
      }
    };
    const parsed = within<ParsedFreeze>(() => parseFreeze(text, zone, findZone), tooSlow);
    if (parsed.kind === 'problem') return parsed;
    const { calendar } = parsed;
    const frozenBetween: FreezeCalendar['frozenBetween'] = (from, until) => {
      const late = [{ start: from, end: until, summary: `a freeze calendar, of which ${tooSlow.message}` }];
      return this.#slow.has(text) ? late : within(() => calendar.frozenBetween(from, until), late);
    };
    return { kind: 'calendar', calendar: { ...calendar, frozenBetween } };
  }

  async #textOf(source: FreezeSource, now: number): Promise<string> {
    if (source.kind === 'file') {
      if (!statSync(source.path).isFile()) throw new Error('it is not a file');
      const bytes = readBytes(source.path);
      if (bytes.length > freezeBytesMax) throw new Error(`it is larger than ${freezeBytesMax} bytes`);
      return bytes.toString('utf8');
    }
    const known = this.#fetched.get(source.url);
    const ageMs = known === undefined ? Infinity : now - known.at;
    if (known !== undefined && ageMs >= 0 && ageMs < (known.hasFailed ? silentMs : urlAgeMsMax))
      return known.text;
    const fetched: Fetched = { at: now, text: fetchText(source.url, this.#limits), hasFailed: false };
    fetched.text.catch(() => (fetched.hasFailed = true));
    this.#fetched.set(source.url, fetched);
    return fetched.text;
  }
}

const tooSlow = {
  kind: 'problem',
  message: 'nobody can tell what it says: a rule of it never comes to an end',
} as const;

const unknown = (name: string, message: string): Freeze => ({
  kind: 'unknown',
  message: `the freeze calendar ${name} cannot be read: ${message}`,
});

/** What fetch itself says is `fetch failed`; why stands behind it. */
function whyOf(error: unknown, { fetchMs }: FreezeLimits): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `it did not answer within ${fetchMs / 1000} s`;
  return error.cause instanceof Error ? troubleText(error.cause) : error.message;
}

/** At most freezeBytesMax of it. */
async function fetchText(url: string, { fetchMs }: FreezeLimits): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(fetchMs) });
  if (!response.ok) throw new Error(`it answered ${response.status}`);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > freezeBytesMax) throw new Error(`it is larger than ${freezeBytesMax} bytes`);
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks).toString('utf8');
}
