/** Questions to a person. Only ever asked on a terminal, and always on stderr. */
import { confirm, isCancel, password } from '@clack/prompts';
import { Interrupted } from './interrupted.ts';

/** Undefined: the question went away, because `signal` was aborted. Throws Interrupted on Ctrl-C. */
export async function askYesNo(
  message: string,
  { initial, signal }: { readonly initial: boolean; readonly signal?: AbortSignal },
): Promise<boolean | undefined> {
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

export async function askSecret(
  message: string,
  input: NodeJS.ReadStream,
  output: NodeJS.WriteStream,
): Promise<string> {
  const answer = await password({ message, input, output });
  if (isCancel(answer)) throw new Interrupted();
  return answer;
}
