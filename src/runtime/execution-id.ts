/** Ids of executions: twelve characters that sort by time, without letters that look alike (Crockford's base 32). */
import { createHash, randomInt } from 'node:crypto';

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const epochSeconds = Date.UTC(2025, 0, 1) / 1000;
const timeLength = 6;
const randomLength = 6;

/** When an id was made, to the second, in ms since 1970. */
export function madeAt(executionId: string): number {
  let seconds = 0;
  for (let place = 0; place < timeLength; place += 1)
    seconds = seconds * 32 + Math.max(0, alphabet.indexOf(executionId.charAt(place)));
  return (seconds + epochSeconds) * 1000;
}

export function newExecutionId(nowMs: number): string {
  let random = '';
  for (let place = 0; place < randomLength; place += 1) random += alphabet.charAt(randomInt(32));
  return timeOf(nowMs) + random;
}

/** The same for the same instant and the same words: what is started under it is started once. */
export function executionIdOf(atMs: number, words: readonly string[]): string {
  const digest = createHash('sha256').update(JSON.stringify(words)).digest();
  const letters = [...digest.subarray(0, randomLength)].map((byte) => alphabet.charAt(byte % 32));
  return timeOf(atMs) + letters.join('');
}

function timeOf(nowMs: number): string {
  let seconds = Math.max(0, Math.floor(nowMs / 1000) - epochSeconds);
  let time = '';
  for (let place = 0; place < timeLength; place += 1) {
    time = alphabet.charAt(seconds % 32) + time;
    seconds = Math.floor(seconds / 32);
  }
  return time;
}

export function isExecutionId(text: string): boolean {
  return (
    text.length === timeLength + randomLength && text.split('').every((letter) => alphabet.includes(letter))
  );
}
