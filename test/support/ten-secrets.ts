/** Ten secrets, of each kind one. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { coresOfPrivateKey, registerSecret } from './secret-search/registry.ts';

export const token = (): string => randomBytes(24).toString('base64url');

/** Of each kind one; another set of the same kinds tells what stands in every run anyway. */
export function tenSecrets(words: readonly [protocol: string, number: string, short: string]): string[] {
  const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
  const all = [
    pem,
    words[1],
    words[2],
    `${token()}\nand ${token()}\n`,
    `Pässwört-Σίγμα-${token()}-日本`,
    words[0],
    token(),
    `it's "${token()}" $HOME \`x\` \\n`,
    JSON.stringify({ key: token() }),
    `***${token()}***`,
  ];
  registerSecret('a key of the hundred forms', coresOfPrivateKey(pem));
  for (const value of [all[6], all[8], all[9]])
    registerSecret('a token of the hundred forms', /[\w-]{32}/.exec(value ?? '') ?? []);
  return all;
}
