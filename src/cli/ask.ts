/** Questions to a person. Only ever asked on a terminal, and always on stderr. */
import { createInterface } from 'node:readline/promises';
import { confirm, isCancel, password, select } from '@clack/prompts';
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
  const text = await askText(`${message} [${initial ? 'Y/n' : 'y/N'}] `, signal);
  if (text === undefined) return undefined;
  return text === '' ? initial : text.toLowerCase().startsWith('y');
}

/** One line, without blanks around it. */
async function askText(question: string, signal: AbortSignal | undefined): Promise<string | undefined> {
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  const interrupted = new Promise<never>((_, reject) => {
    reader.once('SIGINT', () => reject(new Interrupted()));
    reader.once('close', () => reject(new Interrupted()));
  });
  // Closing the reader below rejects it, too, when nobody waits for it any more.
  interrupted.catch(() => undefined);
  try {
    const asked = signal === undefined ? reader.question(question) : reader.question(question, { signal });
    return (await Promise.race([asked, interrupted])).trim();
  } catch (error) {
    if (signal?.aborted === true) return undefined;
    throw error;
  } finally {
    reader.close();
  }
}

/** One of several; the first is the one that Enter takes. Undefined and Interrupted as above. */
export async function askChoice<T extends object>(
  message: string,
  choices: readonly { readonly label: string; readonly value: T }[],
  signal: AbortSignal,
): Promise<T | undefined> {
  if (process.env['TERM'] === 'dumb') return askNumber(message, choices, signal);
  const answer = await select({
    message,
    options: choices.map(({ label }, index) => ({ value: index, label })),
    input: process.stdin,
    output: process.stderr,
    signal,
  });
  if (!isCancel(answer)) return choices[answer]?.value;
  if (signal.aborted) return undefined;
  throw new Interrupted();
}

/** For terminals on which nothing can be drawn: asked again until it is a number of the list. */
async function askNumber<T>(
  message: string,
  choices: readonly { readonly label: string; readonly value: T }[],
  signal: AbortSignal,
): Promise<T | undefined> {
  const list = choices.map(({ label }, index) => `  ${index + 1}  ${label}\n`).join('');
  for (;;) {
    const text = await askText(`${message}\n${list}Number [1]: `, signal);
    if (text === undefined) return undefined;
    const chosen = choices[text === '' ? 0 : Number(text) - 1];
    if (chosen !== undefined) return chosen.value;
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
