/** What the endpoint's fast tests stand on: moto, hands over plain files, three hosts of which two are instances, SDK clients. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DescribeVolumesCommand, EC2Client, type Volume } from '@aws-sdk/client-ec2';
import {
  GetCommandInvocationCommand,
  ListCommandInvocationsCommand,
  SendCommandCommand,
  SSMClient,
  type GetCommandInvocationCommandOutput,
} from '@aws-sdk/client-ssm';
import { startEndpoint, type Endpoint } from './endpoint.ts';
import { createFileHands, type FileHands } from './file-hands.ts';
import type { EffectEntry, EffectName } from './journal.ts';

export const region = 'eu-west-1';
export const credentials = { accessKeyId: 'lab', secretAccessKey: 'lab' };

export interface TestBed extends Clients {
  readonly folder: string;
  readonly hands: FileHands;
  readonly endpoint: Endpoint;
  /** The instance of web1, which has no data volume. */
  readonly web: string;
  /** The instance of db1. */
  readonly db: string;
  /** db1's volume at /dev/sdf, which the host sees as /dev/xvdf. */
  readonly dataVolume: string;
  /** Throws when work in the background has failed. */
  close(): Promise<void>;
}

export interface Clients {
  readonly ec2: EC2Client;
  readonly ssm: SSMClient;
  /** Sends shell lines; resolves to the command's id. */
  send(instanceId: string, commands: readonly string[], executionTimeoutSeconds?: number): Promise<string>;
  /** Waits for the end of a command on an instance; the first of the command's when none is named. */
  ending(commandId: string, instanceId?: string): Promise<GetCommandInvocationCommandOutput>;
  volume(id: string | undefined): Promise<Volume | undefined>;
  /** The journaled effects that name the id. */
  effects(effect: EffectName, id: string | undefined): EffectEntry[];
}

export async function raiseTestBed(): Promise<TestBed> {
  const folder = await mkdtemp(join(tmpdir(), 'belay-endpoint-'));
  const hands = await createFileHands(folder, {
    web1: [],
    db1: [{ volume: 'db1-data', device: '/dev/xvdf', sizeGiB: 2, mount: '/srv/data' }],
    old1: [{ volume: 'old1-data', device: '/dev/xvdf', sizeGiB: 1 }],
  });
  const endpoint = await startEndpoint({
    hands,
    stateFile: join(folder, 'state.json'),
    settings: {
      snapshotMs: 500,
      volumeMs: 200,
      attachMs: 100,
      agentPollMs: 1_000,
      agentLostMs: 1_800,
      statusCheckMs: 300,
      deliverySecondMs: 50,
    },
  });
  const web = await endpoint.adopt('web1', { tags: { Role: 'web' } });
  const db = await endpoint.adopt('db1', { tags: { Role: 'db' } });
  const clients = createClients(endpoint);
  return {
    ...clients,
    folder,
    hands,
    endpoint,
    web,
    db,
    dataVolume: endpoint.volumeAt('db1', '/srv/data') ?? '',
    close: async () => {
      clients.ec2.destroy();
      clients.ssm.destroy();
      await endpoint.close();
      await hands.close();
      await rm(folder, { recursive: true, force: true });
      if (endpoint.problems.length > 0) throw new Error(endpoint.problems.join('; '));
    },
  };
}

/** SDK clients that never retry by themselves. */
export function createClients(endpoint: Endpoint): Clients {
  const options = { region, credentials, endpoint: endpoint.url, maxAttempts: 1 };
  const ec2 = new EC2Client(options);
  const ssm = new SSMClient(options);
  return {
    ec2,
    ssm,
    send: async (instanceId, commands, executionTimeoutSeconds) => {
      const timeout =
        executionTimeoutSeconds === undefined ? {} : { executionTimeout: [String(executionTimeoutSeconds)] };
      const { Command } = await ssm.send(
        new SendCommandCommand({
          InstanceIds: [instanceId],
          DocumentName: 'AWS-RunShellScript',
          Comment: 'a test',
          Parameters: { commands: [...commands], ...timeout },
        }),
      );
      return Command?.CommandId ?? '';
    },
    ending: async (CommandId, instanceId) => {
      await delay(300);
      const { CommandInvocations } = await ssm.send(new ListCommandInvocationsCommand({ CommandId }));
      const InstanceId = instanceId ?? CommandInvocations?.[0]?.InstanceId ?? '';
      return await until(
        () => ssm.send(new GetCommandInvocationCommand({ CommandId, InstanceId })),
        ({ Status }) => !['Pending', 'InProgress', 'Cancelling'].includes(Status ?? ''),
        15_000,
      );
    },
    volume: async (id) => {
      const { Volumes } = await ec2.send(new DescribeVolumesCommand({ VolumeIds: [id ?? ''] }));
      return Volumes?.[0];
    },
    effects: (effect, id) =>
      endpoint.journal.effects(effect).filter(({ details }) => JSON.stringify(details).includes(`"${id}"`)),
  };
}

/** Reads until the value passes; throws with the last value after the time. */
export async function until<T>(
  read: () => Promise<T> | T,
  passes: (value: T) => boolean,
  timeoutMs = 10_000,
): Promise<T> {
  for (const giveUpAt = Date.now() + timeoutMs; ; await delay(40)) {
    const value = await read();
    if (passes(value)) return value;
    if (Date.now() > giveUpAt) throw new Error(`after ${timeoutMs} ms still ${JSON.stringify(value)}`);
  }
}
