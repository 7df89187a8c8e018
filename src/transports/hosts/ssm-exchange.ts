/** One request of the protocol as one SendCommand: the program travels in the command line, the reply in its output. */
import { gzipSync } from 'node:zlib';
import type { Aws } from '../aws.ts';
import type { OutputSink } from '../host.ts';
import { garbled, inputTooLarge } from './failure.ts';
import { shellQuote, shellWords } from './protocol/quote.ts';
import { ReplyReader } from './protocol/reply.ts';
import { GarbledReply } from './protocol/words.ts';
import type { Reply } from './protocol/reply.ts';
import type { HostShell } from './protocol/shell.ts';
import { openingWords } from './protocol/shell.ts';
import { runOverSsm } from './ssm-command.ts';

/** What one request may have in characters; AWS refuses documents that have more than 64 KB with their parameters. */
const lineCharactersMax = 48 * 1024;
/** What the agent may take for a request besides its waiting. Stopping takes up to 15 s. */
const executionSeconds = 60;

export interface SsmTarget {
  readonly aws: Aws;
  readonly instanceId: string;
  readonly shell: HostShell;
  /** The label and name of the host. */
  readonly host: string;
  readonly name: string;
}

export interface SsmRequest {
  readonly verb: 'start' | 'poll' | 'stop' | 'forget' | 'read';
  /** The token or the script's name, for whoever reads the command history. */
  readonly about: string;
  readonly bytes: Buffer;
  readonly nonce: string;
  readonly signal: AbortSignal;
  /** How long the program may wait on the host. */
  readonly waitMs?: number;
  readonly sink?: OutputSink;
}

/** Rejects with HostFailure. */
export async function ssmExchange(target: SsmTarget, request: SsmRequest): Promise<Reply> {
  const { aws, instanceId, shell, host, name } = target;
  const { verb, about, bytes, nonce, signal, waitMs = 0, sink } = request;
  const stdout = await runOverSsm(aws, {
    host,
    name,
    instanceId,
    line: requestLine(host, shell, bytes),
    // The nonce finds this very request when its reply is lost.
    comment: `belay ${verb} ${about.replaceAll(/[^\w.:/-]/g, '_').slice(0, 50)} ${nonce.slice(-24)}`,
    executionSeconds: executionSeconds + Math.ceil(waitMs / 1000),
    signal,
  });
  return replyOf(host, stdout, nonce, sink);
}

/** Throws INPUT_TOO_LARGE. Compressed only where it must be: a plain request needs one tool less on the host. */
function requestLine(host: string, shell: HostShell, bytes: Buffer): string {
  const opening = `${shellWords(openingWords(shell, 'none'))} | base64`;
  const plain = `printf %s ${shellQuote(bytes.toString('base64'))} | base64 -d | ${opening}`;
  if (plain.length <= lineCharactersMax) return plain;
  const packed = gzipSync(bytes).toString('base64');
  const line = `printf %s ${shellQuote(packed)} | base64 -d | gzip -dc | ${opening}`;
  if (line.length > lineCharactersMax) {
    throw inputTooLarge(host, bytes.byteLength, lineCharactersMax, 'SSM, compressed,');
  }
  return line;
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
