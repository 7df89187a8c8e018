/**
 * Exit code 194 (3010 of PowerShell) of a command that Belay carries itself: the host is rebooted, and the plugin that asked for it
 * runs again from its start, as under the SSM agent. Each run after a reboot and each order to reboot have a token of their own that
 * follows from the command's, so that whoever comes later finds on the host how far it came.
 * Source: https://docs.aws.amazon.com/systems-manager/latest/userguide/send-commands-reboot.html
 */
import { HostFailure, type Host, type HostScript } from '../../../transports/host.ts';
import type { ActionContext } from '../../define-action.ts';
import { isAway } from '../../host/reboot-watch.ts';

/** A shell tells 3010 as 194, too: exit codes have eight bits. */
export const rebootExitCode = 194;
/** A plugin that asks again and again would reboot its host for ever. */
const rebootsMax = 10;
const askMs = 30_000;
/** From the order to reboot until the host has to be back, in ms. */
const backWithinMs = 900_000;

/** Of the `run`-th run, which counts from 1. */
export function runToken(token: string, run: number): string {
  return run === 1 ? token : `${token}-run${run}`;
}

const orderToken = (token: string, run: number): string => `${token}-reboot${run}`;

export type Reboot =
  | { readonly kind: 'waiting' }
  /** It runs another boot than the one in which the plugin asked. */
  | { readonly kind: 'back' }
  | { readonly kind: 'failed'; readonly said: string };

/** `since`: when it was first found that the run asks for a reboot, in ms since 1970. Gives the order once, and says how it stands. */
export async function rebootOnce(
  host: Host,
  { token, run, since }: { readonly token: string; readonly run: number; readonly since: number },
  context: ActionContext,
): Promise<Reboot> {
  const asks = 'the script asks for a reboot by its exit code';
  if (host.transport === 'local') {
    const said = `${asks}, and ${host.label} is the machine that Belay runs on; nothing was rebooted. Run it from another machine`;
    return { kind: 'failed', said };
  }
  if (run > rebootsMax) {
    const said = `${asks} although ${host.label} was rebooted ${rebootsMax} times for it; it is rebooted no further`;
    return { kind: 'failed', said };
  }
  const isLate = context.now() - since > backWithinMs;
  try {
    const order = await orderOf(host, orderToken(token, run), context);
    const now = await bootOf(host, context);
    if (order.kind === 'absent') {
      await host.start(orderToken(token, run), { text: orderText, args: [now] }, { signal: context.signal });
      return { kind: 'waiting' };
    }
    if (order.kind === 'refused') return { kind: 'failed', said: `it could not be rebooted: ${order.said}` };
    if (order.boot !== undefined && order.boot !== now) return { kind: 'back' };
    if (!isLate) return { kind: 'waiting' };
    return { kind: 'failed', said: `${asks}, and ${host.label} has not gone down; it runs the same boot` };
  } catch (error) {
    if (!isAway(error)) throw error;
    if (!isLate) return { kind: 'waiting' };
    return {
      kind: 'failed',
      said: `${host.label} has not come back from the reboot that the script asked for: ${error.message}`,
    };
  }
}

/** What is said first is the boot in which the order was given: it tells later whether that is over. */
const orderText = `
before=$1
printf 'boot=%s\\n' "$before"
${bootText()}
[ "$(boot_id)" = "$before" ] || exit 0
sync
# Time for the answer that it has begun to leave the host.
sleep 1
if [ -d /run/systemd/system ]; then systemctl reboot || systemctl --force reboot; else shutdown -r now; fi || exit 1
`;

/** Of macOS there is no boot id in a file. */
function bootText(): string {
  return 'boot_id() { cat /proc/sys/kernel/random/boot_id 2>/dev/null || sysctl -n kern.bootsessionuuid; }';
}

type Order =
  | { readonly kind: 'absent' }
  | { readonly kind: 'given'; readonly boot: string | undefined }
  | { readonly kind: 'refused'; readonly said: string };

async function orderOf(host: Host, token: string, { signal }: ActionContext): Promise<Order> {
  const said = { stdout: '', stderr: '' };
  const state = await host.poll(token, {
    from: { stdout: 0, stderr: 0 },
    sink: {
      write: (stream, chunk) => void (said[stream] += Buffer.from(chunk).toString('utf8')),
    },
    waitMs: 0,
    signal,
  });
  if (state.kind === 'absent') return state;
  if (state.kind === 'exited' && state.exitCode !== 0)
    return { kind: 'refused', said: said.stderr.trim() || `exit code ${state.exitCode}` };
  return { kind: 'given', boot: /^boot=(\S+)$/m.exec(said.stdout)?.[1] };
}

async function bootOf(host: Host, { signal }: ActionContext): Promise<string> {
  const script: HostScript = { text: `${bootText()}\nboot_id` };
  const { exitCode, stdout } = await host.read(script, { signal, timeoutMs: askMs });
  const boot = stdout.trim();
  if (exitCode === 0 && /^[0-9A-Fa-f-]{16,64}$/.test(boot)) return boot;
  const message = `${host.label} does not say which boot it runs, so nobody could tell whether it was rebooted`;
  throw new HostFailure({ code: 'BAD_REPLY', message, retryable: false, effect: 'none' });
}

/** Stops every run of it, and keeps a further one from beginning. */
export async function stopRuns(host: Host, token: string, signal: AbortSignal): Promise<void> {
  for (let run = 1; run <= rebootsMax + 1; run += 1) {
    await host.stop(runToken(token, run), { signal });
    const nowhere = { from: { stdout: 0, stderr: 0 }, sink: { write: () => undefined }, waitMs: 0, signal };
    const state = await host.poll(runToken(token, run), nowhere);
    if (state.kind !== 'exited' || state.exitCode !== rebootExitCode) return;
  }
}

export async function forgetRuns(
  host: Host,
  { token, runs }: { readonly token: string; readonly runs: number },
  signal: AbortSignal,
): Promise<void> {
  await host.forget(token, { signal });
  for (let run = 2; run <= runs; run += 1) {
    await host.forget(orderToken(token, run - 1), { signal });
    await host.forget(runToken(token, run), { signal });
  }
}
