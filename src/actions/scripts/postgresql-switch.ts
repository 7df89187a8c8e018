/**
 * What a switchover needs of a host: the words of a stopped server's control file, promoting a standby at the very place where
 * its primary has stopped, and making a server follow another one. The texts behind postgresql/control, can-follow,
 * promote, promoted, follow and unfollow of names.ts.
 */
import { programsText } from './postgresql-programs.ts';
import { reachText } from './postgresql-reach.ts';
import { namedScript } from './prelude.ts';

const findBin = `${programsText}[ "$(id -u)" = 0 ] || fail NOT_ROOT "the data directory belongs to the server: give the host become: sudo"
[ -f "$directory/PG_VERSION" ] || fail NO_SUCH_DIRECTORY "$directory is not a data directory: it has no PG_VERSION"
version=$(cat "$directory/PG_VERSION")
bin=$(programs_of "$directory" | head -n 1)
[ -n "$bin" ] || fail NO_POSTGRESQL "pg_controldata of $version is not installed"
major=\${version%%.*}
# control WORDS: what the control file says under them.
control() { LC_ALL=C "$bin/pg_controldata" "$directory" 2>/dev/null | sed -n "s/^$1: *//p"; }
# alive: whether a server works in the data directory.
alive() {
  pid=$(head -n 1 "$directory/postmaster.pid" 2>/dev/null) || return 1
  [ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd")" = "$(readlink -f "$directory")" ]
}
`;

export const readControl = namedScript(
  'postgresql/control',
  `directory=$1
${findBin}
if alive; then say running "$pid"; fi
state=$(control 'Database cluster state')
say state "\${state:-unreadable}"
say checkpoint "$(control 'Latest checkpoint location')"
say timeline "$(control "Latest checkpoint's TimeLineID")"
say systemIdentifier "$(control 'Database system identifier')"
# The server's own log: where Debian writes it, or in the data directory. What it said since it began last.
log=
command -v pg_lsclusters >/dev/null && log=$(pg_lsclusters -h 2>/dev/null | awk -v dir="$directory" '$6 == dir { print $7 }' | head -n 1)
[ -f "$log" ] || log=$(ls -t "$directory"/log/*.log "$directory"/pg_log/*.log 2>/dev/null | head -n 1)
[ ! -f "$log" ] || tail -n 400 "$log" | awk '/starting PostgreSQL/ { n = 0 } { line[n++] = $0 } END { for (i = 0; i < n; i++) print line[i] }' |
  grep -E ' (FATAL|PANIC|ERROR): |could not|[Cc]orrupt|invalid (page|checkpoint|record|value for parameter)|unrecognized configuration parameter|syntax error in file' | tail -n 4 | while IFS= read -r row; do say said "$(printf %s "$row" | tr -d '\\r' | cut -c 1-300)"; done
`,
);

export const canFollow = namedScript(
  'postgresql/can-follow',
  `user=$1 directory=$2
conninfo=$(cat)
${findBin}
${reachText}
reach
identity=$(identify) || fail PRIMARY_SILENT "it cannot be asked as a standby asks: $(in_error)"
say identity "\${identity%%|*}"
say systemIdentifier "$(control 'Database system identifier')"
[ "$(control 'wal_log_hints setting')" = on ] || [ "$(control 'Data page checksum version')" != 0 ] || say unhinted yes
[ -x "$bin/pg_rewind" ] || say unrewindable yes
if ! as_user "$bin/psql" -wXAtq -d "$plainly" -c 'select 1' >/dev/null 2>"$err"; then say unasked "$(in_error)"; fi
`,
);

