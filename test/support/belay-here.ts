/** `belay …` within this process, for the many calls of a fuzzer: the same words to the same bodies, and the same exit codes. */
import { userInfo } from 'node:os';
import { Writable } from 'node:stream';
import { makeCli } from '../../src/cli/cli.ts';
import { reportError } from '../../src/cli/errors.ts';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { readCommandLine, runInvocation } from '../../src/cli/program.ts';
import type { Said } from './command-line.ts';

class Kept extends Writable {
  readonly isTTY = false;
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

export async function belayHere(
  words: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<Said> {
  const [stdout, stderr] = [new Kept(), new Kept()];
  const invocation = readCommandLine(words);
  if (invocation.kind !== 'command') throw new Error(`${words.join(' ')} is not a command`);
  const cli = makeCli(invocation.globals, {
    stdin: { isTTY: false, async *[Symbol.asyncIterator]() {} } as unknown as NodeJS.ReadStream,
    stdout: stdout as unknown as NodeJS.WriteStream,
    stderr: stderr as unknown as NodeJS.WriteStream,
    env,
    cwd,
    platform: process.platform,
    now: Date.now,
    caller: () => userInfo().username,
  });
  let code: number;
  try {
    code = await runInvocation(invocation, cli);
  } catch (error) {
    const report = reportError(error, cli.style);
    if (report.exitCode === exitCodes.bug) throw error;
    cli.talk(...report.lines);
    code = report.exitCode;
  } finally {
    await cli.finish();
    cli.close();
  }
  return { code, stdout: stdout.text, stderr: stderr.text };
}
