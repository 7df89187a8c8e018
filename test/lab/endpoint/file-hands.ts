/** Hands for fast tests: a host is a folder with an agent process, a volume is a file, power is the agent's life. */
import { spawn, type ChildProcess } from 'node:child_process';
import { copyFile, mkdir, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostHands, HostVolume } from './hands.ts';

export interface FileHands extends HostHands {
  /** The file of a volume; its content is the volume's. */
  volumeFile(volume: string): string;
  /** Says that the host has the volume mounted, or no longer. */
  setMounted(volume: string, mounted: boolean): void;
  /** Where a volume is attached: `HOST:/dev/xvdf`. */
  attachedAt(volume: string): string | undefined;
  isOn(host: string): boolean;
  /** Suspends the agent, as a hung host does, or lets it go on. */
  freeze(host: string, frozen: boolean): void;
  /** Ends all agents. */
  close(): Promise<void>;
}

interface FileHost {
  readonly volumes: readonly HostVolume[];
  isOn: boolean;
  agent?: ChildProcess | undefined;
  startAgent?: () => void;
}

/** Hosts are named with their data volumes; their files begin empty in the folder. */
export async function createFileHands(
  folder: string,
  hosts: Readonly<Record<string, readonly HostVolume[]>>,
): Promise<FileHands> {
  const volumeFile = (volume: string): string => join(folder, 'volumes', volume);
  const snapshotFile = (snapshot: string): string => join(folder, 'snapshots', snapshot);
  const agentFolder = (host: string): string => join(folder, 'agents', host);
  const attached = new Map<string, string>();
  const mounted = new Set<string>();
  const known = new Map<string, FileHost>();
  await mkdir(join(folder, 'volumes'), { recursive: true });
  await mkdir(join(folder, 'snapshots'), { recursive: true });
  for (const [host, volumes] of Object.entries(hosts)) {
    known.set(host, { volumes, isOn: true });
    for (const { volume, device } of volumes) {
      await writeFile(volumeFile(volume), '');
      attached.set(volume, `${host}:${device}`);
    }
  }
  const hostNamed = (name: string): FileHost => {
    const host = known.get(name);
    if (host === undefined) throw new Error(`there is no host ${name}`);
    return host;
  };
  const powerOff = async (name: string): Promise<void> => {
    const host = hostNamed(name);
    host.isOn = false;
    await endProcess(host.agent);
    host.agent = undefined;
    await endCommands(agentFolder(name));
  };
  const powerOn = (name: string): Promise<void> => {
    const host = hostNamed(name);
    if (!host.isOn) {
      host.isOn = true;
      host.startAgent?.();
    }
    return Promise.resolve();
  };

  return {
    address: (host) => `10.0.0.${[...known.keys()].indexOf(host) + 10}`,
    volumes: (host) => Promise.resolve(hostNamed(host).volumes),
    installAgent: (name, { instanceId, region, port }) => {
      const host = hostNamed(name);
      host.startAgent = () => {
        host.agent = spawn(
          'setpriv',
          [
            '--pdeathsig',
            'KILL',
            'python3',
            join(import.meta.dirname, 'agent.py'),
            '--url',
            `http://127.0.0.1:${port}`,
          ].concat(['--instance', instanceId, '--region', region, '--state', agentFolder(name)]),
          { stdio: ['ignore', 'ignore', 'inherit'] },
        );
      };
      host.startAgent();
      return Promise.resolve();
    },

    createVolume: async (volume, sizeGiB) => {
      await writeFile(volumeFile(volume), '', { flag: 'wx' });
      await truncate(volumeFile(volume), sizeGiB * 1024);
    },
    createVolumeFromSnapshot: (volume, snapshot) => copyFile(snapshotFile(snapshot), volumeFile(volume)),
    deleteVolume: (volume) => rm(volumeFile(volume)),
    snapshot: async (copies) => {
      for (const { volume, snapshot } of copies) await copyFile(volumeFile(volume), snapshotFile(snapshot));
    },
    deleteSnapshot: (snapshot) => rm(snapshotFile(snapshot)),
    attach: (volume, host, device) => {
      if (attached.has(volume)) throw new Error(`${volume} is attached to ${attached.get(volume)}`);
      attached.set(volume, `${host}:${device}`);
      return Promise.resolve();
    },
    detach: (volume, { force }) => {
      if (mounted.has(volume) && !force) return Promise.resolve('busy');
      mounted.delete(volume);
      attached.delete(volume);
      return Promise.resolve('detached');
    },

    stop: powerOff,
    kill: powerOff,
    start: powerOn,
    reboot: async (host) => {
      await powerOff(host);
      await powerOn(host);
    },
    isHealthy: (host) => Promise.resolve(hostNamed(host).isOn),

    volumeFile,
    setMounted: (volume, isMounted) => {
      if (isMounted) mounted.add(volume);
      else mounted.delete(volume);
    },
    attachedAt: (volume) => attached.get(volume),
    isOn: (host) => hostNamed(host).isOn,
    freeze: (host, frozen) => {
      hostNamed(host).agent?.kill(frozen ? 'SIGSTOP' : 'SIGCONT');
    },
    close: async () => {
      for (const [name, { agent }] of known) {
        await endProcess(agent);
        await endCommands(agentFolder(name));
      }
    },
  };
}

async function endProcess(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

/** What the agent had running ends with the host's power. */
async function endCommands(agentFolder: string): Promise<void> {
  for (const command of await readdir(agentFolder).catch(() => [])) {
    const [pid] = (await readFile(join(agentFolder, command, 'process'), 'utf8').catch(() => '')).split(' ');
    try {
      if (pid) process.kill(-Number(pid), 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
}