export const promoteStandby = namedScript(
  'postgresql/promote',
  `user=$1 port=$2 socket=$3 directory=$4 stopped_at=$5 timeline=$6 identifier=$7 seconds=$8
${findBin}
[ "$(control 'Database system identifier')" = "$identifier" ] || fail OTHER_CLUSTER "it belongs to another cluster than the server that was stopped. Nothing was changed"
cd /
ask() {
  runuser -u "$user" -- env PATH="$bin:$PATH" LC_ALL=C PGCONNECT_TIMEOUT=10 PGHOST="$socket" PGPORT="$port" psql -XAtq -d postgres -v ON_ERROR_STOP=1 -c "$1"
}
number=$(ask 'show server_version_num') || fail NOT_ANSWERING "the standby cannot be asked. Nothing was changed"
if [ "$number" -ge 100000 ]; then got=pg_last_wal_replay_lsn minus=pg_wal_lsn_diff; else got=pg_last_xlog_replay_location minus=pg_xlog_location_diff; fi
done_here() {
  # pg_rewind reads the timeline of the control file, which only a checkpoint writes.
  ask checkpoint || fail NOT_ANSWERING "it is promoted, and its checkpoint failed"
  say timeline "$(control "Latest checkpoint's TimeLineID")"
  exit 0
}
if [ "$(ask 'select pg_is_in_recovery()')" = f ]; then
  now=$(control "Latest checkpoint's TimeLineID")
  ask checkpoint && now=$(control "Latest checkpoint's TimeLineID")
  [ "$now" -gt "$timeline" ] || fail NOT_A_STANDBY "it is a primary of timeline $now already, and was none of the standbys of timeline $timeline. Nothing was changed"
  done_here
fi
tries=0
until [ "$(ask "select coalesce($minus($got(), '$stopped_at') > 0, false)")" = t ]; do
  tries=$((tries + 1))
  [ $tries -lt $((seconds * 2)) ] || fail NOT_CAUGHT_UP "it has replayed up to $(ask "select $got()"), and the primary stopped at $stopped_at: promoting it would lose what is between. Nothing was changed"
  sleep 0.5
done
say replayed "$(ask "select $got()")"
if [ "$number" -ge 120000 ]; then [ "$(ask 'select pg_promote(true, 300)')" = t ] || fail PROMOTE_FAILED "pg_promote did not succeed within 300 s"
else
  runuser -u "$user" -- "$bin/pg_ctl" -D "$directory" promote || fail PROMOTE_FAILED "pg_ctl promote failed"
  tries=0
  until [ "$(ask 'select pg_is_in_recovery()')" = f ]; do
    tries=$((tries + 1)); [ $tries -lt 600 ] || fail PROMOTE_FAILED "it is still in recovery 300 s after pg_ctl promote"
    sleep 0.5
  done
fi
done_here
`,
);

export const isPromoted = namedScript(
  'postgresql/promoted',
  `user=$1 port=$2 socket=$3 directory=$4
${findBin}
cd /
recovery=$(runuser -u "$user" -- env PATH="$bin:$PATH" LC_ALL=C PGCONNECT_TIMEOUT=10 PGHOST="$socket" PGPORT="$port" psql -XAtq -d postgres -c 'select pg_is_in_recovery()') ||
  fail NOT_ANSWERING "whether it was promoted cannot be asked"
say recovery "$recovery"
`,
);

