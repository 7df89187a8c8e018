/** What the script postgresql/server has printed, parsed strictly: hosts and servers may say anything. */
import { Type, type Static } from 'typebox';
import { isJsonObject, type JsonObject } from '../../json.ts';
import { ActionFailure } from '../define-action.ts';
import type { Fields } from '../scripts/fields.ts';
import { strictObject } from '../strict-object.ts';
import { upstreamVersion } from './version.ts';

const list = <T extends Parameters<typeof Type.Array>[0]>(item: T, description: string) =>
  Type.Array(item, { description });
const textOrNull = Type.Union([Type.String(), Type.Null()]);

export const serverSchema = strictObject({
  Unit: textOrNull,
  Port: Type.Integer(),
  SocketDirectory: Type.String({
    description: 'Where psql connects; localhost where the server has no socket.',
  }),
  DataDirectory: Type.String(),
  BinDirectory: Type.String(),
  ServerVersion: Type.String({ description: '15.20' }),
  VersionNumber: Type.Integer({ description: '150020' }),
  IsStandby: Type.Boolean(),
  Receiver: Type.Union([Type.String(), Type.Null()], {
    description: 'What a standby from 9.6 on says of its WAL receiver: streaming; null: there is none.',
  }),
  Files: list(
    strictObject({
      Kind: Type.Union([
        Type.Literal('data'),
        Type.Literal('wal'),
        Type.Literal('tablespace'),
        Type.Literal('nested'),
      ]),
      Path: Type.String(),
      Mount: Type.String(),
      Source: Type.String({ description: 'A device, or whatever else is mounted there.' }),
      Fstype: Type.String(),
    }),
    'Where its files lie: data directory, WAL, tablespaces, and what is mounted below the data directory.',
  ),
  Mounts: list(Type.String(), 'Mount points of all these on disks: the set that a snapshot has to hold.'),
  Standbys: list(
    strictObject({
      Name: Type.String(),
      Address: Type.String(),
      State: Type.String(),
      Sync: Type.String(),
      LagBytes: Type.Union([Type.Number(), Type.Null()]),
    }),
    'What streams from it now.',
  ),
  SlotName: Type.Union([Type.String(), Type.Null()], {
    description: 'What a standby from 12 on uses of its primary; null: none.',
  }),
  Slots: list(
    strictObject({ Name: Type.String(), Type: Type.String(), IsActive: Type.Boolean() }),
    'Replication slots; an inactive one holds WAL back.',
  ),
  OtherClusters: list(
    strictObject({
      Unit: textOrNull,
      Port: Type.Integer(),
      DataDirectory: Type.String(),
      IsRunning: Type.Boolean(),
      SharesPackages: Type.Boolean({
        description: 'It runs from the same binaries, so the packages restart it.',
      }),
      SharesMounts: list(Type.String(), 'Mounts of the set on which it has files too.'),
      Mounts: list(Type.String(), 'All mount points of disks on which it has files.'),
    }),
    'Every other cluster of the host.',
  ),
  Managers: list(Type.String(), 'patroni, repmgrd and the like that run on the host.'),
  PausedManagers: list(Type.String(), 'Those of them that say of themselves that they are paused.'),
  Included: list(
    Type.String(),
    'Units of the other clusters that run and are stopped with it: with Include: all those that share its packages or its mounts.',
  ),
  Room: list(
    strictObject({ Path: Type.String(), FreeBytes: Type.Number() }),
    'What is free where its files, its programs and the package database lie.',
  ),
  Extensions: list(strictObject({ Name: Type.String(), Version: Type.String() }), 'Of the Database.'),
  Collations: list(
    strictObject({ Database: Type.String(), Recorded: textOrNull, Actual: textOrNull }),
    'Databases whose collation has another version now than when their indexes were built.',
  ),
  Libc: textOrNull,
  HasChecksums: Type.Boolean(),
  SystemIdentifier: textOrNull,
  Lsn: textOrNull,
  PreparedTransactions: Type.Integer(),
  LongestTransactionSeconds: Type.Integer(),
  Clients: Type.Integer(),
  BackupsRunning: Type.Integer(),
  Bytes: Type.Number({ description: 'Of all databases.' }),
  Packages: list(Type.String(), 'Installed packages that were built with the server.'),
  PackageVersion: textOrNull,
  Change: Type.Union(
    [Type.Literal('upgrade'), Type.Literal('none'), Type.Literal('downgrade'), Type.Null()],
    {
      description: 'What installing the Target would be; null: none was given.',
    },
  ),
});
export type Server = Static<typeof serverSchema>;

const diskless = ['tmpfs', 'ramfs'];

