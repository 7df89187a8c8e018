/** Key pairs as people have them: files that ssh-keygen made. Their private halves are searched for after all tests. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { coresOfPrivateKey, registerSecret } from '../../support/secret-search/registry.ts';

export interface KeyFile {
  /** The private half; the public one lies beside it. */
  readonly file: string;
  /** As authorized_keys holds it. */
  readonly line: string;
}

export function makeKey(folder: string, name: string): KeyFile {
  const file = join(folder, name);
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file]);
  registerSecret(`the private key ${name}`, coresOfPrivateKey(readFileSync(file, 'utf8')));
  return { file, line: readFileSync(`${file}.pub`, 'utf8').trim() };
}
