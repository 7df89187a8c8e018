/** Hands on the lab's hosts: real volumes, real power, and the agent as a unit of each host. */
import { readFile } from 'node:fs/promises';
import { LabFailure } from '../hosts/command.ts';
import type { Lab } from '../hosts/lab.ts';
import type { HostHands } from './hands.ts';

/** Where hosts with a root volume have it: ROOT_DEVICE of settings.sh. */
const rootDevice = '/dev/xvda';
const agentFile = '/usr/local/lib/belay-lab-agent.py';

export function createLabHands(lab: Lab): HostHands {
  return {
    address: (host) => lab.address(host),
    volumes: async (host) => {
      const mounts = await lab.exec(host, ['cat', '/proc/mounts']);
      const mountOf = new Map(
        mounts.stdout.split('\n').map((line) => [line.split(' ')[0], line.split(' ')[1]]),
      );
      const { volumes } = await lab.volumes.list();
      return volumes.flatMap(({ name, sizeBytes, attachment }) => {
        if (attachment?.host !== host || attachment.device === rootDevice) return [];
        const mount = mountOf.get(attachment.device);
        const sizeGiB = Math.max(1, Math.ceil(sizeBytes / 2 ** 30));
        return {
          volume: name,
          device: attachment.device,
          sizeGiB,
          ...(mount === undefined ? {} : { mount }),
        };
      });
    },
    rootVolume: async (host) => {
      const { volumes } = await lab.volumes.list();
      return volumes.find(({ attachment }) => attachment?.host === host && attachment.device === rootDevice)
        ?.name;
    },
    installAgent: async (host, { instanceId, region, port }) => {
      await lab.forward(port);
      const program = await readFile(new URL('agent.py', import.meta.url));
      const unit = `[Unit]
Description=The lab's SSM agent
[Service]
ExecStart=/usr/bin/python3 ${agentFile} --url http://${lab.controller(host)}:${port} --instance ${instanceId} --region ${region} --state /var/lib/belay-lab-agent/${instanceId} --reboot "systemctl reboot"
KillMode=process
Restart=always
RestartSec=1
[Install]
WantedBy=multi-user.target
`;
      await run(lab, host, `cat >${agentFile}`, program);
      await run(lab, host, 'cat >/etc/systemd/system/belay-lab-agent.service', unit);
      await run(
        lab,
        host,
        'systemctl daemon-reload && systemctl -q enable belay-lab-agent && systemctl restart belay-lab-agent',
      );
    },

    createVolume: (volume, sizeGiB) => lab.volumes.create(volume, sizeGiB * 1024),
    createVolumeFromSnapshot: (volume, snapshot) => lab.volumes.fromSnapshot(snapshot, volume),
    deleteVolume: (volume) => lab.volumes.delete(volume),
    snapshot: async (copies) => {
      const [first] = copies;
      if (copies.length === 1 && first !== undefined)
        await lab.volumes.snapshot(first.volume, first.snapshot);
      else await lab.volumes.snapshotTogether(copies);
    },
    deleteSnapshot: (snapshot) => lab.volumes.deleteSnapshot(snapshot),
    attach: (volume, host, device) => lab.volumes.attach(volume, host, device),
    detach: async (volume, options) => {
      try {
        await lab.volumes.detach(volume, options);
        return 'detached';
      } catch (error) {
        if (error instanceof LabFailure && error.code === 'Busy') return 'busy';
        throw error;
      }
    },

    stop: (host) => lab.stop(host),
    kill: (host) => lab.kill(host),
    start: (host) => lab.start(host),
    reboot: (host) => lab.reboot(host),
    isHealthy: (host) => lab.greets(host),
  };
}

async function run(lab: Lab, host: string, script: string, stdin?: string | Uint8Array): Promise<void> {
  const { code, stderr } = await lab.exec(host, script, stdin === undefined ? {} : { stdin });
  if (code !== 0) throw new Error(`"${script}" on ${host} ended with ${code}: ${stderr.trim()}`);
}
