/**
 * What the sandbox knows: hosts and AWS resources as one plain JSON value. What a disk holds (files, packages, units,
 * database files) stands with the volume, so that a snapshot takes it along and a restored volume brings it back; what
 * lives in memory (running units, mounts, server processes) stands with the host and is gone after a reboot.
 *
 * Instants are milliseconds since 1970. `settlesAt` is when a passing state ends; see settle.ts.
 */
import type { JsonObject } from '../json.ts';

export interface WorldState {
  readonly format: 1;
  readonly account: string;
  readonly partition: string;
  readonly region: string;
  readonly callerArn: string;
  /** Counts everything that was ever made; ids are hashes of it, so the same calls make the same ids. */
  serial: number;
  instances: Record<string, Instance>;
  volumes: Record<string, Volume>;
  snapshots: Record<string, Snapshot>;
  images: Record<string, Image>;
  /** CloudFormation's, by id. What their templates would make is not modelled. */
  stacks: Record<string, StackState>;
  /** By resource id. */
  tags: Record<string, Record<string, string>>;
  parameters: Record<string, Parameter>;
  /** By `node type`; absent: nobody has put any. */
  complianceItems?: Record<string, JsonObject[]>;
  secrets: Record<string, Secret>;
  /** By ARN. */
  topics: Record<string, Topic>;
  /** What was made under a client token, by `operation token`. */
  clientTokens: Record<string, ClientToken>;
  /** What the package repositories offer, oldest version first, by package name. */
  repository: Record<string, Release[]>;
  hosts: Record<string, HostState>;
  /** Every effect in order, for tests; the oldest entries go when there are more than `journalEntriesMax`. */
  journal: JournalEntry[];
}

/** How many effects the journal keeps. */
export const journalEntriesMax = 5_000;

export interface JournalEntry {
  readonly at: number;
  /** `ec2:CreateSnapshot`, `service/start`. */
  readonly what: string;
  /** The host or the resource that was acted on. */
  readonly on: string;
}

export interface Instance {
  readonly id: string;
  state: 'pending' | 'running' | 'stopping' | 'stopped' | 'shutting-down' | 'terminated';
  settlesAt: number | null;
  readonly imageId: string;
  readonly instanceType: string;
  readonly availabilityZone: string;
  readonly subnetId: string;
  readonly vpcId: string;
  readonly privateIpAddress: string;
  readonly rootDeviceName: string;
  launchTime: number;
  /** Of the call that launched it; absent: it was there from the start. */
  readonly reservationId?: string;
  /** `Client.UserInitiatedShutdown`; empty or absent: nobody ended it. */
  stateReason?: string;
}

export interface Volume {
  readonly id: string;
  state: 'creating' | 'available' | 'in-use';
  settlesAt: number | null;
  readonly sizeGiB: number;
  readonly volumeType: string;
  readonly iops: number;
  readonly throughput: number;
  readonly encrypted: boolean;
  readonly availabilityZone: string;
  readonly createTime: number;
  readonly snapshotId: string;
  attachment: Attachment | null;
  contents: Contents;
}

export interface Attachment {
  readonly instanceId: string;
  /** As given to AttachVolume: `/dev/sdf`. */
  readonly device: string;
  /** `busy`: to be detached, but the host still has it mounted. */
  state: 'attaching' | 'attached' | 'detaching' | 'busy';
  settlesAt: number | null;
  readonly attachTime: number;
  deleteOnTermination: boolean;
}

export interface Snapshot {
  readonly id: string;
  state: 'pending' | 'completed';
  settlesAt: number | null;
  readonly volumeId: string;
  readonly sizeGiB: number;
  readonly encrypted: boolean;
  readonly description: string;
  readonly startTime: number;
  readonly contents: Contents;
}

export interface StackState {
  readonly id: string;
  readonly name: string;
  status: 'CREATE_IN_PROGRESS' | 'CREATE_COMPLETE' | 'DELETE_IN_PROGRESS' | 'DELETE_COMPLETE';
  settlesAt: number | null;
  readonly createdAt: number;
  readonly template: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  /** Oldest first. */
  events: StackEvent[];
}

export interface StackEvent {
  readonly at: number;
  readonly status: string;
  readonly token: string;
}

/** A machine image: what a launch makes the disks of. */
export interface Image {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  state: 'pending' | 'available';
  settlesAt: number | null;
  readonly owner: string;
  readonly creationTime: number;
  readonly rootDeviceName: string;
  readonly devices: readonly ImageDevice[];
}

export interface ImageDevice {
  readonly device: string;
  /** Empty where the snapshot belongs to somebody else: an image that everybody may launch. */
  readonly snapshotId: string;
  readonly sizeGiB: number;
  readonly volumeType: string;
  readonly deleteOnTermination: boolean;
}

/** What is on a disk. */
export interface Contents {
  readonly filesystem: 'ext4' | 'xfs' | null;
  /** Of the file system; copied with it. */
  readonly uuid: string;
  /** By path below the mount point: `/etc/hosts` on a root volume, `/15/main/PG_VERSION` on a data volume. */
  files: Record<string, FileState>;
  /** The operating system, on a root volume. */
  system: System | null;
  /** The data directory of a PostgreSQL cluster. */
  postgres: PostgresData | null;
}

export type FileState =
  | { readonly kind: 'file'; mode: string; owner: string; group: string; base64: string }
  | { readonly kind: 'directory'; mode: string; owner: string; group: string };

