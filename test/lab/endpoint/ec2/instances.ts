/** Instances that are lab hosts: stopping one really powers it off, and its state is what the host did. */
import { listParam, objectParam, objectsParam, textParam, type ApiCall } from '../api-call.ts';
import type { Cell, Handler } from '../cell.ts';
import { once } from '../client-tokens.ts';
import { ApiError } from '../reply.ts';
import type { InstanceState } from '../state.ts';
import { element, items, put, textAt, type Element } from '../xml.ts';
import { cutPage, passes, splitFilters } from './filters.ts';
import { askMoto, refuseDryRun, rewritten } from './forward.ts';
import { dropVolume, shownAttachmentState } from './volumes.ts';

export const runInstances: Handler = (call, cell) => once(call, cell, () => cell.moto.forward(call.request));

const stateFilters = new Set(['instance-state-name', 'instance-state-code']);

export const describeInstances: Handler = async (call, cell) => {
  const { forwarded, filters, page } = splitFilters(call, stateFilters);
  const root = await askMoto(forwarded, cell);
  const reservations = items(root, 'reservationSet').filter((reservation) => {
    const instances = items(reservation, 'instancesSet');
    for (const instance of instances) showInstance(instance, cell);
    const kept = instances.filter((instance) =>
      filters.every((filter) =>
        passes(textAt(instance, 'instanceState', filter.name.endsWith('code') ? 'code' : 'name'), filter),
      ),
    );
    put(reservation, element('instancesSet', kept));
    return kept.length > 0;
  });
  const { entries, nextToken } = cutPage(reservations, page);
  put(root, element('reservationSet', entries));
  if (nextToken !== undefined) put(root, element('nextToken', nextToken));
  return rewritten(root);
};

const codes: Readonly<Record<InstanceState['power'], number>> = {
  pending: 0,
  running: 16,
  'shutting-down': 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
};

function powerElement(name: string, power: InstanceState['power']): Element {
  return element(name, [element('code', String(codes[power])), element('name', power)]);
}

function showInstance(item: Element, cell: Cell): void {
  const instance = cell.state.instances[textAt(item, 'instanceId')];
  if (instance !== undefined) put(item, powerElement('instanceState', instance.power));
  for (const mapping of items(item, 'blockDeviceMapping')) {
    const attachment = cell.state.volumes[textAt(mapping, 'ebs', 'volumeId')]?.attachment;
    const ebs = mapping.children.find(({ name }) => name === 'ebs');
    if (attachment === undefined || ebs === undefined) continue;
    put(ebs, element('status', shownAttachmentState(attachment, cell)));
    put(ebs, element('deleteOnTermination', String(attachment.deleteOnTermination)));
  }
}

/** The adopted instances that the call names. */
function named(call: ApiCall, cell: Cell): InstanceState[] {
  return listParam(call.params, 'InstanceId').flatMap((id) => cell.state.instances[id] ?? []);
}

/** Asks moto, then acts on each host in the background, and tells both states as they are. */
async function changePower(
  call: ApiCall,
  cell: Cell,
  act: (instance: InstanceState) => InstanceState['power'],
): Promise<Element> {
  refuseDryRun(call);
  const root = await askMoto(call, cell);
  for (const item of items(root, 'instancesSet')) {
    const instance = cell.state.instances[textAt(item, 'instanceId')];
    if (instance === undefined) continue;
    put(item, powerElement('previousState', instance.power));
    instance.power = act(instance);
    put(item, powerElement('currentState', instance.power));
  }
  cell.save();
  return root;
}

function refuseUnless(
  instance: InstanceState,
  states: readonly InstanceState['power'][],
  verb: string,
): void {
  if (!states.includes(instance.power))
    throw new ApiError(
      'IncorrectInstanceState',
      `The instance '${instance.instanceId}' is not in a state from which it can be ${verb}.`,
    );
}

