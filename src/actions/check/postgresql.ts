/** check:postgresql: a server's version, settings, standbys, lag and last base backup. */
import { Type } from 'typebox';
import type { Judged } from '../../compliance/types.ts';
import type { Fields } from '../scripts/fields.ts';
import { defineHostCheck } from './define-check.ts';
import { badReply, broken, compared, isFuture, kept, unknown } from './judging.ts';
import { psqlUser } from '../postgresql/psql-user.ts';

/** Names of settings are words, so they need no quoting; each answer is one line, and each question may fail by itself. */
const body = `
user=$1 port=$2 socket=$3 folder=$4 wants=$5
shift 5
for bin in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin; do [ -d "$bin" ] && PATH=$PATH:$bin; done
command -v psql >/dev/null || no NO_POSTGRESQL "psql is not installed"
needs find sort tail grep
id -u "$user" >/dev/null 2>&1 || no NO_SUCH_USER "there is no user $user"
cd /
[ "$port" = - ] || { PGPORT=$port; export PGPORT; }
[ "$socket" = - ] || { PGHOST=$socket; export PGHOST; }
ask() {
  set -- env PATH="$PATH" LC_ALL=C PGCONNECT_TIMEOUT=5 \${PGPORT:+PGPORT=$PGPORT} \${PGHOST:+PGHOST=$PGHOST} \\
    PGOPTIONS="-c default_transaction_read_only=on -c statement_timeout=8s" psql -XAtq -d postgres -v ON_ERROR_STOP=1 -c "$1"
  if [ "$(id -un)" = "$user" ]; then "$@"
  elif [ "$(id -u)" = 0 ]; then runuser -u "$user" -- "$@"
  else sudo -n -u "$user" -- "$@"; fi
}
if [ "$folder" != - ]; then
  if [ -d "$folder" ] && [ -r "$folder" ]; then
    denied=$(find "$folder" -maxdepth 3 -name backup_manifest -type f 2>&1 >/dev/null | grep -m 1 'Permission denied')
    if [ -n "$denied" ]; then say backup unreadable
    else say backup "is $(find "$folder" -maxdepth 3 -name backup_manifest -type f -printf '%T@ %h\\n' 2>/dev/null | sort -n | tail -n 1)"; fi
  elif [ -e "$folder" ]; then say backup unreadable
  else say backup absent; fi
fi
if ! facts=$(ask "select current_setting('server_version_num'), current_setting('server_version'), pg_is_in_recovery()" 2>&1); then
  say trouble "$(in_words "$facts")"
  return 0
fi
say facts "$facts"
for name in "$@"; do
  if value=$(ask "select coalesce(current_setting('$name', true), '')||'|'||coalesce((select setting||'|'||coalesce(unit,'') from pg_settings where name = '$name'), '')||'|'||coalesce((select pending_restart::text from pg_settings where name = '$name'), '')" 2>/dev/null); then say setting "$value"
  else say setting unreadable; fi
done
case $wants in *l*)
  case $facts in
    *t) say lag "$(ask "select case when r.receive is null and not exists (select from pg_stat_wal_receiver) then 'no-receiver' when r.receive = r.replay and exists (select from pg_stat_wal_receiver where status = 'streaming') then '0' else coalesce(extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::text, 'unknown') end||'|'||coalesce((select extract(epoch from clock_timestamp() - last_msg_receipt_time)::text from pg_stat_wal_receiver), '0') from (select pg_last_wal_receive_lsn() as receive, pg_last_wal_replay_lsn() as replay) r" 2>/dev/null)" ;;
    *)
      if listed=$(ask "select coalesce(nullif(application_name,''),'?')||'|'||coalesce(client_addr::text,'local')||'|'||state||'|'||coalesce(extract(epoch from replay_lag)::text,'0')||'|'||case when replay_lsn >= pg_current_wal_lsn() then '0' else coalesce(extract(epoch from clock_timestamp() - (to_jsonb(r)->>'reply_time')::timestamptz)::text, '0') end from pg_stat_replication r where application_name not like 'pg_basebackup%' order by 1" 2>/dev/null); then
        [ -z "$listed" ] || printf '%s\\n' "$listed" | lines standby
        say standbys listed
      fi ;;
  esac ;;
esac
`;

