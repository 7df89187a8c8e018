/**
 * The search for every registered secret after the last test: over the state folders that tests were done with (logs and every
 * value of the journals among them), the journals of the endpoints, and the arguments of every execve of the run. One pass over each.
 * It says whose secret stands where and how; never the secret.
 */
import { closeSync, createReadStream, openSync, readdirSync, readSync } from 'node:fs';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import type { Started } from '../exec-watch/exec-watch.ts';
import { base64Parts, rowsOf } from './forms.ts';
import { registeredSecrets, type Secret } from './registry.ts';
import { Needles, Scanner, type Needle } from './scanner.ts';

export interface Searched {
  /** One line for each secret and place. Empty: found nowhere. */
  readonly found: readonly string[];
  readonly secrets: number;
  readonly files: number;
  readonly bytes: number;
  readonly execs: number;
}

/** Searches what the run kept, and the log of its watch when it had one. */
export async function searchRun(folder: string, execLog?: string): Promise<Searched> {
  const secrets = registeredSecrets(folder);
  const needles = new Needles(secrets.flatMap(needlesOf));
  const kept = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => name.startsWith('kept-'));
  const files = kept.flatMap(({ name }) => filesBelow(join(folder, name)));
  const found: string[] = [];
  let bytes = 0;
  for (const file of files) {
    const search = new Search(needles);
    bytes += addFile(search, file);
    if (file.endsWith('journal.db')) search.add(rowsOf(file));
    for (const what of search.end()) found.push(`${what}, in ${relative(folder, file)}`);
  }
  const { found: started, execs } =
    execLog === undefined ? { found: [], execs: 0 } : await searchExecs(needles, execLog);
  return { found: [...found, ...started], secrets: secrets.length, files: files.length, bytes, execs };
}

/** As it is, and in the encodings in which it could stand somewhere. */
export function needlesOf({ name, cores }: Secret): Needle<string>[] {
  return cores.flatMap((core) => {
    const hex = Buffer.from(core).toString('hex');
    const url = encodeURIComponent(core);
    const forms: Record<string, readonly string[]> = {
      plain: [core],
      hex: [hex, hex.toUpperCase()],
      base64: base64Parts(core),
      url: url === core ? [] : [url, url.replaceAll(/%../g, (escape) => escape.toLowerCase())],
      reverse: [Array.from(core).toReversed().join('')],
    };
    return Object.entries(forms).flatMap(([form, texts]) =>
      texts.map((text) => ({ bytes: Buffer.from(text), meaning: `${name} in ${form}` })),
    );
  });
}

/** The same bytes twice: `\n` within JSON is white space to one, and may be the end of a secret to the other. */
class Search {
  readonly #scanners: readonly Scanner<string>[];

  constructor(needles: Needles<string>) {
    this.#scanners = [new Scanner(needles, false), new Scanner(needles, true)];
  }

  add(bytes: Buffer): void {
    for (const scanner of this.#scanners) scanner.add(bytes);
  }

  end(): ReadonlySet<string> {
    return new Set(this.#scanners.flatMap((scanner) => [...scanner.end()]));
  }
}

/** One pass over the whole log; only when something was found, line by line, to say in which arguments. */
async function searchExecs(
  needles: Needles<string>,
  file: string,
): Promise<{ found: readonly string[]; execs: number }> {
  const search = new Search(needles);
  addFile(search, file);
  const inLog = search.end();
  const found = new Set<string>();
  const explained = new Set<string>();
  let execs = 0;
  for await (const line of createInterface({ input: createReadStream(file, 'latin1') })) {
    execs += 1;
    if (inLog.size === 0) continue;
    const { argv } = JSON.parse(line) as Started;
    for (const what of namesIn(needles, argv.join('\0'))) {
      const shown = argv.map((arg) => (namesIn(needles, arg).size > 0 ? '***' : arg)).join(' ');
      explained.add(what);
      found.add(`${what}, in the arguments of: ${shown.slice(0, 300)}`);
    }
  }
  for (const what of inLog) if (!explained.has(what)) found.add(`${what}, in the arguments of some execve`);
  return { found: [...found], execs };
}

function namesIn(needles: Needles<string>, text: string): Set<string> {
  const packed = Buffer.from(text.replaceAll(/\s+/g, ''), 'latin1');
  return new Set(needles.in(packed, packed.length));
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
}

/** Returns how many bytes it read. */
function addFile(search: Search, file: string): number {
  const opened = openSync(file, 'r');
  const chunk = Buffer.alloc(1 << 18);
  let bytes = 0;
  try {
    for (;;) {
      const read = readSync(opened, chunk);
      if (read === 0) return bytes;
      bytes += read;
      search.add(chunk.subarray(0, read));
    }
  } finally {
    closeSync(opened);
  }
}
