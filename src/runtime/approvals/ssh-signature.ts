/** Signatures of OpenSSH over texts (ssh-keygen -Y, PROTOCOL.sshsig): keys in files, agents and hardware alike. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Refusal } from '../refusal.ts';
import { signatureNamespace } from './statement.ts';

/** A signature of an RSA key of 16,384 bits has 6 KiB. */
const signatureBytesMax = 16 * 1024;
const armor =
  /^-----BEGIN SSH SIGNATURE-----\n(?:[A-Za-z0-9+/]{1,76}={0,2}\n)+-----END SSH SIGNATURE-----\n?$/;
const verifyTimeoutMs = 10_000;
/** A person types a passphrase or touches a key meanwhile. */
const signTimeoutMs = 120_000;
const saidMax = 500;

export type Verdict =
  | { readonly kind: 'good'; readonly person: string; /** `SHA256:…`, or an ARN. */ readonly key: string }
  | { readonly kind: 'bad'; readonly why: string };

/**
 * Whether one of these people signed the text. `allowedSigners`: lines as ssh-keygen(1) describes them, validity times
 * included. Throws Refusal where ssh-keygen is missing.
 */
export async function verifySignature(
  text: string,
  signature: string,
  people: readonly string[],
  allowedSigners: string,
): Promise<Verdict> {
  if (signature.length > signatureBytesMax || !armor.test(signature)) {
    return { kind: 'bad', why: 'it is not a signature of OpenSSH' };
  }
  return inFolder(async (folder) => {
    const [allowed, signed] = [join(folder, 'allowed_signers'), join(folder, 'signature')];
    await writeFile(allowed, allowedSigners, { mode: 0o600 });
    await writeFile(signed, signature, { mode: 0o600 });
    const found = await keygen(['-Y', 'find-principals', '-s', signed, '-f', allowed]);
    const signers = found.exitCode === 0 ? found.stdout.split('\n').map((line) => line.trim()) : [];
    const person = people.find((name) => signers.includes(name));
    if (person === undefined) {
      const whose = signers.filter((name) => name !== '');
      return {
        kind: 'bad',
        why: whose.length > 0 ? `${whose.join(', ')} signed it` : 'no approver has its key',
      };
    }
    const checked = await keygen(
      ['-Y', 'verify', '-f', allowed, '-I', person, '-n', signatureNamespace, '-s', signed],
      text,
    );
    const key = /^Good "belay-approval" signature for .* key (?<key>SHA256:[A-Za-z0-9+/]{43})\s*$/.exec(
      checked.stdout,
    )?.groups?.['key'];
    if (checked.exitCode !== 0 || key === undefined) {
      return {
        kind: 'bad',
        why: `it is not over this decision (${lastLine(checked.stderr) || lastLine(checked.stdout)})`,
      };
    }
    return { kind: 'good', person, key };
  });
}

/** Signs with a private key file, or with the private half of a public one in the agent. Throws Refusal. */
export function signText(text: string, keyFile: string, env: NodeJS.ProcessEnv): Promise<string> {
  return inFolder(async (folder) => {
    const file = join(folder, 'statement');
    await writeFile(file, text, { mode: 0o600 });
    const { execa } = await load();
    const ended = await execa('ssh-keygen', ['-Y', 'sign', '-f', keyFile, '-n', signatureNamespace, file], {
      stdin: 'inherit',
      stdout: 'pipe',
      stderr: 'pipe',
      reject: false,
      timeout: signTimeoutMs,
      env,
      extendEnv: false,
    });
    refuseMissing(ended);
    const signature = await readFile(`${file}.sig`, 'utf8').catch(() => '');
    if (ended.exitCode === 0 && armor.test(signature)) return signature;
    throw new Refusal(
      'refused',
      'NOT_SIGNED',
      `ssh-keygen could not sign with ${keyFile}: ${lastLine(ended.stderr)}`,
      {
        hint: 'nothing was recorded',
      },
    );
  });
}

interface Ended {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

async function keygen(args: readonly string[], input = ''): Promise<Ended> {
  const { execa } = await load();
  const ended = await execa('ssh-keygen', args, {
    input,
    reject: false,
    timeout: verifyTimeoutMs,
    maxBuffer: 64 * 1024,
    env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' },
    extendEnv: false,
  });
  refuseMissing(ended);
  return { exitCode: ended.exitCode, stdout: ended.stdout, stderr: ended.stderr };
}

function refuseMissing(ended: { readonly code?: string | undefined }): void {
  if (ended.code !== 'ENOENT') return;
  throw new Refusal(
    'refused',
    'TOOL_MISSING',
    'ssh-keygen is missing, and approvals here are signatures of OpenSSH',
    {
      hint: 'install openssh-client (8.2 or later)',
    },
  );
}

export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'belay-approval-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function lastLine(text: string): string {
  return (text.trim().split('\n').at(-1) ?? '').slice(0, saidMax);
}

export async function load() {
  return import('execa');
}
