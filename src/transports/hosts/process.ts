/** Starts a program of this machine with its streams open, in a session of its own so that Ctrl-C does not reach it. */
import { Socket } from 'node:net';
import type { Session } from './channel.ts';

/**
 * Its output waits until somebody resumes the stream. Rejects with the system's error (ENOENT) when the program cannot be started.
 */
export async function startProcess(file: string, args: readonly string[]): Promise<Session> {
  const { execa } = await import('execa');
  const subprocess = execa(file, args, {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    buffer: false,
    encoding: 'buffer',
    reject: false,
    detached: true,
    cleanup: false,
  });
  const { stdin, stdout, stderr, nodeChildProcess } = subprocess;
  if (subprocess.pid === undefined) {
    const { cause } = await subprocess;
    throw cause instanceof Error ? cause : new Error(`${file} could not be started`);
  }
  // A stream that nobody reads yet is otherwise set flowing by execa a moment later, and what comes then is lost.
  stdout.pause();
  stderr.pause();
  const ended = new Promise<number | undefined>((resolve) => {
    nodeChildProcess.once('exit', (code) => {
      resolve(code ?? undefined);
    });
  });
  // A program that ends early breaks the pipe to it; what that means is told by its end, not by the write.
  stdin.on('error', () => {});
  return {
    stdin,
    stdout,
    stderr,
    ended,
    kill: () => {
      stdin.destroy();
      subprocess.kill('SIGTERM');
    },
    unref: () => {
      nodeChildProcess.unref();
      for (const stream of [stdin, stdout, stderr]) if (stream instanceof Socket) stream.unref();
    },
  };
}
