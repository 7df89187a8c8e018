/** A reading script over a keeper: its whole output, bounded, within its time. */
import { isUtf8 } from 'node:buffer';
import { setTimeout as delay } from 'node:timers/promises';
import type { CommandResult, HostScript } from '../host.ts';
import { readBytesMax } from '../host.ts';
import { cancelled, garbled, outputDeleted, outputTooLarge, timedOut } from './failure.ts';
import { answerMsMax, type Answer, type HostLink } from './link.ts';
import { endReadRequest, measureRequest, readRequest, sweepRequest } from './protocol/requests.ts';
import { refusal } from './protocol/state.ts';
import { GarbledReply } from './protocol/words.ts';

/** How many reading scripts one keeper runs side by side; the others wait. */
export const readsAtOnceMax = 16;
/** Files of so many reads are removed together. */
const sweptTogether = 16;
/** When a script that still runs is first asked how much it has printed, and how often then. */
const firstMeasureMs = 250;
const measureMs = 1_000;

/** Rejects with HostFailure or LinkBroken. */
export async function readOverLink(
  host: string,
  link: HostLink,
  script: HostScript,
  { signal, timeoutMs, endsAt }: { signal: AbortSignal; timeoutMs: number; endsAt: number },
): Promise<CommandResult> {
  const leftMs = Math.max(0, endsAt - Date.now());
  const { id, answer } = link.askNumbered((number) => readRequest(number, script), {
    words: ['read', 'refused'],
    bytesMax: 2 * readBytesMax,
    dueMs: leftMs + answerMsMax,
  });
  answer.catch(() => {});
  const over = new AbortController();
  const given = Promise.withResolvers<never>();
  given.promise.catch(() => {});
  const timer = setTimeout(() => given.reject(timedOut(host, timeoutMs)), leftMs);
  const abort = (): void => given.reject(cancelled(host, signal.reason));
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  void measured(host, link, id, over.signal).catch((error: unknown) => given.reject(error));
  try {
    return resultOf(host, await Promise.race([answer, given.promise]));
  } catch (error) {
    link.tell(endReadRequest(id));
    throw error;
  } finally {
    over.abort();
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    void answer.then(() => sweep(link, id)).catch(() => {});
  }
}

function resultOf(host: string, answer: Answer): CommandResult {
  if (answer.kind === 'refused') throw refusal(answer, host);
  if (answer.kind !== 'read' || answer.standing.kind !== 'exited') {
    throw garbled(host, new GarbledReply('a reading script without an exit code'));
  }
  refuseTooMuch(host, answer.sizes);
  const { stdout, stderr } = answer.output;
  if (stdout.byteLength !== answer.sizes.stdout || stderr.byteLength !== answer.sizes.stderr) {
    throw outputDeleted(host);
  }
  return {
    exitCode: answer.standing.exitCode,
    stdout: stdout.toString('utf8'),
    stderr: stderr.toString('utf8'),
    ...(isUtf8(stdout) ? {} : { isGarbled: true }),
  };
}

/** Rejects as soon as the script has printed too much, before it has ended. */
async function measured(host: string, link: HostLink, read: number, over: AbortSignal): Promise<void> {
  for (let waitMs = firstMeasureMs; link.isOpen; waitMs = measureMs) {
    await delay(waitMs, undefined, { signal: over, ref: false }).catch(() => {});
    if (over.aborted) return;
    const answer = await link.ask((id) => measureRequest(id, read), { words: ['measured'] });
    if (answer.kind === 'measured') refuseTooMuch(host, answer.sizes);
  }
}

function refuseTooMuch(host: string, sizes: { readonly stdout: number; readonly stderr: number }): void {
  for (const stream of ['stdout', 'stderr'] as const) {
    if (sizes[stream] > readBytesMax) throw outputTooLarge(host, stream, readBytesMax);
  }
}

/** Removes the files of reads that have ended, several at a time. */
function sweep(link: HostLink, id: number): void {
  const { reads } = link.left;
  reads.push(id);
  if (reads.length >= sweptTogether) link.tell(sweepRequest(reads.splice(0)));
}