export const checkPostgresql = defineHostCheck({
  name: 'check:postgresql',
  summary:
    'Looks at a PostgreSQL server: its version, its settings, its standbys or its own lag, and how old the last base backup is.',
  source: 'https://www.postgresql.org/docs/current/monitoring-stats.html',
  example: `
    - name: DatabaseIsAsAgreed
      action: check:postgresql
      inputs:
        Hosts: [db1]
        VersionAtLeast: '15.10'
        Settings: { ssl: 'on', password_encryption: scram-sha-256 }
        MaxLagSeconds: 30`,
  inputs: {
    User: psqlUser,
    Port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
    SocketDirectory: Type.Optional(Type.String({ pattern: '^(/[^\\s]*|localhost)$' })),
    VersionAtLeast: Type.Optional(
      Type.String({
        pattern: '^[0-9]{1,2}(\\.[0-9]{1,2})?$',
        description: 'Of the server that runs: "15.10".',
      }),
    ),
    Settings: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^[a-z][a-z0-9_]*(\\.[a-z0-9_]+)?$' }),
        Type.Union([Type.String(), Type.Number(), Type.Boolean()]),
        { minProperties: 1, maxProperties: 40 },
      ),
    ),
    MaxLagSeconds: Type.Optional(
      Type.Number({ minimum: 0, description: 'Of a standby its own; of a primary that of each standby.' }),
    ),
    Standbys: Type.Optional(
      Type.Integer({ minimum: 1, description: 'So many must stream from this primary.' }),
    ),
    BackupFolder: Type.Optional(
      Type.String({
        pattern: '^/',
        description:
          'Where base backups lie on this host, each with its backup_manifest, which pg_basebackup writes last.',
      }),
    ),
    MaxBackupAgeHours: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  },
  problems: ({ VersionAtLeast, Settings, MaxLagSeconds, Standbys, BackupFolder, MaxBackupAgeHours }) => [
    ...([VersionAtLeast, Settings, MaxLagSeconds, Standbys, BackupFolder].every((each) => each === undefined)
      ? [{ path: [], message: 'nothing is wanted of the server' }]
      : []),
    ...((BackupFolder === undefined) !== (MaxBackupAgeHours === undefined)
      ? [{ path: [], message: 'BackupFolder and MaxBackupAgeHours belong together' }]
      : []),
  ],
  body,
  args: ({ User, Port, SocketDirectory, BackupFolder, Settings = {}, MaxLagSeconds, Standbys }) => [
    User ?? 'postgres',
    Port === undefined ? '-' : String(Port),
    SocketDirectory ?? '-',
    BackupFolder ?? '-',
    `-${MaxLagSeconds === undefined && Standbys === undefined ? '' : 'l'}`,
    ...Object.keys(Settings),
  ],
  judge: (
    fields,
    { VersionAtLeast, Settings = {}, MaxLagSeconds, Standbys, BackupFolder, MaxBackupAgeHours },
    { until },
  ): readonly Judged[] => {
    const backup =
      BackupFolder === undefined || MaxBackupAgeHours === undefined
        ? []
        : [backupOf(fields.one('backup'), BackupFolder, MaxBackupAgeHours, until)];
    const trouble = fields.one('trouble');
    if (trouble !== undefined)
      return [
        ...backup,
        /^sudo:|^runuser:/.test(trouble)
          ? unknown(
              '',
              'NOT_ALLOWED',
              `the server was not asked, for want of a right on the host: ${trouble}`,
            )
          : unknown('', 'NOT_ANSWERING', `the server does not answer: ${trouble}`),
      ];
    const [, number, version = '', recovery] =
      /^(\d{5,6})\|([^|]+)\|([tf])$/.exec(fields.one('facts') ?? '') ?? [];
    if (number === undefined) throw badReply('it did not say which version runs');
    const judged: Judged[] = [kept('server', version)];
    if (VersionAtLeast !== undefined) {
      const [major = 0, minor = 0] = VersionAtLeast.split('.').map(Number);
      judged.push(
        compared('version', `at least ${VersionAtLeast}`, version, Number(number) >= major * 10_000 + minor),
      );
    }
    const settings = fields.all('setting');
    if (settings.length !== Object.keys(Settings).length)
      throw badReply('it did not answer for every setting');
    for (const [index, [name, wanted]] of Object.entries(Settings).entries())
      judged.push(settingOf(name, String(wanted), settings[index] ?? ''));
    if (MaxLagSeconds !== undefined || Standbys !== undefined)
      judged.push(
        ...(recovery === 't'
          ? ownLag(fields.one('lag'), MaxLagSeconds, Standbys)
          : standbysOf(fields, MaxLagSeconds, Standbys)),
      );
    return [...judged, ...backup];
  },
});

/** `CURRENT|RAW|UNIT|PENDING`: as the server shows it, and as it counts it. */
function settingOf(name: string, wanted: string, said: string): Judged {
  const [current, raw, unit, pendingRestart] = said.split('|');
  if (said === 'unreadable' || current === undefined || raw === undefined)
    return unknown(name, 'QUERY_FAILED', 'the server does not tell this setting');
  if (current === '' && raw === '') return broken(name, wanted, 'no setting of this server');
  const holds =
    current === wanted ||
    raw === wanted ||
    sizeOf(wanted) === (sizeOf(current) ?? NaN) ||
    isSameBoolean(wanted, current);
  if (holds && pendingRestart === 'true')
    return broken(
      name,
      wanted,
      `${current} in memory, and another value in its file that waits for a restart`,
    );
  return compared(name, wanted, `${current}${unit === '' || current !== raw ? '' : ` ${unit}`}`, holds);
}