export const stopInstances: Handler = async (call, cell) => {
  const isForced = textParam(call.params, 'Force') === 'true';
  for (const instance of named(call, cell))
    refuseUnless(instance, ['running', 'stopping', 'stopped'], 'stopped');
  const root = await changePower(call, cell, (instance) => {
    if (instance.power !== 'running') return instance.power;
    cell.background(`stopping ${instance.host}`, async () => {
      await (isForced ? cell.hands.kill(instance.host) : cell.hands.stop(instance.host));
      cell.journal.addEffect('hostStopped', {
        instanceId: instance.instanceId,
        host: instance.host,
        force: isForced,
      });
      instance.power = 'stopped';
      cell.save();
    });
    return 'stopping';
  });
  return rewritten(root);
};

export const startInstances: Handler = async (call, cell) => {
  for (const instance of named(call, cell))
    refuseUnless(instance, ['stopped', 'pending', 'running'], 'started');
  for (const { instanceId, rootDevice } of named(call, cell)) {
    const hasRoot = Object.values(cell.state.volumes).some(
      ({ attachment }) => attachment?.instanceId === instanceId && attachment.device === rootDevice,
    );
    if (rootDevice !== undefined && !hasRoot)
      throw new ApiError(
        'InvalidParameterValue',
        `Invalid value '${instanceId}' for instanceId. Instance does not have a volume attached at root (${rootDevice})`,
      );
  }
  const root = await changePower(call, cell, (instance) => {
    if (instance.power !== 'stopped') return instance.power;
    boots(instance);
    cell.background(`starting ${instance.host}`, async () => {
      await cell.hands.start(instance.host);
      cell.journal.addEffect('hostStarted', { instanceId: instance.instanceId, host: instance.host });
      instance.power = 'running';
      cell.save();
    });
    return 'pending';
  });
  return rewritten(root);
};

export const rebootInstances: Handler = async (call, cell) => {
  for (const instance of named(call, cell)) refuseUnless(instance, ['running'], 'rebooted');
  refuseDryRun(call);
  const root = await askMoto(call, cell);
  for (const instance of named(call, cell)) {
    boots(instance);
    cell.background(`rebooting ${instance.host}`, async () => {
      await cell.hands.reboot(instance.host);
      cell.journal.addEffect('hostRebooted', { instanceId: instance.instanceId, host: instance.host });
    });
  }
  cell.save();
  return rewritten(root);
};

function boots(instance: InstanceState): void {
  instance.bootedAt = Date.now();
  instance.wasHealthy = false;
}

export const terminateInstances: Handler = async (call, cell) => {
  const root = await changePower(call, cell, (instance) => {
    if (instance.power === 'terminated' || instance.power === 'shutting-down') return instance.power;
    cell.background(`terminating ${instance.host}`, async () => {
      await cell.hands.kill(instance.host);
      cell.journal.addEffect('hostKilled', { instanceId: instance.instanceId, host: instance.host });
      await releaseVolumes(instance, cell);
      instance.power = 'terminated';
      cell.save();
    });
    return 'shutting-down';
  });
  return rewritten(root);
};

/** Volumes with DeleteOnTermination go, the others become available. */
async function releaseVolumes({ instanceId }: InstanceState, cell: Cell): Promise<void> {
  for (const volume of Object.values(cell.state.volumes)) {
    const { attachment, backing, volumeId, caller } = volume;
    if (attachment?.instanceId !== instanceId) continue;
    if (backing !== undefined) await cell.hands.detach(backing, { force: true });
    cell.journal.addEffect('volumeDetached', { volumeId, instanceId, force: true });
    volume.attachment = undefined;
    // Moto has done its own part of the termination already; what is left over is settled, and a refusal means it is gone.
    await cell.moto
      .ec2(caller, 'DetachVolume', { VolumeId: volumeId, InstanceId: instanceId })
      .catch(onlyRefusals);
    if (!attachment.deleteOnTermination) continue;
    await cell.moto.ec2(caller, 'DeleteVolume', { VolumeId: volumeId }).catch(onlyRefusals);
    await dropVolume(volumeId, cell);
  }
}

