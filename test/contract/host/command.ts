/** Follows a command as a runner does, for the tests of the host contract. */
import { randomBytes } from 'node:crypto';
import type {
  CommandState,
  Host,
  HostScript,
  OutputOffsets,
  OutputSink,
} from '../../../src/transports/host.ts';
import { HostFailure } from '../../../src/transports/host.ts';

export const never = new AbortController().signal;

export function newToken(): string {
  return `contract-${randomBytes(8).toString('hex')}`;
}

export async function read(host: Host, script: HostScript | string, timeoutMs = 60_000) {
  const whole = typeof script === 'string' ? { text: script } : script;
  return host.read(whole, { signal: never, timeoutMs });
}

export interface Output {
  readonly sink: OutputSink;
  readonly bytes: OutputOffsets;
  text(stream: 'stdout' | 'stderr'): string;
}

export function collect(): Output {
  const chunks: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] };
  const bytes = { stdout: 0, stderr: 0 };
  return {
    bytes,
    sink: {
      write: (stream, chunk) => {
        bytes[stream] += chunk.byteLength;
        chunks[stream].push(Buffer.from(chunk));
      },
    },
    text: (stream) => Buffer.concat(chunks[stream]).toString('utf8'),
  };
}

export interface Ending {
  readonly state: CommandState;
  readonly stdout: string;
  readonly stderr: string;
}

/** Polls until the command has ended. */
export async function untilEnd(host: Host, token: string, withinMs = 60_000): Promise<Ending> {
  const output = collect();
  const state = await pollUntilEnd(host, token, output.sink, withinMs);
  return { state, stdout: output.text('stdout'), stderr: output.text('stderr') };
}

export async function pollUntilEnd(
  host: Host,
  token: string,
  sink: OutputSink,
  withinMs: number,
): Promise<CommandState> {
  const endsAt = Date.now() + withinMs;
  let from: OutputOffsets = { stdout: 0, stderr: 0 };
  for (;;) {
    const state = await host.poll(token, { from, sink, waitMs: 5000, signal: never });
    if (state.kind !== 'running') return state;
    if (Date.now() > endsAt) throw new Error(`the command ${token} still runs after ${withinMs} ms`);
    from = state.next;
  }
}

/** How it stands, without waiting. */
export async function stateOf(host: Host, token: string): Promise<CommandState['kind']> {
  const from = { stdout: 0, stderr: 0 };
  return (await host.poll(token, { from, sink: collect().sink, waitMs: 0, signal: never })).kind;
}

/** Starts, follows to the end and forgets. */
export async function run(host: Host, script: HostScript | string): Promise<Ending> {
  const token = newToken();
  await host.start(token, typeof script === 'string' ? { text: script } : script, { signal: never });
  const ending = await untilEnd(host, token);
  await host.forget(token, { signal: never });
  return ending;
}

/** Waits on the host until a command holds. */
export async function untilOnHost(host: Host, condition: string, ...args: string[]): Promise<void> {
  const text = `i=0; while [ $i -lt 300 ]; do ( ${condition} ) >/dev/null 2>&1 && exit 0; i=$((i+1)); sleep 0.1; done; exit 1`;
  const { exitCode } = await read(host, { text, args });
  if (exitCode !== 0) throw new Error(`did not come true on the host: ${condition}`);
}

/** Which of the processes in a file of numbers live; one that has ended and waits for its parent does not. */
export async function livingOf(host: Host, pidFile: string): Promise<string[]> {
  const text = `for pid in $(cat "$1"); do
      stat=$(cat /proc/$pid/stat 2>/dev/null) || continue
      case \${stat##*) } in [ZX]*) ;; *) echo $pid ;; esac
    done`;
  const { stdout } = await read(host, { text, args: [pidFile] });
  return stdout.split('\n').filter((line) => line !== '');
}

/** The failure that an operation rejects with. */
export async function failureOf(operation: Promise<unknown>): Promise<HostFailure> {
  try {
    await operation;
  } catch (error) {
    if (error instanceof HostFailure) return error;
    throw error;
  }
  throw new Error('nothing failed');
}
