/** Takes back, within the step itself, what an effect has done and what then turned out not to hold. */
import type { Host, HostScript } from '../../transports/host.ts';
import { pending, type ActionContext, type Failed, type Poll } from '../define-action.ts';
import { lastLines, parseFields, refusal } from '../scripts/fields.ts';

/** Found again by a runner that comes later: a second start under the same token does nothing. */
const tokenOf = ({ token }: ActionContext) => `${token}-back`;

/**
 * Runs `script` under a token of its own and answers `pending` until it has ended; then what `ended` says. `trouble`:
 * why it could not be put back; null when it could.
 */
export async function putBack(
  host: Host,
  script: HostScript,
  context: ActionContext,
  ended: (trouble: string | null) => Failed,
): Promise<Poll<never>> {
  const token = tokenOf(context);
  const { signal } = context;
  await host.start(token, script, { signal });
  let stdout = '';
  let stderr = '';
  const state = await host.poll(token, {
    from: { stdout: 0, stderr: 0 },
    sink: {
      write: (stream, chunk) => {
        const text = Buffer.from(chunk).toString('utf8');
        if (stream === 'stdout') stdout += text;
        else stderr += text;
      },
    },
    waitMs: 5_000,
    signal,
  });
  if (state.kind === 'running') return pending(200, 'putting the previous pair back');
  if (state.kind === 'exited' && state.exitCode === 0) {
    await host.forget(token, { signal });
    return ended(null);
  }
  return ended(refusal(parseFields(stdout))?.text ?? (lastLines(stderr) || 'it left no result'));
}
