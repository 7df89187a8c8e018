/** One request over a channel: sends the program, reads the answer, and turns every way to break into a HostFailure. */
import type { HostFailure, OutputSink } from '../host.ts';
import type { BrokenSession, Channel, Session } from './channel.ts';
import { cancelled, garbled, noReply } from './failure.ts';
import { GarbledReply, ReplyReader } from './protocol/reply.ts';
import type { Reply } from './protocol/reply.ts';

/** Every program speaks at least once a second; a host that says nothing for so long is given up. */
const silenceMsMax = 60_000;
const stderrBytesKept = 64 * 1024;

export interface Request {
  readonly bytes: Uint8Array;
  readonly nonce: string;
  readonly become: 'none' | 'sudo';
  readonly signal: AbortSignal;
  readonly sink?: OutputSink;
}

/** Rejects with HostFailure; `effect: 'unknown'` from the moment that the program was sent. */
export async function exchange(host: string, channel: Channel, request: Request): Promise<Reply> {
  for (let attempt = 1; ; attempt += 1) {
    const session = await channel.open(request);
    const answer = await converse(host, session, request);
    if ('words' in answer) return answer;
    const failure = await channel.explain({ ...answer, attempt });
    if (failure !== 'again') throw failure;
  }
}

async function converse(
  host: string,
  session: Session,
  request: Request,
): Promise<Reply | Omit<BrokenSession, 'attempt'>> {
  const { signal, nonce, sink } = request;
  const reader = new ReplyReader(nonce, sink);
  const stderr = keepEnd(session);
  let given: HostFailure | undefined;
  const giveUp = (failure: HostFailure): void => {
    given ??= failure;
    session.kill();
    session.stdout.destroy();
  };
  const abort = (): void => {
    giveUp(cancelled(host, signal.reason));
  };
  let silence: NodeJS.Timeout | undefined;
  const listen = (): void => {
    clearTimeout(silence);
    silence = setTimeout(() => {
      giveUp(noReply(host, silenceMsMax));
    }, silenceMsMax);
  };
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  session.stdin.end(request.bytes);
  listen();
  let refused: Error | undefined;
  try {
    for await (const chunk of session.stdout) {
      clearTimeout(silence);
      try {
        await reader.take(chunk);
      } catch (error) {
        refused = refusal(host, error);
        break;
      }
      if (reader.reply !== undefined) return reader.reply;
      listen();
    }
  } catch (error) {
    // A stream that was cut, by giving up or by the other side, shows as a missing reply.
    if (!(error instanceof Error)) throw error;
  } finally {
    clearTimeout(silence);
    signal.removeEventListener('abort', abort);
    if (reader.reply === undefined) session.kill();
  }
  if (given !== undefined) throw given;
  if (refused !== undefined) throw refused;
  return { begun: reader.begun, exitCode: await session.ended, stderr: stderr() };
}

/** The sink may refuse what it is given, and its error is the caller's own; anything else does not follow the protocol. */
function refusal(host: string, error: unknown): Error {
  if (error instanceof GarbledReply) return garbled(host, error);
  return error instanceof Error ? error : new Error('the sink refused output', { cause: error });
}

function keepEnd(session: Session): () => string {
  let kept: Buffer = Buffer.alloc(0);
  session.stderr.on('data', (chunk: Buffer) => {
    kept = Buffer.concat([kept, chunk]).subarray(-stderrBytesKept);
  });
  session.stderr.on('error', () => {});
  return () => kept.toString('utf8');
}
