/**
 * Takes volumes off an instance and puts others into their places, with their file systems. Each call looks at the
 * world anew and makes at most the next move, so that any runner can carry on from wherever another one stopped.
 */
import type { Host } from '../../transports/host.ts';
import { failed, pending, type ActionContext, type Failed, type Pending } from '../define-action.ts';
import { captureOutput } from '../effects/capture.ts';
import { lastLines, parseFields, refusal } from '../scripts/fields.ts';
import { mountDisks, unmountMounts } from '../scripts/volume.ts';
import type { HostScript } from '../../transports/host.ts';
import { attachmentTo, byVolumeId, listVolumes, nudge, settleMs, type Volume } from './ec2.ts';
import { isVolume, readMounts } from './mounts.ts';
import { hostTokenOf } from './quiesce.ts';
import type { MountPlan } from './restore-plan.ts';

/** `in` takes the place of `out` at the device. */
export interface VolumeSwap {
  readonly out: string;
  readonly in: string;
  readonly device: string;
  readonly deleteOnTermination: boolean;
}

export interface Exchanging {
  readonly instanceId: string;
  readonly swaps: readonly VolumeSwap[];
  /** What is to be mounted from which `in`; deepest first. */
  readonly mounts: readonly { readonly mount: MountPlan; readonly volumeId: string }[];
  readonly host: Host;
  /** When it began, in ms since 1970: a volume that is not listed later than `settleMs` after that is gone. */
  readonly begunAt: number;
  /**
   * When which move was made, by this runner: a listing that is older than the move must not make it again. Another
   * runner makes it again, which is harmless: EC2 refuses what is done already, and the host knows the command.
   */
  readonly moves: Map<string, number>;
}

const lookAgainMs = 1_000;
/** After so long without effect a move is made again. */
const moveAgainMs = 30_000;

type Step = Pending | Failed | 'settled';

/** Settled: every `in` is attached in its place, mounted and verified, and no `out` is attached any more. */
export async function exchange(work: Exchanging, context: ActionContext): Promise<Step> {
  const ids = work.swaps.flatMap(({ out, in: into }) => [out, into]);
  const listed = new Map((await listVolumes(context, byVolumeId(ids))).map((volume) => [volume.id, volume]));
  return (
    ready(work, listed, context) ??
    (await takeOut(work, listed, context)) ??
    (await putIn(work, listed, context)) ??
    (await keepFlags(work, listed, context)) ??
    (await mountAll(work, listed, context)) ??
    'settled'
  );
}

function ready(
  work: Exchanging,
  listed: ReadonlyMap<string, Volume>,
  context: ActionContext,
): Step | undefined {
  for (const { in: id } of work.swaps) {
    const volume = listed.get(id);
    if (volume === undefined) {
      if (context.now() - work.begunAt < settleMs) return pending(lookAgainMs, `${id} is not listed yet`);
      return failed('VOLUME_GONE', `${id} does not exist any more`);
    }
    if (volume.state === 'creating') return pending(lookAgainMs, `waiting for ${id} to become available`);
    if (volume.state === 'error') return failed('VOLUME_ERROR', `${id} ended in error`);
    const elsewhere = volume.attachments.find(({ instanceId }) => instanceId !== work.instanceId);
    if (elsewhere && !volume.multiAttach) {
      return failed(
        'VOLUME_IN_USE',
        `${id} is attached to ${elsewhere.instanceId}, not to ${work.instanceId}`,
      );
    }
  }
  return undefined;
}

async function takeOut(work: Exchanging, listed: ReadonlyMap<string, Volume>, context: ActionContext) {
  const { instanceId } = work;
  const left = work.swaps.flatMap(({ out }) => {
    const attachment = attachmentTo(listed.get(out), instanceId);
    return attachment === undefined ? [] : [{ out, attachment }];
  });
  if (left.length === 0) return undefined;
  if (left.some(({ attachment }) => attachment.state !== 'detaching')) {
    const mounts = work.mounts.map(({ mount }) => mount.Mount);
    const unmounted = await onHost(work, 'unmount', unmountMounts(mounts), context);
    if (unmounted !== 'settled') return unmounted;
  }
  for (const { out, attachment } of left) {
    if (attachment.state === 'detaching') continue;
    const params = { VolumeId: out, InstanceId: instanceId, Device: attachment.device };
    await once(work, `detach ${out}`, context, () => nudge(context, 'DetachVolume', params));
  }
  return pending(lookAgainMs, `waiting for ${left.map(({ out }) => out).join(', ')} to be detached`);
}

