/** volume/* over modelled disks: what is mounted where, freezing, unmounting and mounting. */
import { durationsMs } from '../durations.ts';
import { blockDevices, forgetMount, locate, nodeOf, systemOf } from '../hosts/devices.ts';
import { isFolder } from '../hosts/files.ts';
import { freezing } from '../hosts/freeze.ts';
import { dataDirectory } from '../hosts/postgres.ts';
import { startUnit } from '../hosts/units.ts';
import { argument, no, type ScriptEnd, type ScriptModel, type ScriptRun } from './model.ts';

const mounts: ScriptModel = {
  changes: false,
  durationMs: 0,
  run(run) {
    const fields: string[] = [];
    const asked = run.args.length > 0 ? run.args : ['/', ...Object.keys(run.host.mounts)].toSorted();
    for (const mountPoint of asked) {
      const found = mountedAt(run, mountPoint);
      if (!found) return no(fields, 'NOT_MOUNTED', `nothing is mounted at ${mountPoint} from a disk`);
      fields.push(
        `mount=${mountPoint} ${found.device} ${found.contents.filesystem ?? '-'} rw,relatime`,
        // A Xen disk has no serial number.
        `disk=${mountPoint} ${found.disk} -`,
      );
      const user = userOf(run, mountPoint);
      if (run.args.length > 0 && user !== undefined) fields.push(`busy=${mountPoint} ${user}`);
    }
    return { fields };
  },
};

const freeze: ScriptModel = {
  changes: true,
  durationMs: 0,
  run(run) {
    const seconds = Number(argument(run, 0, 'SECONDS'));
    const fields: string[] = [];
    const freezes: string[] = [];
    for (const mountPoint of run.args.slice(1)) {
      if (mountPoint === '/' || !mountedAt(run, mountPoint)) {
        fields.push(`skipped=${mountPoint} system folders live on it`);
        continue;
      }
      if (freezing(run.host, run.now).includes(mountPoint))
        return no(fields, 'FREEZE_FAILED', `fsfreeze of ${mountPoint} failed; everything is thawed`);
      fields.push(`frozen=${mountPoint}`);
      freezes.push(mountPoint);
    }
    return { fields: [...fields, 'ready=yes'], freezes, durationMs: seconds * 1_000 };
  },
};

const sync: ScriptModel = {
  changes: false,
  durationMs: 0,
  run: (run) => ({ fields: run.args.map((mountPoint) => `synced=${mountPoint}`) }),
};

const unmount: ScriptModel = {
  changes: true,
  durationMs: durationsMs.mountChange,
  run(run) {
    const { state, host } = run;
    const before = structuredClone({ mounts: host.mounts, units: host.units });
    const fields: string[] = [];
    for (const mountPoint of run.args) {
      const user = mountPoint === '/' ? 'systemd (1)' : userOf(run, mountPoint);
      if (mountedAt(run, mountPoint)) {
        if (user !== undefined) {
          // What was unmounted before is mounted again.
          Object.assign(host, before);
          return no(
            fields,
            'MOUNT_BUSY',
            `${mountPoint} cannot be unmounted: in use by ${user}; stop it first`,
            `umount: ${mountPoint}: target is busy.`,
          );
        }
        forgetMount(state, host, mountPoint);
      }
      fields.push(`unmounted=${mountPoint}`);
    }
    return { fields };
  },
};

const mount: ScriptModel = {
  changes: true,
  durationMs: durationsMs.mountChange,
  run(run) {
    const fields: string[] = [];
    let durationMs: number = durationsMs.mountChange;
    for (let index = 0; index + 4 < run.args.length; index += 5) {
      const mountPoint = argument(run, index, 'MOUNT');
      const disk = argument(run, index + 3, 'DISK');
      const serial = argument(run, index + 4, 'SERIAL');
      if (!run.host.mounts[mountPoint]) {
        durationMs += awaitDisk(run, disk);
        const problem = mountOne(run, mountPoint, { disk, serial });
        if (problem) return { ...problem, fields };
      }
      fields.push(`mounted=${mountPoint}`);
    }
    return { fields, durationMs };
  },
};

/** The script waits for a disk that is being attached; gives how long that takes, in ms. */
function awaitDisk({ state, host, now }: ScriptRun, disk: string): number {
  const coming = Object.values(state.volumes)
    .map(({ attachment }) => attachment)
    .find(
      (one) =>
        one?.state === 'attaching' && one.instanceId === host.instanceId && nodeOf(one.device) === disk,
    );
  if (!coming) return 0;
  const waitMs = (coming.settlesAt ?? now) - now;
  coming.state = 'attached';
  coming.settlesAt = null;
  return waitMs;
}

/** As the mount unit says, else the disk that was named. */
function mountOne(
  { state, host, now }: ScriptRun,
  mountPoint: string,
  { disk, serial }: { readonly disk: string; readonly serial: string },
): ScriptEnd | undefined {
  const device = blockDevices(state, host).find(({ node }) => node === disk);
  if (!device || serial !== '-')
    return no([], 'NO_SUCH_DISK', `the disk ${disk} (serial ${serial}) did not appear within 30 s`);
  const unit = mountUnit({ state, host }, mountPoint);
  if (unit !== undefined) {
    const refusal = startUnit(state, host, unit, now);
    return refusal && no([], 'MOUNT_FAILED', `systemctl start ${unit} failed`, refusal.message);
  }
  const { filesystem } = device.volume.contents;
  if (filesystem === null || !isFolder(state, host, mountPoint))
    return no([], 'MOUNT_FAILED', `mount -t ${filesystem ?? '-'} ${disk} ${mountPoint} failed`);
  host.mounts[mountPoint] = { device: disk, volumeId: device.volume.id };
  return undefined;
}

/** The processes of the server whose data lie below the mount point. */
function userOf({ host }: ScriptRun, mountPoint: string): string | undefined {
  const clusters = Object.keys(host.servers);
  const user = clusters.find((cluster) => `${dataDirectory(cluster)}/`.startsWith(`${mountPoint}/`));
  return user && 'postgres (6)';
}

function mountUnit(
  { state, host }: Pick<ScriptRun, 'state' | 'host'>,
  mountPoint: string,
): string | undefined {
  return Object.entries(systemOf(state, host).units).find(
    ([, { runs }]) => runs.kind === 'mount' && runs.where === mountPoint,
  )?.[0];
}

function mountedAt({ state, host }: ScriptRun, mountPoint: string) {
  const place = locate(state, host, mountPoint);
  if (place?.mountPoint !== mountPoint) return undefined;
  const disk = blockDevices(state, host).find(({ volume }) => volume.id === place.volumeId)?.node;
  return disk === undefined ? undefined : { ...place, disk };
}

export const volumeScripts = {
  'volume/mounts': mounts,
  'volume/freeze': freeze,
  'volume/sync': sync,
  'volume/unmount': unmount,
  'volume/mount': mount,
};
