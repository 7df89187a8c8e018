/** Public keys as authorized_keys files hold them: told apart by their body, never by their comment. Format: sshd(8), AUTHORIZED_KEYS. */
import { createHash } from 'node:crypto';

export interface PublicKey {
  /** `ssh-ed25519`, `ssh-rsa`, `ecdsa-sha2-nistp256`, `sk-ssh-ed25519@openssh.com`. */
  readonly type: string;
  /** The key itself, base64: what two lines of the same key have in common. */
  readonly body: string;
  /** `SHA256:…`, as ssh-keygen -l and sshd's log give it. */
  readonly fingerprint: string;
  /** The whole line without line breaks: options, type, body, comment. */
  readonly line: string;
}

const quoted = /"(?:[^"\\]|\\.)*"/g;
const key = /(?:^|\s)((?:sk-)?(?:ssh|ecdsa)-[a-z0-9@.-]+)\s+(AAAA[0-9A-Za-z+/]+={0,2})(?=\s|$)/;

/** The key of one line; undefined when there is none, or when the line holds a line break. */
export function parsePublicKey(text: string): PublicKey | undefined {
  const line = text.trim();
  if (/[\r\n]/.test(line) || line.startsWith('#')) return undefined;
  const found = key.exec(line.replaceAll(quoted, '""'));
  const [, type, body] = found ?? [];
  if (type === undefined || body === undefined || !holdsType(body, type)) return undefined;
  return { type, body, line, fingerprint: fingerprintOf(body) };
}

/** `SHA256:` and the unpadded base64 of the body's digest. */
export function fingerprintOf(body: string): string {
  const digest = createHash('sha256').update(Buffer.from(body, 'base64')).digest('base64');
  return `SHA256:${digest.replace(/=+$/, '')}`;
}

export function looksPrivate(text: string): boolean {
  return /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text);
}

/** A body opens with its own type: a length and a name. RFC 4253, section 6.6. */
function holdsType(body: string, type: string): boolean {
  const bytes = Buffer.from(body, 'base64');
  if (bytes.length < 4 + type.length) return false;
  return (
    bytes.readUInt32BE(0) === type.length && bytes.subarray(4, 4 + type.length).toString('latin1') === type
  );
}
