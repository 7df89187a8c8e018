/**
 * Secrets that are easy to find again: what stands in the middle of each has only letters and digits, so it looks the same in
 * plain, JSON, URL, XML and shell text; around it are characters that look different in each. The search knows nothing
 * of Belay's own redactor.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { base64Parts, rowsOf } from '../../support/secret-search/forms.ts';
import { coresOfPrivateKey, registerSecret } from '../../support/secret-search/registry.ts';

export interface Canary {
  readonly value: string;
  /** Parts that give the secret away. */
  readonly cores: readonly string[];
}

/** `isPlanted`: it is there to be found, and the search after all tests does not look for it. */
export function password({ isPlanted = false } = {}): Canary {
  // Behind the backslash nothing that the echo of /bin/sh takes for an escape: it would print another text than the secret.
  const cores = [word(), word().replace(/^[abcefnrtvx0-9]/, 'd')];
  if (!isPlanted) registerSecret('a password', cores);
  return { value: `p"ä/${cores[0]}+ =%&'$x\\${cores[1]}<é>?#`, cores };
}

/** A private key as a file holds it: each third line of it gives it away. */
export function privateKey(): Canary {
  const { privateKey: value } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const lines = value.split('\n').filter((line) => /^[A-Za-z0-9+/]{64}$/.test(line));
  const cores = lines.filter((_, index) => index % 3 === 1).map((line) => line.slice(20, 44));
  registerSecret('a private key', coresOfPrivateKey(value));
  return { value, cores };
}

function word(): string {
  return randomBytes(24)
    .toString('base64')
    .replaceAll(/[^A-Za-z0-9]/g, '')
    .slice(0, 16);
}

/** How the canaries can be read out of the bytes; empty: not at all. */
export function readable(bytes: Buffer, canaries: readonly Canary[]): string[] {
  const text = bytes.toString('latin1');
  const joined = text.replaceAll(/\s+/g, '');
  const lower = joined.toLowerCase();
  return canaries.flatMap(({ cores }) =>
    cores.flatMap((core) => [
      ...(text.includes(core) || joined.includes(core) ? [`${core} in plain`] : []),
      ...(lower.includes(Buffer.from(core).toString('hex')) ? [`${core} in hex`] : []),
      ...base64Parts(core)
        .filter((part) => joined.includes(part))
        .map((part) => `${core} in base64 as ${part}`),
      ...(joined.includes(Array.from(core).toReversed().join('')) ? [`${core} backwards`] : []),
    ]),
  );
}

/** Every file below the folder, and every value of every table of its databases (a page border may cut a value in the file). */
export function readableInFolder(folder: string, canaries: readonly Canary[]): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .flatMap((file) => {
      const found = readable(readFileSync(file), canaries);
      const inRows = file.endsWith('journal.db') ? readable(rowsOf(file), canaries) : [];
      return [...found, ...inRows].map((what) => `${relative(folder, file)}: ${what}`);
    });
}
