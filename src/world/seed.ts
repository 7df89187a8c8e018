/**
 * The world that a newcomer meets: db1, a PostgreSQL 15 server with its data on an EBS volume of its own and a minor
 * release waiting in the repository, and web1, a web server beside a tiny service made to be patched.
 */
import { hash, uuidOf } from './ids.ts';
import { bootHost } from './hosts/power.ts';
import type {
  Contents,
  FileState,
  Instance,
  Release,
  System,
  UnitFile,
  Volume,
  WorldState,
} from './state.ts';

/** When everything that is there from the start was made: 2026-01-05T08:00:00Z. */
const seededAt = Date.UTC(2026, 0, 5, 8);
const zone = 'eu-central-1a';

export const sandboxIds = {
  db1: 'i-0b1e9d3a7c5f42680',
  web1: 'i-0a7c3e5d9b1f48260',
  db1Root: 'vol-0d1a5c9e37b24f680',
  db1Data: 'vol-0b2c4e6f81a3d5790',
  web1Root: 'vol-0f3b7d1c59e84a260',
  image: 'ami-0c4e8a2b6d1f39570',
} as const;

export function newWorld(): WorldState {
  const state: WorldState = {
    format: 1,
    account: '123456789012',
    partition: 'aws',
    region: 'eu-central-1',
    callerArn: 'arn:aws:iam::123456789012:user/sandbox',
    serial: 0,
    instances: {
      [sandboxIds.db1]: instance(sandboxIds.db1, '10.0.1.10'),
      [sandboxIds.web1]: instance(sandboxIds.web1, '10.0.2.10'),
    },
    volumes: {
      [sandboxIds.db1Root]: volume(
        sandboxIds.db1Root,
        { on: sandboxIds.db1, device: '/dev/xvda', sizeGiB: 8 },
        { system: databaseSystem(), files: { ...baseFiles('db1'), '/var/lib/postgresql': folder() } },
      ),
      [sandboxIds.db1Data]: volume(
        sandboxIds.db1Data,
        { on: sandboxIds.db1, device: '/dev/sdf', sizeGiB: 2 },
        databaseContents(),
      ),
      [sandboxIds.web1Root]: volume(
        sandboxIds.web1Root,
        { on: sandboxIds.web1, device: '/dev/xvda', sizeGiB: 8 },
        { system: webSystem(), files: { ...baseFiles('web1'), ...webFiles } },
      ),
    },
    snapshots: {},
    images: {
      [sandboxIds.image]: {
        id: sandboxIds.image,
        name: 'debian-12-amd64-20260105-1000',
        description: 'Debian 12 (20260105-1000)',
        state: 'available',
        settlesAt: null,
        owner: '136693071363',
        creationTime: seededAt,
        rootDeviceName: '/dev/xvda',
        devices: [
          {
            device: '/dev/xvda',
            snapshotId: '',
            sizeGiB: 8,
            volumeType: 'gp3',
            deleteOnTermination: true,
          },
        ],
      },
    },
    stacks: {},
    tags: {
      [sandboxIds.db1]: { Name: 'db1', Role: 'database' },
      [sandboxIds.db1Data]: { Name: 'db1-data' },
      [sandboxIds.web1]: { Name: 'web1', Role: 'web' },
    },
    parameters: {},
    secrets: {},
    topics: { 'arn:aws:sns:eu-central-1:123456789012:ops': { name: 'ops', messages: [] } },
    clientTokens: {},
    repository: offer(
      { ...postgresPackages(oldPostgres), ...webPackages('1.22.1-9+deb12u1', '1.0') },
      { ...postgresPackages(newPostgres), ...webPackages('1.22.1-9+deb12u2', '1.1') },
    ),
    hosts: {
      db1: host('db1', sandboxIds.db1),
      web1: host('web1', sandboxIds.web1),
    },
    journal: [],
  };
  bootHost(state, sandboxIds.db1, seededAt);
  bootHost(state, sandboxIds.web1, seededAt);
  return state;
}

function instance(id: string, privateIpAddress: string): Instance {
  return {
    id,
    state: 'running',
    settlesAt: null,
    imageId: sandboxIds.image,
    // A Xen type: a volume attached as /dev/sdf is /dev/xvdf on the host.
    instanceType: 't2.medium',
    availabilityZone: zone,
    subnetId: 'subnet-0a5d9e1c3b7f82460',
    vpcId: 'vpc-0e2b6a9d4c8f13570',
    privateIpAddress,
    rootDeviceName: '/dev/xvda',
    launchTime: seededAt,
  };
}

function volume(
  id: string,
  place: { on: string; device: string; sizeGiB: number },
  contents: Partial<Contents>,
): Volume {
  return {
    id,
    state: 'in-use',
    settlesAt: null,
    sizeGiB: place.sizeGiB,
    volumeType: 'gp3',
    iops: 3_000,
    throughput: 125,
    encrypted: false,
    availabilityZone: zone,
    createTime: seededAt,
    snapshotId: '',
    attachment: {
      instanceId: place.on,
      device: place.device,
      state: 'attached',
      settlesAt: null,
      attachTime: seededAt,
      deleteOnTermination: place.device === '/dev/xvda',
    },
    contents: {
      filesystem: 'ext4',
      uuid: uuidOf(hash('file system', id)),
      files: {},
      system: null,
      postgres: null,
      ...contents,
    },
  };
}

