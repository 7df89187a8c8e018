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
  'Downgrade',
] as const;

export interface Objection {
  readonly word: (typeof refusable)[number];
  readonly code: string;
  readonly text: string;
}

/** All that stands against it, the worst first. */
export function objections(server: Server, target: string | null): readonly Objection[] {
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
  if (others.length > 0) {
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
      `another cluster is touched as well: ${each.join('; ')}; ${accept('OtherClusters')}`,
    );
  }
  if (server.Managers.length > 0)
    against(
      'Manager',
      'MANAGED',
      `${server.Managers.join(' and ')} runs and would start or fail over the server while it is stopped; pause it, then ${accept('Manager')}`,
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
