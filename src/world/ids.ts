/** Ids that look as AWS makes them and are the same in every run that makes the same calls. */
import { createHash } from 'node:crypto';
import type { WorldState } from './state.ts';

/** `snap-0` and sixteen hex digits. */
export function newId(state: WorldState, prefix: string): string {
  return `${prefix}-0${nextHash(state, prefix).slice(0, 16)}`;
}

/** A UUID; version and variant bits are those of a random one. */
export function newUuid(state: WorldState, purpose: string): string {
  return uuidOf(nextHash(state, purpose));
}

export function uuidOf(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

export function hash(...parts: readonly (string | number)[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('hex');
}

function nextHash(state: WorldState, purpose: string): string {
  state.serial += 1;
  return hash('belay sandbox', purpose, state.serial);
}