async function putIn(work: Exchanging, listed: ReadonlyMap<string, Volume>, context: ActionContext) {
  const { instanceId } = work;
  const waiting: string[] = [];
  for (const { in: id, device } of work.swaps) {
    const attachment = attachmentTo(listed.get(id), instanceId);
    if (attachment?.state === 'attached') continue;
    waiting.push(id);
    if (listed.get(id)?.state !== 'available') continue;
    const params = { VolumeId: id, InstanceId: instanceId, Device: device };
    await once(work, `attach ${id}`, context, () => nudge(context, 'AttachVolume', params));
  }
  if (waiting.length === 0) return undefined;
  return pending(lookAgainMs, `waiting for ${waiting.join(', ')} to be attached`);
}

/** AttachVolume leaves DeleteOnTermination off, whatever the volume before had. */
async function keepFlags(work: Exchanging, listed: ReadonlyMap<string, Volume>, context: ActionContext) {
  const { instanceId } = work;
  const wrong = work.swaps.filter(
    ({ in: id, deleteOnTermination }) =>
      attachmentTo(listed.get(id), instanceId)?.deleteOnTermination !== deleteOnTermination,
  );
  if (wrong.length === 0) return undefined;
  const mappings = wrong.map(({ device, deleteOnTermination }) => ({
    DeviceName: device,
    Ebs: { DeleteOnTermination: deleteOnTermination },
  }));
  await once(work, `flags ${wrong.map(({ in: id }) => id).join(' ')}`, context, () =>
    nudge(context, 'ModifyInstanceAttribute', { InstanceId: instanceId, BlockDeviceMappings: mappings }),
  );
  return pending(
    lookAgainMs,
    `waiting for DeleteOnTermination of ${wrong.map(({ device }) => device).join(', ')}`,
  );
}

async function mountAll(work: Exchanging, listed: ReadonlyMap<string, Volume>, context: ActionContext) {
  const { host, instanceId } = work;
  if (work.mounts.length === 0) return undefined;
  const volumes = work.swaps.flatMap(({ in: id }) => listed.get(id) ?? []);
  const args = work.mounts
    .toReversed()
    .flatMap(({ mount: { Mount, Fstype, Options, Source, BySerial, IsOther }, volumeId }) => [
      Mount,
      Fstype,
      Options,
      Source,
      IsOther ? 'other' : BySerial ? volumeId.replace('-', '') : '-',
    ]);
  const mounted = await onHost(work, 'mount', mountDisks(args), context);
  if (mounted !== 'settled') return mounted;
  const found = await readMounts(
    host,
    work.mounts.filter(({ mount }) => mount.IsOther === undefined).map(({ mount }) => mount.Mount),
    context,
  );
  const wrong = found.find(
    ({ disks }) => !disks.every((disk) => volumes.some((volume) => isVolume(disk, volume, instanceId))),
  );
  if (wrong === undefined) return undefined;
  return failed(
    'WRONG_VOLUME',
    `${host.label}: ${wrong.mount} is on ${wrong.disks.map(({ node }) => node).join(', ')}, which is none of ${volumes.map(({ id }) => id).join(', ')}`,
  );
}

/** One command on the host, begun once under a token of its own and read again by whoever comes later. */
async function onHost(
  work: Exchanging,
  what: string,
  script: HostScript,
  context: ActionContext,
): Promise<Step> {
  if (work.moves.has(what)) return 'settled';
  const { host } = work;
  const token = hostTokenOf(context.token, what);
  const { signal } = context;
  await host.start(token, script, { signal });
  const output = captureOutput(context.log(host.name), 64 * 1024);
  const state = await host.poll(token, { from: output.next(), sink: output.sink, waitMs: 5_000, signal });
  if (state.kind === 'running') return pending(lookAgainMs, `waiting for ${host.name} to ${what}`);
  const said = refusal(parseFields(output.stdout()));
  if (said) return failed(said.code, `${host.label}: ${said.text}`);
  if (state.kind === 'exited' && state.exitCode === 0) {
    work.moves.set(what, context.now());
    return 'settled';
  }
  if (state.kind === 'exited') {
    return failed(
      'SCRIPT_FAILED',
      `${host.label}: ${script.name} ended with exit code ${state.exitCode}: ${lastLines(output.stderrTail())}`,
    );
  }
  // It was lost with a reboot. Both scripts look first at what there is, so they may be begun anew.
  await host.forget(token, { signal });
  return pending(lookAgainMs, `${host.name} lost the command to ${what}; it is begun anew`);
}

export async function endOnHost(host: Host, context: ActionContext, what: 'stop' | 'forget'): Promise<void> {
  for (const command of ['unmount', 'mount']) {
    await host[what](hostTokenOf(context.token, command), { signal: context.signal });
  }
}

async function once(work: Exchanging, move: string, context: ActionContext, make: () => Promise<void>) {
  const last = work.moves.get(move);
  if (last !== undefined && context.now() - last < moveAgainMs) return;
  work.moves.set(move, context.now());
  await make();
}
