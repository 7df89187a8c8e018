/** botocore in a process of its own, asked one line at a time; see botocore-oracle.py. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';

export interface OracleRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, readonly unknown[]>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly form: Readonly<Record<string, unknown>> | null;
  readonly body: string;
  readonly hostPrefix: string | null;
}

export type Answer<T> = T | { readonly error: string };

export interface Oracle {
  /** Folder of the botocore that answers. */
  readonly path: string;
  readonly version: string;
  ask<T>(question: object): Promise<Answer<T>>;
  close(): void;
}

const DEFAULT_MOTO = '/var/lib/belay-lab/moto';

/** moto comes with one, so the Python of its folder has it; else the one on PATH may. */
function findPython(): string | undefined {
  const inMoto = path.join(process.env['BELAY_MOTO'] ?? DEFAULT_MOTO, 'bin', 'python');
  return [inMoto, 'python3'].filter((file) => file === 'python3' || existsSync(file)).find(hasBotocore);
}

function hasBotocore(python: string): boolean {
  try {
    execFileSync(python, ['-c', 'import botocore'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const python = findPython();

/** Why there is no oracle here; undefined when there is. */
export const oracleMissing: string | undefined =
  python === undefined
    ? 'no Python with botocore: run test/lab/endpoint/install-moto.sh, or set BELAY_MOTO'
    : undefined;

export async function startOracle(): Promise<Oracle> {
  if (python === undefined) throw new Error(oracleMissing);
  const child = spawn(python, [path.join(import.meta.dirname, 'botocore-oracle.py')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error('botocore ended');
    return JSON.parse(value);
  };
  const hello = await next();
  if (typeof hello !== 'object' || hello === null || !('version' in hello) || !('path' in hello))
    throw new Error('botocore did not say which it is');
  return {
    path: String(hello.path),
    version: String(hello.version),
    async ask<T>(question: object) {
      child.stdin.write(`${JSON.stringify(question)}\n`);
      return (await next()) as Answer<T>;
    },
    close: () => void child.kill(),
  };
}
