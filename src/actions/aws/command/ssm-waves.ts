/**
 * A command of more instances than one SendCommand takes goes out in waves: one command each, found again by the token and the
 * number of the wave, and followed as one.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { AwsFailure } from '../../../transports/aws.ts';
import type { ActionContext } from '../../define-action.ts';
import type { NotStarted } from './host-half.ts';
import type { RunCommandInputs } from './inputs.ts';
import { cancelCommand, findCommand, followCommand, sendCommand, type Progress } from './ssm-half.ts';

/** Instances that one SendCommand takes (SSM API reference). */
const waveMax = 50;
/** How often a wave that is not listed is looked for once another one is, and how long between the looks. */
const looks = 5;
const lookAgainMs = 3_000;
/** SSM's own default. */
const maxConcurrencyDefault = 50;

export type Wave = { readonly CommandId: string; readonly Instances: readonly string[] };

export interface Sent {
  /** Empty: SSM carries nothing. With Targets one without instances: SSM knows them. */
  readonly waves: readonly Wave[];
  readonly notSent: NotStarted;
}

/** When the first wave is refused nothing has begun; a refusal of a later one is told of its instances. */
export async function sendWaves(
  inputs: RunCommandInputs,
  instances: readonly string[],
  context: ActionContext,
): Promise<Sent> {
  const parts = partsOf(instances);
  const waves: Wave[] = [];
  const notSent: { [host: string]: NotStarted[string] } = {};
  for (const [index, part] of parts.entries()) {
    try {
      const shared = sharedAmong(inputs, parts.length);
      waves.push({
        CommandId: await sendCommand(shared, part, context, markOf(context, index)),
        Instances: part,
      });
    } catch (error) {
      if (!(error instanceof AwsFailure) || error.effect === 'unknown' || index === 0) throw error;
      const { code, message, retryable } = error;
      for (const instance of part) notSent[instance] = { code, message, retryable };
    }
  }
  return { waves, notSent };
}

/** What was sent under the token; undefined: nothing. A wave that SSM does not list was not sent any more. */
export async function findWaves(
  inputs: RunCommandInputs,
  instances: readonly string[],
  context: ActionContext,
): Promise<Sent | undefined> {
  const waves: Wave[] = [];
  const notSent: { [host: string]: NotStarted[string] } = {};
  for (const [index, part] of partsOf(instances).entries()) {
    const mark = markOf(context, index);
    const most = index === 0 ? 1 : looks;
    let id = await findCommand(inputs, context, mark);
    for (let look = 1; id === undefined && look < most; look += 1) {
      await delay(lookAgainMs, undefined, { signal: context.signal });
      id = await findCommand(inputs, context, mark);
    }
    if (id === undefined && index === 0) return undefined;
    if (id !== undefined) waves.push({ CommandId: id, Instances: part });
    else
      for (const instance of part)
        notSent[instance] = {
          code: 'NOT_SENT',
          message: 'the runner ended before the command was sent to it, and SSM lists none',
          retryable: true,
        };
  }
  return { waves, notSent };
}

export async function followWaves(
  waves: readonly Wave[],
  sentAt: number,
  context: ActionContext,
): Promise<Progress> {
  const all = await Promise.all(
    waves.map(({ CommandId, Instances }) => followCommand(CommandId, sentAt, Instances, context)),
  );
  const notices = all.flatMap((one) => (one.kind === 'running' ? [one.notice] : []));
  if (notices.length > 0) return { kind: 'running', notice: notices.join('; ') };
  const ended = all.flatMap((one) => (one.kind === 'ended' ? [one] : []));
  return {
    kind: 'ended',
    status: ended.find(({ status }) => status !== 'Success')?.status ?? 'Success',
    invocations: ended.flatMap(({ invocations }) => invocations),
  };
}

export async function cancelWaves(waves: readonly Wave[], context: ActionContext): Promise<void> {
  await Promise.all(waves.map(({ CommandId }) => cancelCommand(CommandId, context)));
}

/** With Targets one part without instances. */
function partsOf(instances: readonly string[]): readonly (readonly string[])[] {
  const count = Math.max(1, Math.ceil(instances.length / waveMax));
  return Array.from({ length: count }, (_, index) => instances.slice(index * waveMax, (index + 1) * waveMax));
}

/** The token ends the comment; of a later wave with its number. */
function markOf({ token }: ActionContext, index: number): string {
  return index === 0 ? token : `${token}.${index + 1}`;
}

/** SSM counts each command by itself: together the waves may take and lose no more than the step allows. */
function sharedAmong(inputs: RunCommandInputs, waves: number): RunCommandInputs {
  if (waves === 1) return inputs;
  const { MaxConcurrency = maxConcurrencyDefault, MaxErrors, ...others } = inputs;
  return {
    ...others,
    MaxConcurrency: shareOf(MaxConcurrency, waves, 1),
    ...(MaxErrors === undefined ? {} : { MaxErrors: shareOf(MaxErrors, waves, 0) }),
  };
}

function shareOf(written: string | number, waves: number, least: 0 | 1): string | number {
  const count = Number(written);
  return Number.isInteger(count) ? Math.max(least, Math.floor(count / waves)) : written;
}