/** The first record of a step wins: a second attempt must not take what the first one left for what was there before. */
export const followPrimary = namedScript(
  'postgresql/follow',
  `key=$1 user=$2 directory=$3 rewind=$4 slot=$5
conninfo=$(cat)
${findBin}
${reachText}
keep_folder postgresql
auto=$directory/postgresql.auto.conf
[ "$major" -ge 12 ] || auto=$directory/recovery.conf
setting() { sed -n "s/^[[:space:]]*$1[[:space:]]*=[[:space:]]*'\\(.*\\)'[[:space:]]*\\(#.*\\)\\{0,1\\}\\$/\\1/p" "$was" 2>/dev/null | tail -n 1 | sed "s/''/'/g"; }
record=$keep/$key
# What it said itself: pg_rewind brings the file of the primary along.
was=$auto
[ ! -f "$record.files/auto" ] || was=$record.files/auto
[ -n "$conninfo" ] || conninfo=$(setting primary_conninfo)
[ -n "$conninfo" ] || fail NO_CONNINFO "$directory does not say which primary it follows; give ConnInfo. Nothing was changed"
said=$conninfo
reach
identity=$(identify) || fail PRIMARY_SILENT "the new primary cannot be asked: $(in_error). Nothing was changed"
own=$(control 'Database system identifier')
[ "$own" = "\${identity%%|*}" ] || fail OTHER_CLUSTER "it belongs to the cluster $own, and the primary to \${identity%%|*}. Nothing was changed"
# One that a host's end has cut off behind the rewind is not rewound again: its control file is that of a server that runs.
rewound=$(cat "$record.files/rewound" 2>/dev/null)
if [ "$rewind" = yes ] && [ -z "$rewound" ]; then
  ! alive || fail SERVER_RUNNING "a server runs in $directory; stop it first. Nothing was changed"
  config=
  [ "$major" -lt 15 ] || config=$(sed -n 's/.*"-c" "config_file=\\([^"]*\\)".*/\\1/p' "$directory/postmaster.opts" 2>/dev/null | head -n 1)
  last_words() { tail -n 3 "$err" | tr '\\n' ' ' | cut -c 1-400; }
  rewind() { as_user "$bin/pg_rewind" -D "$directory" --source-server="$plainly" \${config:+--config-file="$config"} "$@" >"$err" 2>&1; }
  # What was not shut down pg_rewind itself recovers first, from 13 on, and not for a trial.
  case $(control 'Database cluster state') in
    'shut down'*)
      if ! rewind --dry-run; then
        cat "$err"
        fail CANNOT_REWIND "pg_rewind, only trying, says: $(last_words). Nothing was changed. Without Rewind, postgresql/rebuild-standby makes this standby anew by a base backup"
      fi ;;
  esac
fi
if [ ! -e "$record.files/done" ]; then
  rm -rf -- "$record.files"
  (umask 077 && mkdir "$record.files") || fail WRITE_FAILED "cannot keep what $auto says"
  [ ! -f "$auto" ] || cp -p -- "$auto" "$record.files/auto" || fail WRITE_FAILED "cannot keep $auto"
  [ ! -e "$directory/standby.signal" ] || : >"$record.files/signal"
  : >"$record.files/done"
  sync -f "$record.files" 2>/dev/null || sync
fi
[ "$slot" != = ] || slot=$(setting primary_slot_name)
if [ -n "$slot" ]; then
  case $slot in *[!a-z0-9_]*) fail ODD_SLOT "$slot is not a name of a replication slot" ;; esac
  as_user "$bin/psql" -wXAtq -d "$asking" -c "CREATE_REPLICATION_SLOT $slot PHYSICAL RESERVE_WAL" >/dev/null 2>"$err" ||
    grep -q 'already exists' "$err" || fail SLOT_FAILED "the new primary makes no slot $slot: $(in_error)"
fi
if [ "$rewind" = yes ] && [ -z "$rewound" ]; then
  if rewind; then
    cat "$err"
    if grep -q 'no rewind required' "$err"; then rewound=no; else rewound=yes; fi
    sync -f "$directory" 2>/dev/null || sync
    printf %s "$rewound" >"$record.files/rewound" && sync -f "$record.files" 2>/dev/null || sync
  else
    cat "$err"
    fail REWIND_FAILED "pg_rewind failed: $(last_words). Where it had begun to copy, this data starts no more; postgresql/rebuild-standby makes it anew"
  fi
fi
[ "$rewind" != yes ] || say rewound "$rewound"
quoted=$(printf %s "$said" | sed "s/'/''/g")
[ "$major" -ge 12 ] && drop='primary_conninfo\\|primary_slot_name' || drop='primary_conninfo\\|primary_slot_name\\|standby_mode\\|recovery_target_timeline'
{
  grep -v "^[[:space:]]*\\($drop\\)[[:space:]=]" "$auto" 2>/dev/null
  [ "$major" -ge 12 ] || printf "standby_mode = 'on'\\nrecovery_target_timeline = 'latest'\\n"
  printf "primary_conninfo = '%s'\\nprimary_slot_name = '%s'\\n" "$quoted" "$slot"
} >"$auto.belay" || fail WRITE_FAILED "cannot write $auto"
chown "$user:" "$auto.belay" && chmod 600 "$auto.belay" && mv -f -- "$auto.belay" "$auto" || fail WRITE_FAILED "cannot write $auto"
[ "$major" -lt 12 ] || { : >"$directory/standby.signal" && chown "$user:" "$directory/standby.signal"; } || fail WRITE_FAILED "cannot write standby.signal"
sync -f "$directory" 2>/dev/null || sync
if alive; then
  if [ "$major" -ge 13 ]; then kill -HUP "$pid"; say told reload
  else
    unit=$(sed -n 's#.*/\\([^/]*\\.service\\)$#\\1#p' "/proc/$pid/cgroup" | head -n 1)
    systemctl restart -- "$unit" || fail SERVICE_FAILED "$unit has to be restarted to follow, and that failed"
    say told restart
  fi
fi
say slot "$slot"
`,
);

export const unfollowPrimary = namedScript(
  'postgresql/unfollow',
  `key=$1 user=$2 directory=$3
keep_root
files=$keep/postgresql/$key.files
# Nothing was written then, wherever the directory is.
[ -e "$files/done" ] || exit 0
${findBin}
auto=$directory/postgresql.auto.conf
[ "$major" -ge 12 ] || auto=$directory/recovery.conf
if [ -f "$files/auto" ]; then
  cp -p -- "$files/auto" "$auto.belay" && mv -f -- "$auto.belay" "$auto" || fail WRITE_FAILED "cannot put $auto back"
else rm -f -- "$auto"; fi
if [ -e "$files/signal" ]; then : >"$directory/standby.signal" && chown "$user:" "$directory/standby.signal"; else rm -f -- "$directory/standby.signal"; fi
sync -f "$directory" 2>/dev/null || sync
if alive; then kill -HUP "$pid"; fi
rm -rf -- "$files"
say back "$auto"
`,
);
