/**
 * Tells whether a secret is still the one that the execution began with, without keeping anything that gives it away: salted for each
 * execution and secret, and slow to try guesses on (scrypt, RFC 7914; the cost of OWASP's password storage advice).
 */
import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto';

/** Both in base64. */
export interface Fingerprint {
  readonly salt: string;
  readonly print: string;
}

const cost = { N: 2 ** 16, r: 8, p: 1, maxmem: 128 * 1024 * 1024 };
const printBytes = 32;

export function fingerprintOf(value: string): Fingerprint {
  const salt = randomBytes(16);
  return { salt: salt.toString('base64'), print: printOf(value, salt).toString('base64') };
}

export function hasFingerprint(value: string, { salt, print }: Fingerprint): boolean {
  const known = Buffer.from(print, 'base64');
  const found = printOf(value, Buffer.from(salt, 'base64'));
  return known.length === found.length && timingSafeEqual(known, found);
}

function printOf(value: string, salt: Buffer): Buffer {
  return scryptSync(value, salt, printBytes, cost);
}
