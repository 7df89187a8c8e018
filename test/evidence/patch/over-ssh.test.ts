/** db1 is reached by ssh through the bastion; volumes and snapshots by EC2's API. */
import { connect } from 'node:net';
import { expect } from 'vitest';
import { patchEvidence } from './evidence.ts';
import type { Stage } from './stage.ts';

/** Whether anything accepts a connection to db1's sshd from this machine, without the bastion. */
function leadsDirectly({ world }: Stage): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: world.lab.address('db1'), port: 22, timeout: 5_000 });
    const end = (how: string) => {
      socket.destroy();
      resolve(how);
    };
    socket.once('connect', () => end('connected'));
    socket.once('timeout', () => end('timed out'));
    socket.once('error', (error) => end('code' in error ? String(error.code) : error.message));
  });
}

patchEvidence({
  title: 'over ssh through the bastion',
  isThorough: true,
  inventory: (world) => world.inventory,
  target: (_stage, inventory) => ({ host: 'db1', inventory }),
  otherTarget: (stage, inventory) => ({ host: stage.world.instanceId('db1'), inventory }),
  ground: async (stage) => {
    expect(await leadsDirectly(stage)).not.toBe('connected');
  },
  proof: async (stage) => {
    expect(stage.calls('SendCommand')).toEqual([]);
    const bastion = stage.world.lab.address('b1').replace(/\.0\.(\d+)$/, '.1.$1');
    const accepted = await stage.onHost(
      "journalctl -u ssh -o cat | grep '^Accepted publickey for ops from '",
    );
    const froms = accepted.split('\n').map((line) => line.split(' ')[5]);
    expect(new Set(froms)).toEqual(new Set([bastion]));
  },
});
