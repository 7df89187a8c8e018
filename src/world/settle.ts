/**
 * The passage of time: states that last a while in AWS (`pending`, `attaching`, `stopping`) end when they are due.
 * The same state and the same instant always give the same result, so nothing is lost when it is not saved.
 */
import { bootHost } from './hosts/power.ts';
import { isMounted } from './hosts/devices.ts';
import type { Volume, WorldState } from './state.ts';

export function settle(state: WorldState, now: number): void {
  const isDue = (thing: { settlesAt: number | null }) => thing.settlesAt !== null && thing.settlesAt <= now;

  for (const snapshot of Object.values(state.snapshots)) {
    if (!isDue(snapshot)) continue;
    snapshot.state = 'completed';
    snapshot.settlesAt = null;
  }
  for (const stack of Object.values(state.stacks)) {
    if (!isDue(stack)) continue;
    const dueAt = stack.settlesAt ?? now;
    stack.settlesAt = null;
    stack.status = stack.status === 'DELETE_IN_PROGRESS' ? 'DELETE_COMPLETE' : 'CREATE_COMPLETE';
    const token = stack.events.at(-1)?.token ?? '';
    stack.events.push({ at: dueAt, status: stack.status, token });
  }
  for (const image of Object.values(state.images)) {
    if (!isDue(image)) continue;
    image.state = 'available';
    image.settlesAt = null;
  }
  for (const volume of Object.values(state.volumes)) {
    if (isDue(volume)) {
      volume.state = 'available';
      volume.settlesAt = null;
    }
    if (volume.attachment !== null && isDue(volume.attachment)) settleAttachment(state, volume);
  }
  for (const instance of Object.values(state.instances)) {
    if (!isDue(instance)) continue;
    const dueAt = instance.settlesAt ?? now;
    instance.settlesAt = null;
    if (instance.state === 'shutting-down') {
      instance.state = 'terminated';
      letVolumesGo(state, instance.id);
      continue;
    }
    instance.state = instance.state === 'stopping' ? 'stopped' : 'running';
    if (instance.state === 'running') bootHost(state, instance.id, dueAt);
  }
}

/** What is deleted on termination goes; every other volume stays behind. */
function letVolumesGo(state: WorldState, instanceId: string): void {
  for (const volume of Object.values(state.volumes)) {
    if (volume.attachment?.instanceId !== instanceId) continue;
    if (volume.attachment.deleteOnTermination) {
      delete state.volumes[volume.id];
      delete state.tags[volume.id];
    } else {
      volume.attachment = null;
      volume.state = 'available';
    }
  }
}

/** A volume that the host still has mounted is not let go: it stays `busy` until it is unmounted. */
function settleAttachment(state: WorldState, volume: Volume): void {
  const { attachment } = volume;
  if (attachment === null) return;
  if (attachment.state === 'attaching') {
    attachment.state = 'attached';
    attachment.settlesAt = null;
  } else if (isMounted(state, volume.id)) {
    attachment.state = 'busy';
  } else if (attachment.state !== 'attached') {
    volume.attachment = null;
    volume.state = 'available';
  }
}
