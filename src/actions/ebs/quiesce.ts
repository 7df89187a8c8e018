/** Freezes file systems on a host around one call. The host thaws them by itself when nobody comes back. */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Host } from '../../transports/host.ts';
import { ActionFailure, type ActionContext } from '../define-action.ts';
import { captureOutput } from '../effects/capture.ts';
import { parseFields, refusal } from '../scripts/fields.ts';
import { freezeMounts } from '../scripts/volume.ts';

/** Looks at the freezing script until it says that all is frozen. */
const looksMax = 300;
const lookAgainMs = 100;
const thawTimeoutMs = 20_000;

export interface Quiesced<T> {
  readonly value: T;
  /** Mounts that stood still during the whole call; others were only flushed. */
  readonly frozen: readonly string[];
}

/** A name for one command of an effect that has several: the same for every runner that carries the effect on. */
export const hostTokenOf = (token: string, what: string) =>
  `b-${createHash('sha256').update(`${token}/${what}`).digest('hex').slice(0, 40)}`;

/** Ends what keeps file systems frozen for this effect, whichever runner began it. */
export async function thaw(host: Host, { token }: Pick<ActionContext, 'token'>): Promise<void> {
  const freezing = hostTokenOf(token, 'freeze');
  const own = { signal: AbortSignal.timeout(thawTimeoutMs) };
  await host.stop(freezing, own);
  await host.forget(freezing, own);
}

/** Throws FREEZE_FAILED and HostFailure before `call` is made; what `call` throws comes through, thawed. */
export async function quiesced<T>(
  host: Host,
  mounts: readonly string[],
  secondsMax: number,
  context: ActionContext,
  call: () => Promise<T>,
): Promise<Quiesced<T>> {
  const token = hostTokenOf(context.token, 'freeze');
  const { signal } = context;
  const output = captureOutput(context.log(host.name), 64 * 1024);
  const look = (waitMs: number) =>
    host.poll(token, { from: output.next(), sink: output.sink, waitMs, signal });
  // What an earlier runner may have left under this token is over by now, or is ended here.
  await thaw(host, context);
  await host.start(token, freezeMounts([String(secondsMax), ...mounts]), { signal });
  try {
    for (let looks = 1; parseFields(output.stdout()).one('ready') === undefined; looks += 1) {
      const state = await look(lookAgainMs);
      const fields = parseFields(output.stdout());
      const said = refusal(fields);
      if (said) throw new ActionFailure({ code: said.code, message: `${host.label}: ${said.text}` });
      if (fields.one('ready') !== undefined) break;
      if (state.kind !== 'running' || looks >= looksMax) {
        throw new ActionFailure({
          code: 'FREEZE_FAILED',
          message: `${host.label}: ${mounts.join(', ')} could not be frozen; nothing was snapshotted`,
        });
      }
      await delay(lookAgainMs, undefined, { signal });
    }
    const value = await call();
    const after = await look(0).catch(() => undefined);
    const held = after?.kind === 'running';
    return { value, frozen: held ? parseFields(output.stdout()).all('frozen') : [] };
  } finally {
    // Not a failure of the call: the host thaws by itself, and what the call made must not be forgotten over it.
    await thaw(host, context).catch((error: unknown) => {
      context.notice(
        `the thaw is not confirmed, ${host.label} thaws within ${secondsMax} s: ${String(error)}`,
      );
    });
  }
}
