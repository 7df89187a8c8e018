/** What a patch of a PostgreSQL server must not meet unseen, each by a name that a runbook can refuse or accept. */
import type { Server } from './server-facts.ts';

export const refusable = [
  'FilesElsewhere',
  'OtherClusters',
  'Manager',
  'BaseBackup',
  'Standbys',
  'PreparedTransactions',
  'Collation',
  'Room',
  'Downgrade',
] as const;

export interface Objection {
  readonly word: (typeof refusable)[number];
  readonly code: string;
  readonly text: string;
}

/** What else a patch is going to do. */
export interface Intent {
  /** The version that is to be installed; null: not known yet. */
  readonly target: string | null;
  readonly plan: readonly { readonly Name: string; readonly From?: string | null; readonly To: string }[];
  /** The other clusters are stopped and started with it. */
  readonly includesOthers: boolean;
}

/** A segment of WAL is 16 MiB, and a checkpoint needs some; programs and package database of a minor version are below 200 MiB. */
const dataBytesMin = 64 * 1024 * 1024;
const systemBytesMin = 256 * 1024 * 1024;
/** Packages whose new version may sort texts in another order. */
const sorting = /^(libc6|libc-bin|locales|glibc(-.*)?|libicu\d*|icu|icu-libs|libicu)$/;

/** All that stands against it, the worst first. */
export function objections(server: Server, { target, plan, includesOthers }: Intent): readonly Objection[] {
  const found: Objection[] = [];
  const against = (word: Objection['word'], code: string, text: string) =>
    found.push({ word, code, text: `${text}. Nothing was changed` });
  const accept = (word: Objection['word']) => `accept ${word} if that is meant`;

  const apart = server.Files.filter(({ Source }) => !Source.startsWith('/dev/'));
  if (apart.length > 0) {
    const where = apart.map(
      ({ Kind, Path, Source, Fstype }) => `${words[Kind]} ${Path} is on ${Source} (${Fstype})`,
    );
    against(
      'FilesElsewhere',
      'FILES_ELSEWHERE',
      `${where.join(', ')}, of which no snapshot can be taken together with the rest`,
    );
  }
  const others = server.OtherClusters.filter(
    ({ SharesPackages, IsRunning, SharesMounts }) => (SharesPackages && IsRunning) || SharesMounts.length > 0,
  );
  if (others.length > 0 && !includesOthers) {
    const each = others.map(({ Unit, Port, DataDirectory, SharesPackages, IsRunning, SharesMounts }) => {
      const why = [
        ...(SharesPackages && IsRunning ? ['the packages restart it'] : []),
        ...(SharesMounts.length > 0
          ? [`its data lies on ${SharesMounts.join(' and ')} too and would go back with a restore`]
          : []),
      ];
      return `${Unit ?? DataDirectory} (port ${Port}): ${why.join(', and ')}`;
    });
    against(
      'OtherClusters',
      'OTHER_CLUSTERS',
      `another cluster is touched as well: ${each.join('; ')}; Include: all stops and starts it as well, or ${accept('OtherClusters')}`,
    );
  }
  const active = server.Managers.filter((name) => !server.PausedManagers.includes(name));
  const keeper = server.Managers.find((name) => server.Unit?.split('@')[0] === name);
  if (active.length > 0)
    against(
      'Manager',
      'MANAGED',
      `${active.join(' and ')} runs, does not say that it is paused, and would start or fail over the server while it is stopped; pause it (patronictl pause, repmgr service pause), or ${accept('Manager')}`,
    );
  else if (keeper !== undefined)
    against(
      'Manager',
      'MANAGED',
      `the server runs below the unit of ${keeper}, which leaves it running when it is stopped while paused; stop the server by ${keeper}'s own means, or ${accept('Manager')}`,
    );
  if (server.BackupsRunning > 0)
    against(
      'BaseBackup',
      'BACKUP_RUNNING',
      `a base backup is running, which the stop would break; wait for it, or ${accept('BaseBackup')}`,
    );
  if (server.IsStandby)
    against(
      'Standbys',
      'IS_STANDBY',
      `the server is a standby; after a restore it would have to follow its primary from there. Patch it by postgresql/patch-replicas, or ${accept('Standbys')}`,
    );
  if (server.Standbys.length > 0) {
    const names = server.Standbys.map(
      ({ Name, Address, LagBytes }) =>
        `${Name} at ${Address}${LagBytes === null ? '' : ` (${LagBytes} bytes behind)`}`,
    );
    against(
      'Standbys',
      'HAS_STANDBYS',
      `${names.join(', ')} ${names.length === 1 ? 'follows' : 'follow'} this server and would be ahead of it after a restore, to be rebuilt. Patch them first by postgresql/patch-replicas, or ${accept('Standbys')}`,
    );
  }
  if (server.PreparedTransactions > 0)
    against(
      'PreparedTransactions',
      'PREPARED_TRANSACTIONS',
      `${server.PreparedTransactions} prepared transactions hold locks across the restart; ${accept('PreparedTransactions')}`,
    );
  if (server.Collations.length > 0) {
    const names = server.Collations.map(
      ({ Database, Recorded, Actual }) => `${Database} (${Recorded ?? 'none'} → ${Actual ?? 'none'})`,
    );
    against(
      'Collation',
      'COLLATION_CHANGED',
      `the collation of ${names.join(', ')} has another version than its indexes were built with; reindex, then ALTER DATABASE … REFRESH COLLATION VERSION, or ${accept('Collation')}`,
    );
  }
  const resorting = plan.filter(({ Name }) => sorting.test(Name));
  if (resorting.length > 0) {
    const names = resorting.map(({ Name, From, To }) => `${Name} (${From ?? 'new'} → ${To})`);
    against(
      'Collation',
      'COLLATION_COMES',
      `${names.join(', ')} would come along, and texts may sort in another order then, which indexes of texts do not survive. Hold it, or plan pg_amcheck and a reindex and ${accept('Collation')}`,
    );
  }
  const holdsData = (path: string) =>
    path === server.DataDirectory || server.Files.some(({ Path }) => Path === path);
  const tight = server.Room.filter(
    ({ Path, FreeBytes }) => FreeBytes < (holdsData(Path) ? dataBytesMin : systemBytesMin),
  );
  if (tight.length > 0) {
    const where = tight.map(
      ({ Path, FreeBytes }) =>
        `${Math.floor(FreeBytes / 1024 / 1024)} MiB at ${Path}, wanted ${(holdsData(Path) ? dataBytesMin : systemBytesMin) / 1024 / 1024}`,
    );
    against('Room', 'NO_ROOM', `there is no room: ${where.join('; ')}. Make room, or ${accept('Room')}`);
  }
  if (server.Change === 'downgrade')
    against(
      'Downgrade',
      'OLDER_VERSION',
      `${target ?? ''} is older than ${server.PackageVersion ?? server.ServerVersion}, which is installed; ${accept('Downgrade')}`,
    );
  return found;
}

const words = {
  data: 'the data directory',
  wal: 'the WAL',
  tablespace: 'the tablespace',
  nested: 'the mount',
} as const;
