/**
 * host:reboot: one reboot of a host, done when it came back as it was: another boot id, every mount at its path, and the
 * services active. A mount that is missing fails the step, and keeps the services from starting without it.
 */
import { Type } from 'typebox';
import type { Host } from '../../transports/host.ts';
import { ActionFailure, defineAction, done, type BegunEffect } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { readFields } from '../scripts/fields.ts';
import { beginReboot, observeReboot } from '../scripts/reboot.ts';
import {
  askMs,
  lookAfter,
  orderOf,
  rebootInputs,
  type Before,
  type Handle,
  type Inputs,
  type Outputs,
} from './reboot-watch.ts';
import type { Mount } from './returned.ts';

export const reboot = defineAction({
  name: 'host:reboot',
  summary:
    'Reboots a host and waits until it came back whole: another boot id, every mount at its path, the services active.',
  source: 'https://www.freedesktop.org/software/systemd/man/latest/systemd.unit.html',
  example: `
    - name: Reboot
      action: host:reboot
      inputs: { Host: minio02, IfRequired: true, Services: [minio], Mounts: [/mnt/disk1, /mnt/disk2] }`,
  inputs: rebootInputs,
  outputs: strictObject({
    Rebooted: Type.Boolean({ description: 'False: the host did not ask for a reboot.' }),
    BootId: Type.String({ description: 'Of the boot that runs now.' }),
    Mounts: Type.Array(Type.String(), { description: 'Found at their paths.' }),
  }),
  timeoutSeconds: 3_900,
  permissions: () => [],
  targets: ({ Host }) => [Host],
  hasHostTargets: true,

  observe: async (inputs, context): Promise<Before> => {
    const host = context.host(inputs.Host);
    if (host.transport === 'local') {
      throw new ActionFailure({
        code: 'REBOOT_OF_LOCAL',
        message: `${host.label} is the machine that Belay runs on: the reboot would end this run. Nothing was rebooted. Run the runbook from another machine`,
      });
    }
    const fields = await readFields(host, observeReboot(inputs.Services ?? []), context, askMs);
    const unknown = fields.rows('unit').find(([, load]) => load === 'not-found');
    if (unknown) throw refuse(host, 'UNIT_NOT_FOUND', `has no unit ${unknown[0]}`);
    const required = fields.one('required');
    if (inputs.IfRequired === true && !['yes', 'no', 'unmarked'].includes(required ?? '')) {
      throw refuse(
        host,
        'REBOOT_UNKNOWN',
        'does not say whether it must be rebooted: there is neither dpkg nor needs-restarting (dnf-utils). Install it, or leave IfRequired out',
      );
    }
    const mounted = fields
      .rows('mount')
      .map(([path = '', source = '', uuid = '-', declared]) => ({ path, source, uuid, declared }));
    return {
      bootId: fields.one('bootId') ?? '',
      required: required === 'yes' || required === 'no' ? required : 'unknown',
      mounts: expected(host, inputs.Mounts, mounted),
    };
  },

  effect: {
    kind: 'begun',
    settleMs: 2_000,
    begin: async (inputs, before, context): Promise<Handle> => {
      if (isNeeded(inputs, before)) {
        const paths = before.mounts.map(({ path }) => path);
        const script = beginReboot([
          before.bootId,
          String(paths.length),
          ...paths,
          ...(inputs.Services ?? []),
        ]);
        await context.host(inputs.Host).start(context.token, script, { signal: context.signal });
      }
      return { Token: context.token, begunAt: context.now() };
    },
    adopt: async (inputs, before, context) => {
      const running = { kind: 'running', handle: { Token: context.token, begunAt: context.now() } } as const;
      if (!isNeeded(inputs, before)) return running;
      const told = await orderOf(inputs, context.token, context);
      return told.kind === 'absent' ? { kind: 'absent' } : running;
    },
    poll: (handle, inputs, before, context) =>
      isNeeded(inputs, before)
        ? lookAfter(handle, inputs, before, context)
        : Promise.resolve(
            done<Outputs>(
              { Rebooted: false, BootId: before.bootId, Mounts: before.mounts.map(({ path }) => path) },
              { note: before.required === 'no' ? 'no reboot is required' : notMarked },
            ),
          ),
    release: (handle, inputs, context) =>
      context.host(inputs.Host).forget(handle.Token, { signal: context.signal }),
  } satisfies BegunEffect<Inputs, Before, Handle, Outputs>,

  undo: {
    kind: 'none',
    reason: 'a reboot cannot be unmade, and leaves nothing to put back',
    leavesChange: false,
  },
});

const notMarked =
  'not rebooted: /run/reboot-required is not there, and whether a reboot is required is unknown, as the host has neither unattended-upgrades, update-notifier-common nor needrestart to make it';

const isNeeded = ({ IfRequired }: Inputs, { required }: Before) => IfRequired !== true || required === 'yes';

const refuse = (host: Host, code: string, what: string) =>
  new ActionFailure({ code, message: `${host.label} ${what}. Nothing was rebooted` });

/** Of what is mounted now, what must be mounted afterwards. What nothing mounts at boot is refused: it would be missing. */
function expected(
  host: Host,
  wanted: readonly string[] | undefined,
  mounted: readonly (Mount & { readonly declared: string | undefined })[],
): readonly Mount[] {
  const absent = wanted?.filter((path) => !mounted.some((mount) => mount.path === path)) ?? [];
  if (absent.length > 0) {
    throw refuse(
      host,
      'MOUNT_MISSING',
      `has nothing mounted from a disk or the network at ${absent.join(', ')} even now`,
    );
  }
  const chosen = wanted === undefined ? mounted : mounted.filter(({ path }) => wanted.includes(path));
  const byHand = chosen.filter(({ declared }) => declared !== 'yes').map(({ path }) => path);
  if (wanted === undefined && byHand.length > 0) {
    throw refuse(
      host,
      'MOUNT_NOT_AT_BOOT',
      `has ${byHand.join(', ')} mounted by hand: neither /etc/fstab nor a mount unit would mount it again. Write it down there, or name the Mounts that count`,
    );
  }
  return chosen.map(({ path, source, uuid }) => ({ path, source, uuid }));
}
