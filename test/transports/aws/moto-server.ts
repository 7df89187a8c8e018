/** Starts the moto server of test/lab/endpoint/install-moto.sh on a free port. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const DEFAULT_DIRECTORY = '/var/lib/belay-lab/moto';
const START_TIMEOUT_MS = 45_000;

export interface MotoServer {
  readonly endpoint: string;
  close(): Promise<void>;
}

/** The program, whose folder also has a Python with boto3; from the folder that BELAY_MOTO names, the installer's folder, or PATH. */
export function findMoto(): string | undefined {
  const folders = [process.env['BELAY_MOTO'] ?? DEFAULT_DIRECTORY].map((folder) => path.join(folder, 'bin'));
  const onPath = (process.env['PATH'] ?? '').split(path.delimiter);
  return [...folders, ...onPath]
    .map((folder) => path.join(folder, 'moto_server'))
    .find((file) => existsSync(file));
}

/** Why there is no moto here; undefined when there is. */
export const motoMissing: string | undefined =
  findMoto() === undefined
    ? 'moto_server is not installed: run test/lab/endpoint/install-moto.sh, or set BELAY_MOTO'
    : undefined;

export async function startMoto(): Promise<MotoServer> {
  const program = findMoto();
  if (program === undefined) throw new Error(motoMissing);
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const server = spawn(program, ['-H', '127.0.0.1', '-p', String(port)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  server.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000)));
  const exited = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const close = async (): Promise<void> => {
    server.kill('SIGKILL');
    await exited;
  };

  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await answers(endpoint))) {
    if (server.exitCode !== null || Date.now() > deadline) {
      await close();
      throw new Error(`${program} did not start: ${said}`);
    }
    await delay(100);
  }
  return { endpoint, close };
}

async function answers(endpoint: string): Promise<boolean> {
  try {
    return (await fetch(`${endpoint}/moto-api/`, { signal: AbortSignal.timeout(2_000) })).ok;
  } catch {
    return false;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
