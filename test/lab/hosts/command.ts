/** Runs lab.sh for one lab. What it refuses becomes a LabFailure; what a host's command says is a result. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

const script = fileURLToPath(new URL('lab.sh', import.meta.url));

/** lab.sh exits with this when it could not even try a command on a host: the host is down or unknown. */
const hostAbsentCode = 125;

/** Single digits: each is a network block, 10.(77 + id).0.0/16, and a state folder. */
export type LabId = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `code` is lab.sh's: for volumes, the word before the colon, such as VolumeInUse or Busy. */
export class LabFailure extends Error {
  override readonly name = 'LabFailure';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export function stateFolder(id: LabId): string {
  return join(tmpdir(), `belay-lab-${id}`);
}

function run(id: LabId, args: readonly string[], input?: string | Uint8Array) {
  return execa('bash', [script, ...args], {
    env: { BELAY_LAB_ID: String(id), BELAY_LAB_STATE: stateFolder(id) },
    reject: false,
    stripFinalNewline: false,
    maxBuffer: 64 * 1024 * 1024,
    ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
  });
}

/** Runs a verb of lab.sh and returns what it printed. Rejects with LabFailure. */
export async function command(id: LabId, ...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await run(id, args);
  if (exitCode === 0) return stdout;
  const said = stderr.trim() || `exit code ${exitCode}`;
  const code = /^([A-Z][A-Za-z]+): /m.exec(said)?.[1] ?? 'LabError';
  throw new LabFailure(code, `lab ${id}: "${args.join(' ')}" failed: ${said}`);
}

/** Runs a command on a host by its namespaces. Any exit code is a result; rejects when the host is not running. */
export async function enter(
  id: LabId,
  host: string,
  argv: readonly string[],
  input?: string | Uint8Array,
): Promise<CommandResult> {
  const { exitCode, stdout, stderr } = await run(id, ['exec', host, ...argv], input);
  if (exitCode === undefined || exitCode === hostAbsentCode)
    throw new LabFailure('HostAbsent', stderr.trim());
  return { code: exitCode, stdout, stderr };
}
