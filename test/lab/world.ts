/**
 * The whole world of a test: hosts of the lab and, when asked for, an AWS endpoint in which they are instances.
 *
 *     const world = await labWorld({ hosts: ['b1', 'db1', 'h1'], aws: true });
 *     … run Belay with { ...process.env, ...world.env } and a belay.yaml that holds world.inventory …
 *     await world.down();
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Settings } from './endpoint/cell.ts';
import { startEndpoint, type Endpoint } from './endpoint/endpoint.ts';
import { createLabHands } from './endpoint/lab-hands.ts';
import { motoMissing } from './endpoint/moto.ts';
import { Lab, type LabInventoryHost } from './hosts/lab.ts';

export const labRegion = 'eu-west-1';

export interface LabWorld {
  readonly lab: Lab;
  /** What makes an SDK speak to the endpoint and to nothing else. Empty without `aws`. */
  readonly env: Readonly<Record<string, string>>;
  /** What belay.yaml holds; with `aws` each host has its `instanceId`. */
  readonly inventory: {
    readonly hosts: Readonly<Record<string, LabInventoryHost & { readonly instanceId?: string }>>;
  };
  down(): Promise<void>;
}

export interface LabWorldWithAws extends LabWorld {
  readonly endpoint: Endpoint;
  /** Throws for a host that is not an instance. */
  instanceId(host: string): string;
  /** The volume that is attached now where the host had that mount point (or has that device: `/dev/xvdf`). Throws when there is none. */
  volumeId(host: string, place: string): string;
}

/** Why no world can be raised here, in one sentence; undefined when one can. */
export function worldMissing(): string | undefined {
  return Lab.unavailable() ?? motoMissing();
}

export interface LabWorldOptions {
  readonly hosts: readonly string[];
  /** Tags of the instances, by host. Each has `Name` and `lab:host` anyway. */
  readonly tags?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** `sd` shows /dev/sdf for the host's /dev/xvdf, as most instances do. */
  readonly deviceNaming?: 'sd' | 'xvd';
  readonly settings?: Partial<Settings>;
}

/** Raises the lab and everything above it; a failure leaves nothing behind. */
export function labWorld(options: LabWorldOptions & { readonly aws: true }): Promise<LabWorldWithAws>;
export function labWorld(options: LabWorldOptions & { readonly aws?: false }): Promise<LabWorld>;
export async function labWorld(
  options: LabWorldOptions & { readonly aws?: boolean },
): Promise<LabWorld | LabWorldWithAws> {
  const lab = await Lab.up({ hosts: options.hosts });
  if (options.aws !== true) return { lab, env: {}, inventory: lab.inventory(), down: () => lab.down() };
  const folder = await mkdtemp(join(tmpdir(), 'belay-world-'));
  let endpoint: Endpoint | undefined;
  const down = async (): Promise<void> => {
    try {
      await endpoint?.close();
    } finally {
      await lab.down();
      await rm(folder, { recursive: true, force: true });
    }
  };
  try {
    const started = await startEndpoint({
      hands: createLabHands(lab),
      stateFile: join(folder, 'endpoint.json'),
      settings: options.settings ?? {},
    });
    endpoint = started;
    await Promise.all(
      lab.hosts.map((host) =>
        started.adopt(host, {
          region: labRegion,
          zone: `${labRegion}a`,
          tags: options.tags?.[host] ?? {},
          deviceNaming: options.deviceNaming ?? 'sd',
        }),
      ),
    );
    const hosts = Object.entries(lab.inventory().hosts).map(
      ([host, entry]) => [host, { ...entry, instanceId: started.instanceId(host) }] as const,
    );
    return {
      lab,
      endpoint: started,
      env: awsEnvironment(started.url),
      inventory: { hosts: Object.fromEntries(hosts) },
      instanceId: (host) => started.instanceId(host),
      volumeId: (host, place) => {
        const id = started.volumeAt(host, place);
        if (id === undefined) throw new Error(`no volume is attached to ${host} for ${place}`);
        return id;
      },
      down,
    };
  } catch (error) {
    await down();
    throw error;
  }
}

/** Dummy credentials, the region and the endpoint; files and metadata of this machine are left out. */
export function awsEnvironment(endpointUrl: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpointUrl,
    AWS_ACCESS_KEY_ID: 'lab',
    AWS_SECRET_ACCESS_KEY: 'lab',
    AWS_REGION: labRegion,
    AWS_DEFAULT_REGION: labRegion,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  };
}