function onlyRefusals(error: unknown): void {
  if (!(error instanceof ApiError)) throw error;
}

export const describeInstanceStatus: Handler = async (call, cell) => {
  const form = new URLSearchParams(call.request.body.toString('utf8'));
  const all = form.get('IncludeAllInstances') === 'true';
  form.set('IncludeAllInstances', 'true');
  const request = { ...call.request, body: Buffer.from(form.toString()) };
  const filters = new Set([...stateFilters, 'instance-status.status', 'system-status.status']);
  const split = splitFilters({ ...call, request }, filters);
  const root = await askMoto(split.forwarded, cell);
  const statuses = items(root, 'instanceStatusSet');
  await Promise.all(statuses.map((item) => showStatus(item, cell)));
  const kept = statuses.filter((item) => {
    const power = textAt(item, 'instanceState', 'name');
    if (!all && power !== 'running') return false;
    return split.filters.every((filter) => {
      const path = filter.name.startsWith('instance-state-')
        ? ['instanceState', filter.name.slice('instance-state-'.length)]
        : [filter.name.startsWith('system') ? 'systemStatus' : 'instanceStatus', 'status'];
      return passes(textAt(item, ...path), filter);
    });
  });
  const { entries, nextToken } = cutPage(kept, split.page);
  put(root, element('instanceStatusSet', entries));
  if (nextToken !== undefined) put(root, element('nextToken', nextToken));
  return rewritten(root);
};

/** `initializing` until the host answers for the first time after a boot; `impaired` when it no longer does. */
async function showStatus(item: Element, cell: Cell): Promise<void> {
  const instance = cell.state.instances[textAt(item, 'instanceId')];
  if (instance === undefined) return;
  put(item, powerElement('instanceState', instance.power));
  const isOld = Date.now() >= instance.bootedAt + cell.settings.statusCheckMs;
  const isHealthy = instance.power === 'running' && isOld && (await cell.hands.isHealthy(instance.host));
  if (isHealthy) instance.wasHealthy = true;
  const unhealthy = instance.wasHealthy ? 'impaired' : 'initializing';
  const verdict = instance.power === 'running' ? (isHealthy ? 'ok' : unhealthy) : 'not-applicable';
  const reachability = { ok: 'passed', impaired: 'failed', initializing: 'initializing' }[verdict as string];
  const details = [element('name', 'reachability'), element('status', reachability ?? '')];
  const check = (status: string): Element[] =>
    reachability === undefined
      ? [element('status', status)]
      : [element('status', status), element('details', [element('item', details)])];
  put(item, element('instanceStatus', check(verdict)));
  // The machine below is fine when the guest is not.
  put(item, element('systemStatus', check(verdict === 'impaired' ? 'ok' : verdict)));
}

export const modifyInstanceAttribute: Handler = async (call, cell) => {
  const instanceId = textParam(call.params, 'InstanceId') ?? '';
  const instance = cell.state.instances[instanceId];
  const isTypeChange =
    call.params['InstanceType'] !== undefined || textParam(call.params, 'Attribute') === 'instanceType';
  if (isTypeChange && instance !== undefined && instance.power !== 'stopped')
    throw new ApiError(
      'IncorrectInstanceState',
      `The instance '${instanceId}' is not in the 'stopped' state.`,
    );
  refuseDryRun(call);
  const root = await askMoto(call, cell);
  for (const mapping of objectsParam(call.params, 'BlockDeviceMapping')) {
    const device = textParam(mapping, 'DeviceName');
    const wanted = textParam(objectParam(mapping, 'Ebs'), 'DeleteOnTermination');
    for (const { attachment } of Object.values(cell.state.volumes)) {
      if (attachment?.instanceId === instanceId && attachment.device === device && wanted !== undefined)
        attachment.deleteOnTermination = wanted === 'true';
    }
  }
  cell.save();
  return rewritten(root);
};
