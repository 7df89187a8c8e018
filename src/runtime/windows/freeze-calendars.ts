/** Reads the freeze calendars of a window: files each time, URLs once in a while, and never believes half of one. */
import { readFileSync, statSync } from 'node:fs';
import { findZone } from '../../schedule/index.ts';
import {
  freezeBytesMax,
  parseFreeze,
  type FreezeCalendar,
  type FreezeSource,
  type Window,
} from '../../windows/index.ts';

/** How long a calendar from a URL is believed. */
const urlAgeMsMax = 15 * 60_000;
const urlTimeoutMs = 20_000;

export type Freeze =
  | { readonly kind: 'known'; readonly calendars: readonly FreezeCalendar[] }
  /** Who cannot tell whether it is frozen does not run. */
  | { readonly kind: 'unknown'; readonly message: string };

interface Fetched {
  readonly at: number;
  readonly text: string;
}

export class FreezeCalendars {
  readonly #fetched = new Map<string, Fetched>();

  async of(window: Window, now: number): Promise<Freeze> {
    const zone = findZone(window.timezone);
    if (zone === undefined) return { kind: 'unknown', message: `${window.timezone} is no zone` };
    const calendars: FreezeCalendar[] = [];
    for (const source of window.freeze) {
      const name = source.kind === 'file' ? source.path : source.url;
      try {
        const parsed = parseFreeze(await this.#textOf(source, now), zone, findZone);
        if (parsed.kind === 'problem') return unknown(name, parsed.message);
        calendars.push(parsed.calendar);
      } catch (error) {
        return unknown(name, error instanceof Error ? error.message : String(error));
      }
    }
    return { kind: 'known', calendars };
  }

  async #textOf(source: FreezeSource, now: number): Promise<string> {
    if (source.kind === 'file') {
      if (statSync(source.path).size > freezeBytesMax)
        throw new Error(`it is larger than ${freezeBytesMax} bytes`);
      return readFileSync(source.path, 'utf8');
    }
    const known = this.#fetched.get(source.url);
    if (known !== undefined && now - known.at < urlAgeMsMax && now >= known.at) return known.text;
    const text = await fetchText(source.url);
    this.#fetched.set(source.url, { at: now, text });
    return text;
  }
}

const unknown = (name: string, message: string): Freeze => ({
  kind: 'unknown',
  message: `the freeze calendar ${name} cannot be read: ${message}`,
});

/** At most freezeBytesMax of it, within urlTimeoutMs. */
async function fetchText(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(urlTimeoutMs) });
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
