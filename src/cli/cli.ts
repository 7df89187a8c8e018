/** What every command is given: streams, style, environment, and Belay itself once it is asked for. */
import type { Belay } from '../runtime/belay.ts';
import type { ColorWish } from './terminal.ts';
import { canMove, hasUnicode, wantsColor } from './terminal.ts';
import { visibleJson, visibleLine } from '../runtime/visible.ts';
import { printableLines } from './view/printable.ts';
import { makeStyle, spelled, type Style } from './view/style.ts';

export interface GlobalOptions {
  readonly state: string | undefined;
  readonly config: string | undefined;
  readonly debug: boolean;
  readonly color: ColorWish;
}

export interface Cli {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly debug: boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Who asks. */
  readonly caller: () => string;
  /** Of stderr. */
  readonly style: Style;
  /** Of stdout. */
  readonly outStyle: Style;
  /** Whether stdout is a terminal. */
  readonly outIsTerminal: boolean;
  /** Whether stdin and stderr are terminals, so that a person can be asked. */
  readonly canAsk: boolean;
  /** Whether lines on stderr can be moved. */
  readonly canMove: boolean;
  /** Data, to stdout. Quiet once the reader is gone. */
  out(text: string): void;
  /** Much data, bit by bit: resolves when the reader has taken it, or is gone. */
  pour(data: string | Uint8Array): Promise<void>;
  /** Lines of talk, to stderr. */
  talk(...lines: readonly string[]): void;
  /** Whether the reader of stdout is gone. */
  outIsClosed(): boolean;
  belay(): Promise<Belay>;
  /** Tells people what is to be told, within a bound, when the command has done its work. Never throws. */
  finish(): Promise<void>;
  close(): void;
}

/** Some terminals have no size: those of `docker exec -t`, expect, some CI. */
const sizeOfUnsized = { columns: 80, rows: 24 };

export interface Surroundings {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly platform: string;
  readonly now: () => number;
  readonly caller: () => string;
}

export function makeCli(globals: GlobalOptions, around: Surroundings): Cli {
  const { stdin, stdout, stderr, cwd, platform, now, caller } = around;
  const env = globals.config === undefined ? around.env : { ...around.env, BELAY_CONFIG: globals.config };
  const unicode = hasUnicode(env, platform);
  const style = makeStyle({ color: wantsColor(globals.color, env, stderr), unicode });
  const outStyle = makeStyle({ color: wantsColor(globals.color, env, stdout), unicode });
  if (stderr.isTTY && !(stderr.columns > 0)) Object.assign(stderr, sizeOfUnsized);
  const isClosed = { out: false, talk: false };
  stdout.on('error', (error: NodeJS.ErrnoException) => (isClosed.out ||= gone(error)));
  stderr.on('error', (error: NodeJS.ErrnoException) => (isClosed.talk ||= gone(error)));
  let opened: Belay | undefined;
  const talk = (...lines: readonly string[]): void => {
    if (!isClosed.talk) stderr.write(lines.map((line) => `${safeLines(spelled(line, style))}\n`).join(''));
  };
  return {
    cwd,
    env,
    debug: globals.debug,
    now,
    caller,
    style,
    outStyle,
    outIsTerminal: stdout.isTTY,
    canAsk: stdin.isTTY && stderr.isTTY,
    canMove: canMove(env, stderr),
    out: (text) => {
      if (!isClosed.out) stdout.write(stdout.isTTY ? safeLines(text) : text);
    },
    pour: (data) =>
      new Promise((resolve) => {
        if (isClosed.out) resolve();
        else stdout.write(data, () => resolve());
      }),
    talk,
    outIsClosed: () => isClosed.out,
    belay: async () => {
      if (opened !== undefined) return opened;
      const { Belay } = await import('../runtime/belay.ts');
      opened = new Belay({
        ...(globals.state === undefined ? {} : { state: globals.state }),
        cwd,
        env,
        now,
        caller,
        stdin: () => readSecretFrom(stdin, stderr),
        onDamaged: ({ code, message }) => talk(`${style.paint('bad', code)}  ${printableLines(message)}`),
        words: async () => (await import('./view/people-words.ts')).peopleWords,
      });
      return opened;
    },
    finish: async () => {
      if (opened?.notifier?.isUsed !== true) return;
      const { tellPeople } = await import('./tell-people.ts');
      talk(...(await tellPeople(opened.notifier)));
    },
    close: () => opened?.close(),
  };
}

/** The last door before a terminal: JSON stays JSON, and no line steers it. */
function safeLines(text: string): string {
  return /^\s*[[{]/.test(text) ? visibleJson(text) : text.split('\n').map(visibleLine).join('\n');
}

/** The reader went away (EPIPE); anything else is worth knowing. */
function gone(error: NodeJS.ErrnoException): boolean {
  if (error.code === 'EPIPE') return true;
  throw error;
}

/** The whole of standard input; on a terminal, a hidden question. */
async function readSecretFrom(
  stdin: NodeJS.ReadStream,
  stderr: NodeJS.WriteStream,
): Promise<string | Uint8Array> {
  if (stdin.isTTY) {
    const { askSecret } = await import('./ask.ts');
    return askSecret('The secret value (hidden)', stdin, stderr);
  }
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks);
}
