/** Files of a host: where they lie, what they are, and replacing them. */
import { createHash } from 'node:crypto';
import type { FileState, HostState, WorldState } from '../state.ts';
import { locate } from './devices.ts';

export function fileAt(state: WorldState, host: HostState, path: string): FileState | undefined {
  const place = locate(state, host, path);
  return place?.contents.files[place.path];
}

/** Null removes it. */
export function putFile(state: WorldState, host: HostState, path: string, file: FileState | null): void {
  const place = locate(state, host, path);
  if (!place) throw new Error(`the sandbox's host ${host.name} has no disk for ${path}`);
  if (file === null) delete place.contents.files[place.path];
  else place.contents.files[place.path] = file;
}

/** A folder is one that stands there as such, the top of a disk, or one with something in it. */
export function isFolder(state: WorldState, host: HostState, path: string): boolean {
  const place = locate(state, host, path || '/');
  if (!place) return false;
  if (place.path === '/' || place.contents.files[place.path]?.kind === 'directory') return true;
  const inside = `${place.path}/`;
  return (
    Object.keys(place.contents.files).some((name) => name.startsWith(inside)) ||
    Object.keys(host.mounts).some((mount) => `${mount}/`.startsWith(`${path}/`))
  );
}

export function sha256Of(file: Extract<FileState, { kind: 'file' }>): string {
  return createHash('sha256').update(Buffer.from(file.base64, 'base64')).digest('hex');
}
