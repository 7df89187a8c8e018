/** Block devices and mounts: which volume a host sees under which name, and which files lie where. */
import type { Contents, HostState, System, Volume, WorldState } from '../state.ts';

export interface BlockDevice {
  /** As the kernel names it: `/dev/xvdf` for a volume attached as `/dev/sdf`. */
  readonly node: string;
  readonly volume: Volume;
}

/** The kernel's name for a device name given to AttachVolume. */
export function nodeOf(device: string): string {
  return device.replace(/^\/dev\/sd/, '/dev/xvd');
}

/** Every disk that the host has at this moment, the root disk first. */
export function blockDevices(state: WorldState, host: HostState): BlockDevice[] {
  const root = state.instances[host.instanceId]?.rootDeviceName;
  return Object.values(state.volumes)
    .filter(
      ({ attachment }) => attachment?.instanceId === host.instanceId && attachment.state !== 'attaching',
    )
    .map((volume) => ({ node: nodeOf(volume.attachment?.device ?? ''), volume }))
    .sort((a, b) => order(a) - order(b) || a.node.localeCompare(b.node));

  function order({ volume }: BlockDevice): number {
    return volume.attachment?.device === root ? 0 : 1;
  }
}

/** The disk that the operating system was started from; undefined after somebody detached it. */
export function rootVolume(state: WorldState, host: HostState): Volume | undefined {
  const root = state.instances[host.instanceId]?.rootDeviceName;
  return Object.values(state.volumes).find(
    ({ attachment }) => attachment?.instanceId === host.instanceId && attachment.device === root,
  );
}

/** The installed system. Only a host that runs has one, and it runs only with a root volume that holds one. */
export function systemOf(state: WorldState, host: HostState): System {
  const system = rootVolume(state, host)?.contents.system;
  if (!system) throw new Error(`the sandbox's host ${host.name} runs without a system on its root volume`);
  return system;
}

/** Whether the operating system holds the volume: it is mounted, or it is the root of a host that runs. */
export function isMounted(state: WorldState, volumeId: string): boolean {
  return Object.values(state.hosts).some(
    (host) =>
      Object.values(host.mounts).some((mount) => mount.volumeId === volumeId) ||
      (rootVolume(state, host)?.id === volumeId && isUp(state, host)),
  );
}

/** Whether the host answers; an instance that is being rebooted is `running` all the while. */
export function isUp(state: WorldState, host: HostState): boolean {
  const instance = state.instances[host.instanceId];
  return instance?.state === 'running' && instance.settlesAt === null;
}

export interface MountedPath {
  readonly contents: Contents;
  /** Below the mount point, beginning with a slash. */
  readonly path: string;
  readonly mountPoint: string;
  readonly volumeId: string;
  readonly device: string;
}

/** Where an absolute path of the host really lies: the deepest mount above it, else the root volume. */
export function locate(state: WorldState, host: HostState, path: string): MountedPath | undefined {
  const clean = path.length > 1 ? path.replace(/\/+$/, '') : path;
  const mountPoint = Object.keys(host.mounts)
    .filter((point) => clean === point || clean.startsWith(`${point}/`))
    .sort((a, b) => b.length - a.length)[0];
  if (mountPoint === undefined) {
    const root = rootVolume(state, host);
    if (!root) return undefined;
    return {
      contents: root.contents,
      path: clean,
      mountPoint: '/',
      volumeId: root.id,
      device: `${nodeOf(root.attachment?.device ?? '')}1`,
    };
  }
  const mount = host.mounts[mountPoint];
  const volume = mount && state.volumes[mount.volumeId];
  if (!mount || !volume) return undefined;
  return {
    contents: volume.contents,
    path: clean.slice(mountPoint.length) || '/',
    mountPoint,
    volumeId: volume.id,
    device: mount.device,
  };
}

/** Drops a mount and the unit that held it, without stopping anything first. */
export function forgetMount(state: WorldState, host: HostState, mountPoint: string): void {
  delete host.mounts[mountPoint];
  for (const [name, { runs }] of Object.entries(rootVolume(state, host)?.contents.system?.units ?? {})) {
    if (runs.kind === 'mount' && runs.where === mountPoint) delete host.units[name];
  }
}
