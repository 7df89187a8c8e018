/**
 * Ids of children: the root's, a dot, and ten characters that follow from who started the child by which call. So every replay of the
 * call finds the same child, and an id says by itself under which execution it is found.
 */
import { createHash } from 'node:crypto';

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** 50 bits: that two of ten thousand children of one root share an id happens once in twenty million roots. */
const ownLength = 10;

export function childIdOf(parent: string, call: string): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([parent, call]))
    .digest();
  const own = Array.from(hash.subarray(0, ownLength), (byte) => alphabet.charAt(byte % 32)).join('');
  return `${rootOf(parent)}.${own}`;
}

/** The execution at the top; of a root, itself. */
export function rootOf(executionId: string): string {
  return executionId.split('.')[0] ?? executionId;
}

/** What comes behind the root's id; undefined: it is a root. */
export function ownPartOf(executionId: string): string | undefined {
  return executionId.split('.')[1];
}
