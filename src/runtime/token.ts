/** The engine's tokens are readable paths; the world gets a hash: 42 characters that every service accepts. */
import { createHash } from 'node:crypto';

export function hashToken(token: string): string {
  return `b-${createHash('sha256').update(token).digest('hex').slice(0, 40)}`;
}