/** Throws UNREADABLE_REPLY for what cannot be what the script prints. */
export function readServer(fields: Fields, label: string): Server {
  const unreadable = (what: string): ActionFailure =>
    new ActionFailure({
      code: 'UNREADABLE_REPLY',
      message: `${label}: what it says of its PostgreSQL server cannot be read: ${what}`,
    });
  const objects = (key: string): readonly JsonObject[] =>
    fields.all(key).map((line) => {
      try {
        const value: unknown = JSON.parse(line);
        if (isJsonObject(value as JsonObject)) return value as JsonObject;
      } catch {
        // Said below.
      }
      throw unreadable(`${key}=${line.slice(0, 120)}`);
    });
  const text = (value: unknown): string => (typeof value === 'string' ? value.slice(0, 1_000) : '');
  const textOr = (value: unknown) =>
    typeof value === 'string' && value !== '' ? value.slice(0, 1_000) : null;
  const number = (value: unknown, what: string): number => {
    const read = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
    if (typeof read !== 'number' || !Number.isFinite(read)) throw unreadable(what);
    return read;
  };
  const dash = (word: string | undefined) => (word === undefined || word === '-' ? null : word);
  const unitOf = (word: string | undefined) => dash(word)?.replace(/\.service$/, '') ?? null;

  const [, port, DataDirectory = '', BinDirectory = '', unit, socket] = fields.rows('server')[0] ?? [];
  const [facts] = objects('facts');
  if (facts === undefined || !DataDirectory.startsWith('/')) throw unreadable('it names no server');
  const Files = fields.rows('path').map(([kind, Path = '', Mount = '', Source = '-', Fstype = '-']) => {
    const known = (['data', 'wal', 'tablespace', 'nested'] as const).find((each) => each === kind);
    if (known === undefined || !Path.startsWith('/') || !Mount.startsWith('/'))
      throw unreadable(`path=${kind} ${Path}`);
    return { Kind: known, Path, Mount, Source, Fstype };
  });
  const Mounts = [
    ...new Set(Files.filter(({ Source }) => Source.startsWith('/dev/')).map(({ Mount }) => Mount)),
  ];
  const others = fields.rows('otherPath');
  const packages = fields.rows('package');
  return {
    Unit: unitOf(unit),
    Port: number(port, 'its port'),
    SocketDirectory: dash(socket) ?? 'localhost',
    DataDirectory,
    BinDirectory,
    ServerVersion: upstreamVersion(text(facts['version'])) ?? text(facts['version']),
    VersionNumber: number(fields.one('number'), 'its version number'),
    IsStandby: facts['standby'] === true,
    Receiver: textOr(facts['receiver']),
    // Statistics that live in memory are made anew by every start.
    Files: Files.filter(({ Kind, Fstype }) => !(Kind === 'nested' && diskless.includes(Fstype))),
    Mounts,
    Standbys: objects('standby').map((each) => ({
      Name: text(each['name']),
      Address: text(each['address']),
      State: text(each['state']),
      Sync: text(each['sync']),
      LagBytes: typeof each['lag'] === 'number' ? each['lag'] : null,
    })),
    SlotName: textOr(facts['slotname']),
    Slots: objects('slot').map((each) => ({
      Name: text(each['name']),
      Type: text(each['type']),
      IsActive: each['active'] === true,
    })),
    OtherClusters: fields.rows('other').map(([otherPort, directory = '', bin, otherUnit, state]) => ({
      Unit: unitOf(otherUnit),
      Port: number(otherPort, 'the port of another cluster'),
      DataDirectory: directory,
      IsRunning: state === 'running',
      SharesPackages: bin === BinDirectory,
      SharesMounts: [
        ...new Set(
          others
            .filter(([of, mount]) => of === directory && mount !== undefined && Mounts.includes(mount))
            .map(([, mount = '']) => mount),
        ),
      ],
      Mounts: [
        ...new Set(
          others
            .filter(([of, , source = '']) => of === directory && source.startsWith('/dev/'))
            .map(([, mount = '']) => mount),
        ),
      ],
    })),
    Managers: [...new Set(fields.rows('managers').flat())].filter((word) => word !== ''),
    // One of two that bear the name may be paused and the other not.
    PausedManagers: [...new Set(fields.rows('paused').flat())].filter(
      (word) => word !== '' && !fields.rows('unpaused').flat().includes(word),
    ),
    Included: [],
    Room: fields
      .rows('room')
      .filter(([, free]) => /^\d+$/.test(free ?? ''))
      .map(([Path = '', free]) => ({ Path, FreeBytes: Number(free) * 1024 })),
    Extensions: objects('extension').map((each) => ({
      Name: text(each['name']),
      Version: text(each['version']),
    })),
    Collations: objects('collation').map((each) => ({
      Database: text(each['database']),
      Recorded: textOr(each['recorded']),
      Actual: textOr(each['actual']),
    })),
    Libc: textOr(fields.one('libc')),
    HasChecksums: (fields.one('checksums') ?? '0') !== '0',
    SystemIdentifier: textOr(fields.one('systemIdentifier')),
    Lsn: textOr(facts['lsn']),
    PreparedTransactions: number(facts['prepared'], 'prepared transactions'),
    LongestTransactionSeconds: number(facts['longest'], 'its longest transaction'),
    Clients: number(facts['clients'], 'its clients'),
    BackupsRunning: number(facts['backups'], 'its base backups'),
    Bytes: number(facts['bytes'], 'its size'),
    Packages: packages.map(([name = '']) => name),
    PackageVersion: packages[0]?.[1] ?? null,
    Change: null,
  };
}
