/** volume/* over modelled disks: what is mounted where, freezing, unmounting and mounting. */
import { durationsMs } from '../durations.ts';
import { blockDevices, locate, systemOf } from '../hosts/devices.ts';
import { freezing } from '../hosts/freeze.ts';
import { dataDirectory } from '../hosts/postgres.ts';
import { startUnit } from '../hosts/units.ts';
import { argument, no, type ScriptEnd, type ScriptModel, type ScriptRun } from './model.ts';

const mounts: ScriptModel = {
  changes: false,
  durationMs: 0,
  run(run) {
    const fields: string[] = [];
    for (const mountPoint of run.args) {
      const found = mountedAt(run, mountPoint);
      if (!found) return no(fields, 'NOT_MOUNTED', `nothing is mounted at ${mountPoint}`);
      fields.push(
        `mount=${mountPoint} ${found.device} ${found.contents.filesystem ?? '-'}`,
        // A Xen disk has no serial number.
        `disk=${mountPoint} ${found.disk} -`,
      );
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
      if (!mountedAt(run, mountPoint) || freezing(run.host, run.now).includes(mountPoint))
        return no([], 'FREEZE_FAILED', `fsfreeze: ${mountPoint}: freeze failed`);
      if (mountPoint === '/') fields.push('skipped=/ system folders live on it');
      else {
        fields.push(`frozen=${mountPoint}`);
        freezes.push(mountPoint);
      }
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
    const { host } = run;
    const fields: string[] = [];
    for (const mountPoint of run.args) {
      if (mountPoint === '/') return no(fields, 'MOUNT_BUSY', `umount: /: target is busy.`);
      const user = Object.keys(host.servers).find((cluster) =>
        `${dataDirectory(cluster)}/`.startsWith(`${mountPoint}/`),
      );
      if (host.mounts[mountPoint] && user !== undefined)
        return no(fields, 'MOUNT_BUSY', `umount: ${mountPoint}: target is busy: postgres ${user}`);
      delete host.mounts[mountPoint];
      const unit = mountUnit(run, mountPoint);
      if (unit !== undefined) delete host.units[unit];
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
    for (let index = 0; index + 4 < run.args.length; index += 5) {
      const mountPoint = argument(run, index, 'MOUNT');
      const problem = mountOne(run, mountPoint, argument(run, index + 3, 'DISK'));
      if (problem) return { ...problem, fields };
      fields.push(`mounted=${mountPoint}`);
    }
    return { fields };
  },
};

/** As the mount unit says, else the disk that was named. */
function mountOne(run: ScriptRun, mountPoint: string, disk: string): ScriptEnd | undefined {
  const { state, host, now } = run;
  if (host.mounts[mountPoint]) return undefined;
  const unit = mountUnit(run, mountPoint);
  if (unit !== undefined) {
    const refusal = startUnit(state, host, unit, now);
    return refusal && no([], 'MOUNT_FAILED', refusal.message.replaceAll('\n', ' | '));
  }
  const device = blockDevices(state, host).find(({ node }) => node === disk);
  if (!device) return no([], 'NO_SUCH_DISK', `there is no disk ${disk}`);
  if (device.volume.contents.filesystem === null)
    return no(
      [],
      'MOUNT_FAILED',
      `mount: ${mountPoint}: wrong fs type, bad option, bad superblock on ${disk}.`,
    );
  host.mounts[mountPoint] = { device: disk, volumeId: device.volume.id };
  return undefined;
}

function mountUnit({ state, host }: ScriptRun, mountPoint: string): string | undefined {
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
