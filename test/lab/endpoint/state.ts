/** What the endpoint knows beyond moto, kept in one file so that a restart of the endpoint forgets nothing. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { JsonObject } from '../../../src/json.ts';
import type { Caller } from './api-call.ts';

/** A lab host that EC2 knows as an instance. Times are milliseconds since the epoch. */
export interface InstanceState {
  readonly instanceId: string;
  readonly host: string;
  readonly caller: Caller;
  power: 'pending' | 'running' | 'stopping' | 'stopped' | 'shutting-down' | 'terminated';
  /** When it last began to boot: status checks initialise from then. */
  bootedAt: number;
  /** Whether a status check has passed since then. */
  wasHealthy: boolean;
  /** When the agent last asked for work; 0 when it never did. */
  agentSeenAt: number;
  agentVersion: string;
  platform: { name: string; version: string; computerName: string };
  /** As EC2 names it, where the root volume has bytes of its own and can be moved. */
  readonly rootDevice?: string;
  /** Where the host had its volumes mounted when it was adopted: mount point to device as the host sees it. */
  readonly mounts: Record<string, string>;
}

export interface AttachmentState {
  readonly instanceId: string;
  /** As the caller of AttachVolume named it. */
  readonly device: string;
  readonly attachedAt: number;
  state: 'attaching' | 'attached' | 'detaching';
  force: boolean;
  deleteOnTermination: boolean;
}

export interface VolumeState {
  readonly volumeId: string;
  readonly caller: Caller;
  /** The name by which the hands know it; undefined for root volumes that have no file of their own. */
  readonly backing?: string;
  readonly sizeGiB: number;
  readonly availableAt: number;
  attachment?: AttachmentState | undefined;
}

export interface SnapshotState {
  readonly snapshotId: string;
  readonly volumeId: string;
  /** Undefined when the volume has no file of its own. */
  readonly backing?: string;
  readonly startedAt: number;
  readonly completedAt: number;
}

export type InvocationDetails =
  | 'Pending'
  | 'InProgress'
  | 'Success'
  | 'Failed'
  | 'Cancelling'
  | 'Cancelled'
  | 'DeliveryTimedOut'
  | 'ExecutionTimedOut'
  | 'Undeliverable'
  | 'Terminated';

export interface InvocationState {
  readonly instanceId: string;
  details: InvocationDetails;
  /** Whether rate control has let it go to the agent. */
  sent: boolean;
  cancelRequested: boolean;
  responseCode: number;
  stdout: string;
  stderr: string;
  startedAt?: number;
  endedAt?: number;
}

export interface CommandState {
  readonly commandId: string;
  readonly caller: Caller;
  readonly documentName: string;
  readonly comment: string;
  readonly parameters: JsonObject;
  readonly targets: readonly JsonObject[];
  /** As asked for; empty when tags were given. */
  readonly instanceIds: readonly string[];
  readonly requestedAt: number;
  /** Past this, what has not started does not start. */
  readonly deliverBy: number;
  /** Past this, what has not ended counts as never delivered. */
  readonly expiresAt: number;
  readonly timeoutSeconds: number;
  readonly maxConcurrency: string;
  readonly maxErrors: string;
  readonly script: ScriptState;
  readonly invocations: Record<string, InvocationState>;
}

/** What the agent runs. */
export interface ScriptState {
  readonly lines: readonly string[];
  readonly workingDirectory: string;
  readonly executionTimeoutSeconds: number;
}

/** The items of one resource and type, as ListComplianceItems shows them. */
export interface ComplianceState {
  readonly region: string;
  readonly resourceId: string;
  readonly complianceType: string;
  readonly items: readonly JsonObject[];
}

/** What Config knows of one rule. Times are milliseconds since the epoch, 0 for never. */
export interface RuleState {
  readonly region: string;
  readonly name: string;
  startedAt: number;
  succeededAt: number;
  failedAt: number;
  error: string;
  results: readonly JsonObject[];
}

/** An HTTP endpoint that was subscribed to a topic. */
export interface SubscriptionState {
  readonly arn: string;
  readonly topicArn: string;
  readonly protocol: string;
  readonly endpoint: string;
  readonly token: string;
  isConfirmed: boolean;
}

/** What a FIFO topic has had under a deduplication id. */
export interface DeduplicationState {
  readonly at: number;
  /** Moto's answer, given again. */
  readonly body: string;
}

/** The first answer to a client token, and a digest of the parameters it came with. */
export interface TokenState {
  readonly parameters: string;
  readonly ids: readonly string[];
  readonly body: string;
}

/** What AWS tells of a maintenance window beyond moto. */
export interface WindowState {
  /** Seconds since the epoch. */
  readonly createdAt: number;
  /** What UpdateMaintenanceWindow has changed. */
  readonly changes: JsonObject;
}

export interface EndpointState {
  readonly instances: Record<string, InstanceState>;
  readonly volumes: Record<string, VolumeState>;
  readonly snapshots: Record<string, SnapshotState>;
  readonly commands: Record<string, CommandState>;
  readonly tokens: Record<string, TokenState>;
  readonly compliance: Record<string, ComplianceState>;
  /** By region and name. */
  readonly rules: Record<string, RuleState>;
  /** By ARN. */
  readonly subscriptions: Record<string, SubscriptionState>;
  /** By topic and id. */
  readonly deduplications: Record<string, DeduplicationState>;
  readonly windows: Record<string, WindowState>;
  /** Tasks of windows as they were registered, by id. */
  readonly windowTasks: Record<string, JsonObject>;
}

export interface StateFile {
  readonly state: EndpointState;
  /** Has the state written down soon, whole, in place of the old one. */
  save(): void;
  /** Writes it now, and nothing after it. */
  close(): void;
}

const saveAfterMs = 50;

/** Opens the state of the file when it is to be continued, else an empty one. */
export function openState(file: string, { continued }: { readonly continued: boolean }): StateFile {
  mkdirSync(dirname(file), { recursive: true });
  const state: EndpointState =
    continued && existsSync(file)
      ? (JSON.parse(readFileSync(file, 'utf8')) as EndpointState)
      : {
          instances: {},
          volumes: {},
          snapshots: {},
          commands: {},
          tokens: {},
          compliance: {},
          rules: {},
          subscriptions: {},
          deduplications: {},
          windows: {},
          windowTasks: {},
        };
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  const write = (): void => {
    timer = undefined;
    writeFileSync(`${file}.new`, JSON.stringify(state));
    renameSync(`${file}.new`, file);
  };
  return {
    state,
    save: () => {
      if (!isClosed) timer ??= setTimeout(write, saveAfterMs);
    },
    close: () => {
      isClosed = true;
      clearTimeout(timer);
      write();
    },
  };
}
