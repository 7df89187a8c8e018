/** A message to a program: its words as they are, no shell, the message on standard input, and an end to its time. */
import { spawn } from 'node:child_process';
import { answered, troubleText, type Delivery, type Letter } from './delivery.ts';

export interface MessageProgram {
  readonly argv: readonly string[];
  readonly format: 'text' | 'json';
  readonly timeoutSeconds: number;
}

const saidBytesMax = 2_048;
/** What a program is given of the environment, beside BELAY_*: nothing that may hold a secret. */
const passedOn = [
  'PATH',
  'HOME',
  'LANG',
  'LC_ALL',
  'TZ',
  'USER',
  'LOGNAME',
  'SHELL',
  'TMPDIR',
  'XDG_RUNTIME_DIR',
];
/** After the end of its time. */
const killAfterMs = 1_000;
/** For the last words of a program that has failed. */
const lastWordsMs = 200;

export function commandMessage(
  { argv: [program = '', ...words], format, timeoutSeconds }: MessageProgram,
  { id, subject, text, fields }: Letter,
  { env, signal }: { readonly env: NodeJS.ProcessEnv; readonly signal: AbortSignal },
): Promise<Delivery> {
  const failed = (why: string): Delivery => ({ kind: 'failed', why: `${program}: ${why}` });
  const input =
    format === 'json'
      ? JSON.stringify({ schemaVersion: 1, ...fields, messageId: id, subject, text })
      : `${subject}\n\n${text}\n`;
  return new Promise((resolve) => {
    let said = Buffer.alloc(0);
    let isLate = false;
    const child = spawn(program, words, {
      // A group of its own: what it started ends with it.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        ...Object.fromEntries(
          passedOn.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])),
        ),
        BELAY_EVENT: fields['event'] ?? '',
        BELAY_MESSAGE_ID: id,
        BELAY_SUBJECT: subject,
      },
    });
    const end = (delivery: Delivery): void => {
      clearTimeout(timer);
      clearTimeout(killing);
      signal.removeEventListener('abort', stop);
      child.stdout.destroy();
      child.stderr.destroy();
      resolve(delivery);
    };
    let killing: NodeJS.Timeout | undefined;
    const stop = (): void => {
      isLate = true;
      signalGroup(child.pid, 'SIGTERM');
      killing = setTimeout(() => {
        signalGroup(child.pid, 'SIGKILL');
        end(lateness());
      }, killAfterMs);
    };
    const lateness = (): Delivery =>
      failed(
        signal.aborted ? 'it had not ended when Belay ended' : `it did not end within ${timeoutSeconds} s`,
      );
    const timer = setTimeout(stop, timeoutSeconds * 1000);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    const hear = (chunk: Buffer): void => {
      if (said.length < saidBytesMax) said = Buffer.concat([said, chunk]).subarray(0, saidBytesMax);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.on('error', (error) => end(failed(startTrouble(error))));
    child.on('exit', (code, killedBy) => {
      if (isLate) {
        signalGroup(child.pid, 'SIGKILL');
        end(lateness());
        return;
      }
      if (code === 0) {
        end({ kind: 'delivered', receipt: 'exit 0' });
        return;
      }
      // What it said last may still be on its way; who holds the pipe open is not waited for.
      const tell = (): void => {
        const words = answered(said.toString('utf8'));
        end(failed(`it ended with ${code ?? killedBy}${words === '' ? '' : `: ${words}`}`));
      };
      child.once('close', tell);
      killing = setTimeout(tell, lastWordsMs);
    });
    // A program may end without reading.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

function startTrouble(error: Error): string {
  const code = 'code' in error ? error.code : '';
  if (code === 'ENOENT') return 'there is no such program';
  if (code === 'EACCES') return 'it may not be started';
  return troubleText(error);
}

function signalGroup(pid: number | undefined, name: 'SIGTERM' | 'SIGKILL'): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, name);
  } catch {
    // It has ended by itself meanwhile.
  }
}
