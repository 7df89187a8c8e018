/** db1 is reached by nothing but SSM: the inventory knows its instance id, or there is no inventory. */
import { expect } from 'vitest';
import { patchEvidence } from './evidence.ts';

patchEvidence({
  title: 'over SSM',
  isThorough: false,
  inventory: (world) => ({ hosts: { db1: { instanceId: world.instanceId('db1') } } }),
  target: (_stage, inventory) => ({ host: 'db1', inventory }),
  otherTarget: (stage) => ({ host: stage.world.instanceId('db1'), inventory: null }),
  ground: async (stage) => {
    // The unit is started by its socket, or lives on its own: either way nobody can come by ssh any more.
    await stage.onHost('systemctl stop ssh.socket ssh.service 2>/dev/null; ! pgrep -x sshd');
  },
  proof: async (stage) => {
    const targets = stage.calls('SendCommand').map(({ params }) => params['InstanceIds']);
    expect(targets.length).toBeGreaterThan(3);
    expect(new Set(targets.flat())).toEqual(new Set([stage.world.instanceId('db1')]));
    expect(await stage.onHost('pgrep -x sshd || true')).toBe('');
  },
});
