/** Object locks as manifests have them. Somebody else may have written there since. */
import { lockModes, type LockMode, type ObjectLock } from '../../transports/s3/object-lock.ts';
import { objectIn, textIn } from './admin.ts';

/** Of an entry of a manifest; undefined: none. */
export function lockWritten(entry: unknown): ObjectLock | undefined {
  const lock = objectIn(objectIn(entry)['lock']);
  const retention = objectIn(lock['retention']);
  const [mode, until] = [modeWritten(retention), textIn(retention, 'until')];
  const isRetained = mode !== undefined && !Number.isNaN(Date.parse(until));
  const isHeld = lock['isHeld'] === true;
  if (!isRetained && !isHeld) return undefined;
  return { ...(isRetained ? { retention: { mode, until } } : {}), ...(isHeld ? { isHeld } : {}) };
}

export const modeWritten = (retention: ReturnType<typeof objectIn>): LockMode | undefined =>
  lockModes.find((mode) => mode === textIn(retention, 'mode'));