/** In bytes or milliseconds, where it has a unit. */
function sizeOf(text: string): number | undefined {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*(B|kB|MB|GB|TB|ms|s|min|h|d)$/.exec(text) ?? [];
  const factors: Readonly<Record<string, number>> = {
    B: 1,
    kB: 1024,
    MB: 1024 ** 2,
    GB: 1024 ** 3,
    TB: 1024 ** 4,
    ms: 1,
    s: 1_000,
    min: 60_000,
    h: 3_600_000,
    d: 86_400_000,
  };
  const isTime = unit !== undefined && /^(ms|s|min|h|d)$/.test(unit);
  return unit === undefined ? undefined : Number(number) * (factors[unit] ?? NaN) + (isTime ? 0.5 : 0);
}

function isSameBoolean(wanted: string, is: string): boolean {
  const on = ['on', 'true', 'yes', '1'];
  const off = ['off', 'false', 'no', '0'];
  return (on.includes(wanted) && is === 'on') || (off.includes(wanted) && is === 'off');
}

/** A primary that has nothing to send says so twice a minute. */
const silenceSecondsMax = 75;

function ownLag(said: string | undefined, max: number | undefined, standbys: number | undefined): Judged[] {
  const role: Judged[] = standbys === undefined ? [] : [broken('role', 'a primary', 'a standby')];
  if (max === undefined) return role;
  if (said?.startsWith('no-receiver') === true)
    return [...role, broken('replication', 'streaming', 'not connected to its primary')];
  const [, behind, silent] = /^(-?[\d.]+)\|(-?[\d.]+)$/.exec(said ?? '') ?? [];
  const lag = Number(behind ?? NaN);
  if (Number.isNaN(lag))
    return [...role, unknown('lag', 'NO_ANSWER', 'the standby cannot tell how far it is behind')];
  if (lag <= max && Number(silent) > Math.max(max, silenceSecondsMax))
    return [
      ...role,
      unknown(
        'lag',
        'NO_ANSWER',
        `the standby has heard nothing of its primary for ${Math.round(Number(silent))} s`,
      ),
    ];
  return [...role, compared('lag', `at most ${max} s`, `${Math.max(0, lag).toFixed(1)} s`, lag <= max)];
}

function standbysOf(fields: Fields, max: number | undefined, wanted: number | undefined): Judged[] {
  if (fields.one('standbys') !== 'listed' || fields.one('standby-more') !== undefined)
    return [unknown('standbys', 'NO_ANSWER', 'the primary did not list its standbys')];
  const standbys = fields.all('standby').map((line) => line.split('|'));
  const judged: Judged[] = [];
  const streaming = standbys.filter(([, , state]) => state === 'streaming').length;
  if (wanted !== undefined)
    judged.push(compared('standbys', `${wanted} streaming`, `${streaming} streaming`, streaming >= wanted));
  else if (standbys.length === 0) judged.push(kept('standbys', 'none'));
  for (const [name, address, state, lag, stale] of standbys) {
    const subject = `standby ${name} at ${address}`;
    const seconds = Number(lag === '' ? NaN : lag);
    const silent = Number(stale === '' ? NaN : stale);
    if (state !== 'streaming') judged.push(broken(subject, 'streaming', state ?? 'not told'));
    else if (max !== undefined)
      judged.push(
        Number.isNaN(seconds + silent)
          ? unknown(subject, 'NO_ANSWER', 'its lag is not told')
          : seconds <= max && silent > max
            ? unknown(subject, 'NO_ANSWER', `it is behind, and has not answered for ${Math.round(silent)} s`)
            : compared(subject, `at most ${max} s behind`, `${seconds.toFixed(1)} s behind`, seconds <= max),
      );
  }
  return judged;
}

function backupOf(said: string | undefined, folder: string, maxHours: number, now: number): Judged {
  const subject = `base backup in ${folder}`;
  const wanted = `younger than ${maxHours} h`;
  if (said === 'unreadable') return unknown(subject, 'UNREADABLE', 'the folder cannot be read');
  if (said === 'absent' || said === 'is' || said === 'is ')
    return broken(subject, wanted, said === 'absent' ? 'without its folder' : 'without any finished backup');
  const [, seconds, path] = /^is (\d+(?:\.\d+)?) (\/.*)$/.exec(said ?? '') ?? [];
  if (seconds === undefined) throw badReply('it did not say when the last base backup was');
  if (isFuture(Number(seconds) * 1_000, now))
    return unknown(subject, 'BAD_REPLY', `the time of ${path} is in the future`);
  const hours = (now - Number(seconds) * 1_000) / 3_600_000;
  return compared(subject, wanted, `${hours.toFixed(1)} h old (${path})`, hours <= maxHours);
}
