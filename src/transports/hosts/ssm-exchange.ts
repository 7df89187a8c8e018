/** One request of the protocol as one SendCommand: the program travels in the command line, the reply in its output. */
import type { OutputSink } from '../host.ts';
import { garbled } from './failure.ts';
import { ownBlock, type OwnSettings } from './protocol/one-shot.ts';
import { shellWords } from './protocol/quote.ts';
import { ReplyReader } from './protocol/reply.ts';
import { GarbledReply } from './protocol/words.ts';
import type { Reply } from './protocol/reply.ts';
import type { HostShell } from './protocol/shell.ts';
import { openingWords } from './protocol/shell.ts';
import { newNonce } from './protocol/token.ts';
import type { SsmWaves, WaveCommon, WaveQuestion } from './ssm-waves.ts';

/** What the agent may take for a request besides its waiting. Stopping takes up to 15 s. */
const executionSeconds = 60;

export interface SsmTarget {
  readonly waves: SsmWaves;
  readonly instanceId: string;
  readonly shell: HostShell;
  /** The label and name of the host. */
  readonly host: string;
  readonly name: string;
  /** Folders of commands that have ended, to be removed when the host is next asked something. */
  readonly toForget: string[];
}

export interface SsmRequest {
  readonly verb: 'start' | 'poll' | 'stop' | 'forget' | 'read';
  /** The token or the script's name, for whoever reads the command history. */
  readonly about: string;
  readonly program: Buffer;
  readonly own: Omit<OwnSettings, 'nonce' | 'forget'>;
  readonly signal: AbortSignal;
  readonly sink?: OutputSink;
}

/** Rejects with HostFailure. */
export async function ssmExchange(target: SsmTarget, request: SsmRequest): Promise<Reply> {
  const { waves, instanceId, shell, host, name, toForget } = target;
  const { verb, about, program, own, signal, sink } = request;
  const nonce = newNonce();
  const forget = toForget.splice(0);
  const question: WaveQuestion = {
    host,
    name,
    instanceId,
    verb,
    about,
    nonce,
    own: ownBlock({ ...own, nonce, forget }),
  };
  const common: WaveCommon = {
    opening: shellWords(openingWords(shell, 'none')),
    program,
    executionSeconds: executionSeconds + Math.ceil((own.waitMs ?? 0) / 10_000) * 10,
  };
  try {
    return await replyOf(host, await waves.ask(question, common, signal), nonce, sink);
  } catch (error) {
    // Whether they are gone is not known, and to ask for it twice is harmless.
    toForget.push(...forget);
    throw error;
  }
}

async function replyOf(
  host: string,
  stdout: string,
  nonce: string,
  sink: OutputSink | undefined,
): Promise<Reply> {
  const reader = new ReplyReader(nonce, sink);
  try {
    await reader.take(Buffer.from(stdout.replaceAll(/\s/g, ''), 'base64'));
  } catch (error) {
    throw error instanceof GarbledReply ? garbled(host, error) : error;
  }
  if (reader.reply === undefined) throw garbled(host, new GarbledReply('it is cut off'));
  return reader.reply;
}
