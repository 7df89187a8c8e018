/** Watches a host that was told to reboot: on its way down, away, on its way up, and whether it came back whole. */
import { Type, type Static } from 'typebox';
import { HostFailure, type HostFailureCode } from '../../transports/host.ts';
import { done, failed, pending, type ActionContext, type Poll } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { returned, type Mount } from './returned.ts';
import { parseFields, readFields, refusal } from '../scripts/fields.ts';
import { afterReboot } from '../scripts/reboot.ts';

/** How long one question may take, in ms: a host that is booting answers late. */
export const askMs = 30_000;
const againMs = 1_000;
const withinSecondsDefault = 600;

export const rebootInputs = strictObject({
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
        'Reboot only when /run/reboot-required exists or needrestart asks for it (Debian), or needs-restarting -r does (dnf, yum).',
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
});
export type Inputs = Static<typeof rebootInputs>;
export type Before = {
  readonly bootId: string;
  readonly required: 'yes' | 'no' | 'unknown';
  /** Those that must be there afterwards. */
  readonly mounts: readonly Mount[];
};
/** `begunAt`: ms, when it was begun or, by a runner that came later, found. */
export type Handle = { readonly Token: string; readonly begunAt: number };
export type Outputs = {
  readonly Rebooted: boolean;
  readonly BootId: string;
  readonly Mounts: readonly string[];
};

type Order =
  /** It goes down, is down, or has come back. */
  | { readonly kind: 'given' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'refused'; readonly code: string; readonly text: string };

/** What became of the order to reboot. A host that cannot be asked may be on its way down. */
export async function orderOf(inputs: Inputs, token: string, context: ActionContext): Promise<Order> {
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
export const isAway = (error: unknown): error is HostFailure =>
  error instanceof HostFailure && awayCodes.has(error.code);

export async function lookAfter(
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
