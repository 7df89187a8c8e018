/** From words to an exit code, whatever happens in between. */
import { userInfo } from 'node:os';
import { makeCli, type Cli, type GlobalOptions } from './cli.ts';
import { exitCodes } from './exit-codes.ts';
import { readCommandLine, runInvocation, type Invocation } from './program.ts';
import { version } from './version.ts';

const noGlobals: GlobalOptions = { state: undefined, config: undefined, debug: false, color: 'auto' };

export async function main(words: readonly string[]): Promise<void> {
  const invocation = readCommandLine(words);
  const cli = makeCli(invocation.kind === 'command' ? invocation.globals : noGlobals, {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    platform: process.platform,
    now: Date.now,
    caller: () => userInfo().username,
  });
  process.on('uncaughtException', (error) => void fail(error, cli));
  await leave(await codeOf(invocation, words, cli));
}

/** Ends the process once all it has said is with its readers: a pipe holds 64 KiB, and the reader may be slow. */
async function leave(code: number): Promise<void> {
  await Promise.all([process.stdout, process.stderr].map(drained));
  process.exit(code);
}

/** Resolves at once where the reader is gone. */
function drained(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableLength === 0) resolve();
    else stream.write('', () => resolve());
  });
}

async function codeOf(invocation: Invocation, words: readonly string[], cli: Cli): Promise<number> {
  switch (invocation.kind) {
    case 'version':
      cli.out(`${version()}\n`);
      return exitCodes.done;
    case 'text':
      cli.out(invocation.text);
      return exitCodes.done;
    case 'wrong':
      cli.talk(...invocation.lines);
      return exitCodes.usage;
    case 'command':
      try {
        await refuseBrokenWords(words);
        return await runInvocation(invocation, cli);
      } catch (error) {
        return await report(error, cli);
      } finally {
        await cli.finish();
        cli.close();
      }
    default:
      return invocation satisfies never;
  }
}

/** Words that are not UTF-8 came as other words than were typed. Throws Refusal. */
async function refuseBrokenWords(words: readonly string[]): Promise<void> {
  if (!words.some((word) => word.includes('\ufffd'))) return;
  const { isAsGiven } = await import('../runtime/utf8.ts');
  const broken = words.findIndex((word) => !isAsGiven(word, '/proc/self/cmdline'));
  if (broken === -1) return;
  const { Refusal } = await import('../runtime/refusal.ts');
  throw new Refusal(
    'usage',
    'NOT_UTF8',
    `word ${broken + 1} of the command line is not UTF-8: ${words[broken]}`,
    {
      hint: 'give the value in a file (--params-file), saved as UTF-8',
    },
  );
}

/** Something threw where nobody was listening. */
async function fail(error: unknown, cli: Cli): Promise<void> {
  await leave(await report(error, cli));
}

async function report(error: unknown, cli: Cli): Promise<number> {
  const { reportError } = await import('./errors.ts');
  const { lines, exitCode } = reportError(error, cli.style);
  cli.talk(...lines);
  if (cli.debug && error instanceof Error) cli.talk(error.stack ?? '');
  return exitCode;
}
