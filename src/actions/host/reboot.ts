/**
 * host:reboot: one reboot of a host, done when it came back as it was: another boot id, every mount at its path, and the
 * services active. A mount that is missing fails the step, and keeps the services from starting without it.
 */
import { Type } from 'typebox';
import { HostFailure, type Host, type HostFailureCode } from '../../transports/host.ts';
import {
  ActionFailure,
  defineAction,
  done,
  failed,
  pending,
  type ActionContext,
  type BegunEffect,
  type Poll,
} from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { readFields, refusal, parseFields } from './scripts/fields.ts';
import { afterReboot, beginReboot, observeReboot } from './scripts/reboot.ts';
import { returned, type Mount } from './returned.ts';

/** How long one question may take, in ms: a host that is booting answers late. */
const askMs = 30_000;
const againMs = 1_000;
const withinSecondsDefault = 600;

type Inputs = {
  readonly Host: string;
  readonly Services?: readonly string[];
  readonly Mounts?: readonly string[];
  readonly IfRequired?: boolean;
  readonly WithinSeconds?: number;
};
type Before = {
  readonly bootId: string;
  readonly required: 'yes' | 'no' | 'unknown';
  /** Those that must be there afterwards. */
  readonly mounts: readonly Mount[];
};
/** `begunAt`: ms, when it was begun or, by a runner that came later, found. */
type Handle = { readonly Token: string; readonly begunAt: number };
type Outputs = {
  readonly Rebooted: boolean;
  readonly BootId: string;
  readonly Mounts: readonly string[];
};

export const reboot = defineAction({
  name: 'host:reboot',
  summary:
    'Reboots a host and waits until it came back whole: another boot id, every mount at its path, the services active.',
  source: 'https://www.freedesktop.org/software/systemd/man/latest/systemd.unit.html',
  example: `
    - name: Reboot
      action: host:reboot
      inputs: { Host: minio02, IfRequired: true, Services: [minio], Mounts: [/mnt/disk1, /mnt/disk2] }`,
  inputs: strictObject({
    Host: Type.String({ minLength: 1, description: 'A host of the inventory or an instance id.' }),
    Services: Type.Optional(
      Type.Array(Type.String({ pattern: '^[A-Za-z0-9:_.\\\\@][A-Za-z0-9:_.\\\\@-]*$' }), {
        uniqueItems: true,
        maxItems: 50,
        description:
          'Units that the boot must bring back to active. While a mount is missing none of them starts: a drop-in sees to it for as long.',
      }),
    ),
    Mounts: Type.Optional(
      Type.Array(Type.String({ pattern: '^/[^\\s%"\\\\]*$' }), {
        uniqueItems: true,
        maxItems: 200,
        description:
          'Where a file system must be mounted before and after; left out: wherever one of a disk or of the network is mounted now.',
      }),
    ),
    IfRequired: Type.Optional(
      Type.Boolean({
        default: false,
        description:
          'Reboot only when /run/reboot-required exists (Debian) or needs-restarting -r asks for it (dnf, yum).',
      }),
    ),
    WithinSeconds: Type.Optional(
      Type.Integer({
        minimum: 10,
        maximum: 3_600,
        default: withinSecondsDefault,
        description: 'From the order to reboot until everything is back.',
      }),
    ),
  }),
  outputs: strictObject({
    Rebooted: Type.Boolean({ description: 'False: no reboot was required.' }),
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
    if (inputs.IfRequired === true && required !== 'yes' && required !== 'no') {
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
              { note: 'no reboot is required' },
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

type Order =
  /** It goes down, is down, or has come back. */
  | { readonly kind: 'given' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'refused'; readonly code: string; readonly text: string };

/** What became of the order to reboot. A host that cannot be asked may be on its way down. */
async function orderOf(inputs: Inputs, token: string, context: ActionContext): Promise<Order> {
  let said = '';
  try {
    const state = await context.host(inputs.Host).poll(token, {
      from: { stdout: 0, stderr: 0 },
      sink: {
        write: (stream, chunk) =>
          void (stream === 'stdout' ? (said += Buffer.from(chunk).toString('utf8')) : undefined),
      },
      waitMs: 0,
      signal: context.signal,
    });
    if (state.kind === 'absent') return { kind: 'absent' };
    const no = state.kind === 'exited' ? refusal(parseFields(said)) : undefined;
    return no === undefined ? { kind: 'given' } : { kind: 'refused', ...no };
  } catch (error) {
    if (!isAway(error)) throw error;
    return { kind: 'given' };
  }
}

/** What a host says, or does not say, while it goes down and comes up. sshd refuses users while logins are closed. */
const awayCodes = new Set<HostFailureCode>([
  'UNREACHABLE',
  'NO_REPLY',
  'AUTH_REFUSED',
  'SUDO_REFUSED',
  'CONNECTION_LOST',
  'STATE_UNUSABLE',
  'TIMED_OUT',
]);
const isAway = (error: unknown): error is HostFailure =>
  error instanceof HostFailure && awayCodes.has(error.code);

async function lookAfter(
  handle: Handle,
  inputs: Inputs,
  before: Before,
  context: ActionContext,
): Promise<Poll<Outputs>> {
  const host = context.host(inputs.Host);
  const { Services = [], WithinSeconds = withinSecondsDefault } = inputs;
  const isLate = context.now() - handle.begunAt >= WithinSeconds * 1_000;
  const late = `${WithinSeconds} s after the order to reboot`;
  try {
    const wanted = before.mounts.flatMap(({ path, uuid }) => [path, uuid]);
    const script = afterReboot([before.bootId, String(before.mounts.length), ...wanted, ...Services]);
    const fields = await readFields(host, script, context, askMs);
    const bootId = fields.one('bootId') ?? '';
    if (bootId !== before.bootId) {
      const state = returned(host, fields, isLate ? late : null);
      if (state.kind === 'whole') {
        return done<Outputs>(
          { Rebooted: true, BootId: bootId, Mounts: before.mounts.map(({ path }) => path) },
          {
            changes: [{ target: host.name, subject: 'boot', from: short(before.bootId), to: short(bootId) }],
          },
        );
      }
      return state.kind === 'waiting' ? pending(againMs, state.notice) : failed(state.code, state.message);
    }
    const order = await orderOf(inputs, handle.Token, context);
    if (order.kind === 'refused') return failed(order.code, `${host.label}: ${order.text}`);
    if (order.kind === 'absent') {
      return failed('REBOOT_NOT_BEGUN', `${host.label}: the order to reboot never arrived`, {
        retryable: true,
      });
    }
    if (isLate) {
      return failed(
        'REBOOT_FAILED',
        `${host.label} has not gone down ${late}: it still runs the boot ${before.bootId}. Look at: systemctl list-jobs`,
      );
    }
    return pending(againMs, 'waiting for it to go down');
  } catch (error) {
    if (!isAway(error)) throw error;
    if (isLate) {
      return failed('HOST_NOT_BACK', `${host.label} has not come back ${late}: ${error.message}`);
    }
    return pending(againMs, 'waiting for it to come back');
  }
}

const short = (bootId: string) => bootId.slice(0, 8);