export interface System {
  /** Installed packages and their versions. */
  packages: Record<string, InstalledPackage>;
  /** Package files that are kept on the host, by package name. */
  cache: Record<string, Release[]>;
  units: Record<string, UnitFile>;
  readonly users: readonly string[];
  readonly groups: readonly string[];
  /** The versions that a package change found before it, under its key: by package name; `-`: not installed. */
  packageRecords: Record<string, Record<string, string>>;
  /** Previous files that a file change kept, by key. */
  keptFiles: Record<string, FileState>;
}

export interface InstalledPackage {
  readonly release: Release;
  held: boolean;
  /** dpkg's word for it; `half-configured` after a maintainer script failed. */
  status: 'installed' | 'half-configured';
}

export interface UnitFile {
  /** As `UnitFileState` says it; `enabled-runtime` for what a generator enabled, as Debian does for clusters. */
  enablement: 'enabled' | 'enabled-runtime' | 'disabled' | 'static' | 'masked';
  /** A generator enables it anew at every boot: disabling brings it back to `enabled-runtime`. */
  readonly isGenerated: boolean;
  /** systemd's Type=: `forking`, `oneshot`; for a mount its file system. */
  readonly type: string;
  /** The package that brings the unit; without it there is no such unit. Null: written by an administrator. */
  readonly package: string | null;
  /** What the unit does when it is started. */
  readonly runs: UnitBehaviour;
  /** Units that are stopped before this one: mounts carry those that use them. */
  readonly requires: readonly string[];
}

export type UnitBehaviour =
  /** A process that shows nothing but that it runs. */
  | { readonly kind: 'process'; readonly reloads: boolean }
  /** A web server for the files of one folder, without TLS. */
  | { readonly kind: 'web'; readonly port: number; readonly folder: string }
  /** A PostgreSQL server; its version is that of the package at the time of its start. */
  | { readonly kind: 'postgres'; readonly cluster: string; readonly package: string; readonly port: number }
  /** Starts and stops other units and runs nothing itself, as Debian's `postgresql.service`. */
  | { readonly kind: 'wrapper'; readonly members: readonly string[] }
  | { readonly kind: 'mount'; readonly where: string; readonly device: string };

export interface PostgresData {
  readonly majorVersion: string;
  /** Where the cluster lies below the mount point: `/15/main`. */
  readonly directory: string;
  /** By database and table of the schema public: `postgres orders`. */
  tables: Record<string, Table>;
  /** What the server says to every query, because its files are hurt: `XX001: invalid page in block 7 …`. */
  hurt: string | null;
}

export interface Table {
  rows: number;
  /** Stands for what is in the rows: any change of them changes it. */
  content: string;
}

/** One version of a package. */
export interface Release {
  readonly version: string;
  /** Makes the package's maintainer script, or the server that it brings, fail with these words. */
  readonly broken: { readonly when: 'configure' | 'start'; readonly message: string } | null;
  /** Units that the package's scripts stop before they replace its files, and start afterwards. */
  readonly units: readonly string[];
  /** `always`: also when they were stopped, as Debian's PostgreSQL packages do. `ifActive`: only those that ran. */
  readonly starts: 'always' | 'ifActive';
  /** Packages that must be there, at this version or a newer one. */
  readonly requires: readonly string[];
}

export interface HostState {
  readonly name: string;
  readonly instanceId: string;
  bootId: string;
  bootedAt: number;
  /** Only units that are not simply inactive. */
  units: Record<string, UnitRuntime>;
  /** By mount point; the root volume is not listed. */
  mounts: Record<string, Mount>;
  /** Running servers by cluster: `15/main`. */
  servers: Record<string, PostgresServer>;
  /** By token. */
  commands: Record<string, Command>;
}

export interface UnitRuntime {
  readonly active: 'active' | 'failed';
  readonly since: number;
  readonly pid: number;
}

export interface Mount {
  readonly device: string;
  readonly volumeId: string;
}

export interface PostgresServer {
  /** Of the package that was installed when the server started: `15.18-0+deb12u1`. */
  readonly packageVersion: string;
  readonly startedAt: number;
  readonly port: number;
}

/**
 * A command that was started under a token. Its effect and this record are one write; until `endsAt` it is reported as
 * running. Neither its input nor its environment is kept: they may hold secrets.
 */
export interface Command {
  readonly script: string;
  readonly startedAt: number;
  endsAt: number;
  exitCode: number;
  /** What it prints before it ends. */
  readonly early: string;
  /** All of it, `early` included. */
  stdout: string;
  stderr: string;
  /** Mount points that stay frozen until it ends. */
  readonly freezes: readonly string[];
  /** Why no result will ever come: the host went down while the command ran. */
  vanished: string | null;
}

export interface Parameter {
  readonly type: 'String' | 'StringList' | 'SecureString';
  value: string;
  version: number;
  lastModified: number;
}

export interface Secret {
  readonly arn: string;
  readonly name: string;
  value: string;
  versionId: string;
  readonly created: number;
}

export interface Topic {
  readonly name: string;
  messages: Message[];
}

export interface Message {
  readonly id: string;
  readonly at: number;
  readonly subject: string | null;
  readonly message: string;
}

export interface ClientToken {
  /** What was asked, to refuse the same token for something else. */
  readonly request: string;
  readonly id: string;
}
