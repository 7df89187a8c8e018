/** Questions to a person. Only ever asked on a terminal, and always on stderr. */
import { createInterface } from 'node:readline/promises';
import { confirm, isCancel, password } from '@clack/prompts';
import { Interrupted } from './interrupted.ts';

/** Undefined: the question went away, because `signal` was aborted. Throws Interrupted on Ctrl-C. */
export async function askYesNo(
  message: string,
  { initial, signal }: { readonly initial: boolean; readonly signal?: AbortSignal },
): Promise<boolean | undefined> {
  if (process.env['TERM'] === 'dumb') return askOnOneLine(message, initial, signal);
  const answer = await confirm({
    message,
    initialValue: initial,
    input: process.stdin,
    output: process.stderr,
    ...(signal === undefined ? {} : { signal }),
  });
  if (!isCancel(answer)) return answer;
  if (signal?.aborted === true) return undefined;
  throw new Interrupted();
}

/** For terminals on which nothing can be drawn. */
async function askOnOneLine(
  message: string,
  initial: boolean,
  signal: AbortSignal | undefined,
): Promise<boolean | undefined> {
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  const interrupted = new Promise<never>((_, reject) => {
    reader.once('SIGINT', () => reject(new Interrupted()));
    reader.once('close', () => reject(new Interrupted()));
  });
  // Closing the reader below rejects it, too, when nobody waits for it any more.
  interrupted.catch(() => undefined);
  try {
    const question = `${message} [${initial ? 'Y/n' : 'y/N'}] `;
    const asked = signal === undefined ? reader.question(question) : reader.question(question, { signal });
    const text = (await Promise.race([asked, interrupted])).trim().toLowerCase();
    return text === '' ? initial : text.startsWith('y');
  } catch (error) {
    if (signal?.aborted === true) return undefined;
    throw error;
  } finally {
    reader.close();
  }
}

export async function askSecret(
  message: string,
  input: NodeJS.ReadStream,
  output: NodeJS.WriteStream,
): Promise<string> {
  const answer = await password({ message, input, output });
  if (isCancel(answer)) throw new Interrupted();
  return answer;
}
