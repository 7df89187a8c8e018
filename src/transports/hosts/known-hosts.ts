/** Fingerprints of the keys that a known_hosts file holds. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** `SHA256:…` of the key on the line (from 1); undefined when it cannot be read. Format: sshd(8), SSH_KNOWN_HOSTS. */
export function knownFingerprint(file: string, line: number): string | undefined {
  try {
    const fields = (readFileSync(file, 'utf8').split('\n')[line - 1] ?? '').trim().split(/\s+/);
    if (fields[0]?.startsWith('@') === true) fields.shift();
    const key = fields[2];
    if (key === undefined || key === '') return undefined;
    const digest = createHash('sha256').update(Buffer.from(key, 'base64')).digest('base64');
    return `SHA256:${digest.replace(/=+$/, '')}`;
  } catch {
    return undefined;
  }
}