function host(name: string, instanceId: string): WorldState['hosts'][string] {
  return { name, instanceId, bootId: '', bootedAt: 0, units: {}, mounts: {}, servers: {}, commands: {} };
}

/** A release whose scripts restart the unit if it runs. */
function release(version: string, unit: string): Release {
  return { version, broken: null, units: [unit], starts: 'ifActive', requires: [] };
}

const oldPostgres = '15.18-0+deb12u1';
const newPostgres = '15.20-0+deb12u1';

/** Debian's scripts stop and start the clusters whether they ran or not. */
function postgres(version: string, units: readonly string[], ...requires: readonly string[]): Release {
  return { version, broken: null, units, starts: 'always', requires };
}

const postgresPackages = (version: string): Record<string, Release> => ({
  'postgresql-15': postgres(
    version,
    ['postgresql.service', 'postgresql@15-main.service'],
    'postgresql-client-15',
    'libpq5',
  ),
  'postgresql-client-15': postgres(version, [], 'libpq5'),
  libpq5: postgres(version, []),
});

const webPackages = (nginx: string, demo: string): Record<string, Release> => ({
  nginx: release(nginx, 'nginx.service'),
  'belay-demo': { ...release(demo, 'belay-demo.service'), starts: 'always' },
});

/** Every package of several states of a repository, oldest state first. */
function offer(...states: readonly Record<string, Release>[]): Record<string, Release[]> {
  const names = new Set(states.flatMap((state) => Object.keys(state)));
  return Object.fromEntries([...names].map((name) => [name, states.flatMap((state) => state[name] ?? [])]));
}

function system(
  packages: Record<string, Release>,
  units: Record<string, UnitFile>,
  ...users: readonly string[]
): System {
  return {
    packages: Object.fromEntries(
      Object.entries(packages).map(([name, release]) => [
        name,
        { release, held: false, status: 'installed' },
      ]),
    ),
    cache: {},
    units,
    users: ['root', 'nobody', 'admin', ...users],
    groups: ['root', 'nogroup', 'admin', ...users],
    packageRecords: {},
    keptFiles: {},
  };
}

function databaseSystem(): System {
  return system(
    postgresPackages(oldPostgres),
    {
      'postgresql.service': {
        enablement: 'enabled',
        isGenerated: false,
        type: 'oneshot',
        package: 'postgresql-15',
        runs: { kind: 'wrapper', members: ['postgresql@15-main.service'] },
        requires: [],
      },
      'postgresql@15-main.service': {
        enablement: 'enabled-runtime',
        isGenerated: true,
        type: 'forking',
        package: 'postgresql-15',
        runs: { kind: 'postgres', cluster: '15/main', package: 'postgresql-15', port: 5432 },
        requires: ['var-lib-postgresql.mount'],
      },
      'var-lib-postgresql.mount': {
        enablement: 'enabled',
        isGenerated: false,
        type: 'ext4',
        package: null,
        runs: { kind: 'mount', where: '/var/lib/postgresql', device: '/dev/xvdf' },
        requires: [],
      },
    },
    'postgres',
  );
}

function databaseContents(): Partial<Contents> {
  return {
    files: { '/15/main/PG_VERSION': file('15\n', 'postgres', '0600') },
    postgres: {
      majorVersion: '15',
      directory: '/15/main',
      tables: { 'postgres orders': { rows: 200_000, content: 'as seeded' } },
      hurt: null,
    },
  };
}

function webSystem(): System {
  return system(
    webPackages('1.22.1-9+deb12u1', '1.0'),
    {
      'nginx.service': {
        enablement: 'enabled',
        isGenerated: false,
        type: 'forking',
        package: 'nginx',
        runs: { kind: 'web', port: 80, folder: '/var/www/html' },
        requires: [],
      },
      'belay-demo.service': {
        enablement: 'enabled',
        isGenerated: false,
        type: 'simple',
        package: 'belay-demo',
        runs: { kind: 'process', reloads: false },
        requires: [],
      },
    },
    'www-data',
  );
}

const webFiles: Record<string, FileState> = {
  '/etc/nginx/nginx.conf': file(
    'user www-data;\nevents {}\nhttp { server { listen 80; root /var/www/html; } }\n',
  ),
  '/var/www/html/index.html': file('<h1>web1</h1>\n'),
};

function baseFiles(name: string): Record<string, FileState> {
  const folders = [
    '/etc',
    '/home',
    '/opt',
    '/root',
    '/srv',
    '/tmp',
    '/usr/local/bin',
    '/var/lib',
    '/var/tmp',
  ];
  return {
    ...Object.fromEntries(folders.map((path) => [path, folder()] as const)),
    '/etc/hostname': file(`${name}\n`),
    '/etc/hosts': file(`127.0.0.1 localhost\n10.0.1.10 db1\n10.0.2.10 web1\n`),
    '/etc/motd': file('A host of the sandbox.\n'),
  };
}

function file(text: string, owner = 'root', mode = '0644'): FileState {
  return { kind: 'file', mode, owner, group: owner, base64: Buffer.from(text).toString('base64') };
}

function folder(): FileState {
  return { kind: 'directory', mode: '0755', owner: 'root', group: 'root' };
}
