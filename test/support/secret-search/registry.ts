/**
 * Which secrets the tests of this run have made, and what is kept of the tests for the search at the end: in a folder of the run
 * (0700) that no Belay under test knows. Written by every process of the run, read by `global-setup.ts` after the last test.
 */
import { appendFileSync, copyFileSync, existsSync, mkdtempSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';

/** The folder of the run, for all its processes. */
export const runFolderVariable = 'BELAY_TEST_RUN';

export interface Secret {
  /** Whose it is, to be named when it is found. */
  readonly name: string;
  /** Parts of letters, digits, `+`, `/`, `-`, `_` that give it away: the same in plain, JSON and XML. */
  readonly cores: readonly string[];
}

let hasRegistered = false;

/** Outside a run of the tests (npm run lab) nothing is kept. */
export function registerSecret(name: string, cores: readonly string[]): void {
  const folder = process.env[runFolderVariable];
  if (folder === undefined || cores.length === 0) return;
  hasRegistered = true;
  appendFileSync(join(folder, 'secrets.jsonl'), `${JSON.stringify({ name, cores } satisfies Secret)}\n`, {
    mode: 0o600,
  });
}

/**
 * Parts of a private key that its public half and a certificate do not hold too. Of RSA each third line of the second half (PKCS #1,
 * PKCS #8 and OpenSSH put the modulus first); of Ed25519 as ssh-keygen writes it the seed (byte 161); of P-256 the scalar (byte 36 of
 * PKCS #8, 7 of SEC 1). Throws for a key of another form.
 */
export function coresOfPrivateKey(pem: string): string[] {
  const lines = pem.split('\n').filter((line) => /^[A-Za-z0-9+/]{64,70}$/.test(line));
  const half = lines.slice(Math.ceil(lines.length / 2));
  if (lines.length >= 12) return half.filter((_, index) => index % 3 === 1).map((line) => line.slice(20, 44));
  const [first = '', , , fourth = ''] = lines;
  const core = pem.includes('BEGIN OPENSSH')
    ? fourth.slice(8, 40)
    : pem.includes('BEGIN EC PRIVATE')
      ? first.slice(12, 48)
      : first.slice(48, 64);
  if (core.length < 16)
    throw new RangeError('this form of a private key is not known to the search for secrets');
  return [core];
}

export function registeredSecrets(folder: string): Secret[] {
  const file = join(folder, 'secrets.jsonl');
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Secret);
}

/**
 * Takes a state folder that a test is done with into the search. In a process that has made no secret there is nothing to be
 * found (each test file has a process of its own): false, and the caller removes the folder as ever.
 */
export function keepForSearch(state: string): boolean {
  const folder = process.env[runFolderVariable];
  if (folder === undefined || !hasRegistered || !existsSync(state)) return false;
  renameSync(state, join(mkdtempSync(join(folder, 'kept-')), 'state'));
  return true;
}

/** The same for one file that stays where it is. */
export function copyForSearch(file: string, name: string): void {
  const folder = process.env[runFolderVariable];
  if (folder === undefined || !existsSync(file)) return;
  copyFileSync(file, join(mkdtempSync(join(folder, 'kept-')), name));
}
