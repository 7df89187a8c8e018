/**
 * Finds a PostgreSQL server of a host by what runs there, and asks it about itself: the text behind postgresql/server
 * of names.ts. A postmaster works in its data directory, and its postmaster.pid says port and socket, on Debian, RHEL and
 * elsewhere, since 9.1. Asks nothing that would write.
 */
import { mountsText } from './mounts.ts';
import { closedText } from './postgresql-programs.ts';
import { namedScript } from './prelude.ts';

const findText = `
# cluster_of PID: "PID PORT DIRECTORY BINDIRECTORY UNIT SOCKETDIRECTORY" of a postmaster; fails for its children.
cluster_of() {
  dir=$(readlink "/proc/$1/cwd") || return 1
  [ "$(head -n 1 "$dir/postmaster.pid" 2>/dev/null)" = "$1" ] || return 1
  exe=$(readlink "/proc/$1/exe") || return 1
  exe=\${exe% (deleted)}
  unit=$(sed -n 's#.*/\\([^/]*\\.service\\)$#\\1#p' "/proc/$1/cgroup" 2>/dev/null | head -n 1)
  port=$(sed -n 4p "$dir/postmaster.pid") socket=$(sed -n 5p "$dir/postmaster.pid" | tr -d ' ')
  case "$dir$exe$socket" in *[[:space:]]*) fail ODD_PATH "a path of the server in $dir holds a blank, which is not supported" ;; esac
  echo "$1 $port $dir \${exe%/*} \${unit:--} \${socket:--}"
}
clusters=
for file in $(grep -lx 'postgres\\|postmaster' /proc/[0-9]*/comm 2>/dev/null); do
  pid=\${file#/proc/}
  line=$(cluster_of "\${pid%/comm}") && clusters="$clusters$line
"
done
`;

const pathsText = `${mountsText}
# where PATH: "TARGET SOURCE FSTYPE" of what is mounted there.
where() { mount_over "$1" SOURCE,FSTYPE; }
path_of() {
  real=$(readlink -f "$2") || real=$2
  case $real in *[[:space:]]*) fail ODD_PATH "$real holds a blank, which is not supported" ;; esac
  say path "$1 $real $(where "$real")"
  # What lies in the data directory is listed with that.
  case $1:$real in data:"$top") ;; *:"$top"/*) return ;; esac
  findmnt -n -r -o TARGET,SOURCE,FSTYPE | while read -r target rest; do
    case $target in "$real"/*) say path "nested $target $target $rest" ;; esac
  done
}
# paths_of DIRECTORY: its data, WAL and tablespaces, folders of the data that somebody has linked elsewhere, and the mounts below each.
paths_of() {
  top=$(readlink -f "$1") || top=$1
  path_of data "$1"
  for link in "$1"/* "$1"/base/*; do
    [ -L "$link" ] && [ -d "$link" ] || continue
    case \${link##*/} in pg_wal | pg_xlog | log | pg_log | pg_stat_tmp) ;; *) path_of data "$link" ;; esac
  done
  for wal in "$1/pg_wal" "$1/pg_xlog"; do [ -d "$wal" ] && path_of wal "$wal"; done
  for space in "$1"/pg_tblspc/*; do [ -d "$space" ] && path_of tablespace "$space"; done
}
`;

export const findPostgresql = namedScript(
  'postgresql/server',
  `user=$1 unit=$2 port=$3 directory=$4 database=$5
[ "$(id -u)" = 0 ] || fail NOT_ROOT "whose servers run can be seen by root only: give the host become: sudo"
${closedText}
${findText}
${pathsText}
[ -n "$clusters" ] || { command -v postgres >/dev/null || ls /usr/lib/postgresql/*/bin/postgres /usr/pgsql-*/bin/postgres >/dev/null 2>&1 || fail NO_POSTGRESQL "PostgreSQL is not installed"; }
[ "$directory" = - ] || directory=$(readlink -f "$directory")
unit=\${unit%.service}
chosen= seen= open=
while read -r p_pid p_port p_dir p_bin p_unit p_socket; do
  [ -n "$p_pid" ] || continue
  case $p_unit in -) named='a server of no unit' ;; *) named=\${p_unit%.service} ;; esac
  seen="$seen $named (port $p_port, $p_dir),"
  [ "$unit" = - ] || [ "$unit" = "\${p_unit%.service}" ] || continue
  [ "$port" = - ] || [ "$port" = "$p_port" ] || continue
  case $directory in -|"$p_dir") ;; *) case $p_dir in "$directory"/*) ;; *) continue ;; esac ;; esac
  # Its programs are run to ask it.
  runnable "$p_bin" "$user" || { open="$open $p_bin,"; continue; }
  chosen="$chosen$p_pid $p_port $p_dir $p_bin $p_unit $p_socket
"
done <<END
$clusters
END
seen=\${seen%,}
wanted=
[ "$unit" = - ] || wanted="$wanted and the unit $unit"
[ "$port" = - ] || wanted="$wanted and the port $port"
[ "$directory" = - ] || wanted="$wanted and its data in $directory"
wanted=\${wanted# and}
case $(printf %s "$chosen" | grep -c .) in
  0)
    [ -z "$open" ] || fail OPEN_PROGRAMS "other users than root and $user may write into the programs of the server:\${open%,}. They are not run; close the folder, or give its owner as User"
    [ -n "$seen" ] || fail NO_SUCH_SERVER "no PostgreSQL server runs here"
    fail NO_SUCH_SERVER "no PostgreSQL server runs here with$wanted; running:$seen" ;;
  1) ;;
  *) fail AMBIGUOUS_SERVER "several servers run\${wanted:+ with$wanted}:$seen; say which by its unit, port or data directory" ;;
esac
read -r pid port dir bin unit socket <<END
$chosen
END
say server "$pid $port $dir $bin $unit $socket"
paths_of "$dir"

# The others: those that run, and those that pg_lsclusters of Debian knows and that do not.
printf %s "$clusters" | while read -r o_pid o_port o_dir o_bin o_unit o_socket; do
  [ "$o_pid" = "$pid" ] && continue
  say other "$o_port $o_dir $o_bin $o_unit running"
  for each in "$o_dir" "$o_dir"/pg_wal "$o_dir"/pg_xlog "$o_dir"/pg_tblspc/* "$o_dir"/base/*; do
    case $each in */base/*) [ -L "$each" ] || continue ;; esac
    [ -d "$each" ] && say otherPath "$o_dir $(where "$(readlink -f "$each")")"
  done
done
command -v pg_lsclusters >/dev/null && pg_lsclusters -h 2>/dev/null | while read -r l_version l_name l_port l_status l_owner l_dir l_log; do
  case $l_status in online*) continue ;; esac
  case $l_dir in /*) ;; *) continue ;; esac
  [ "$l_dir" = "$dir" ] && continue
  say other "$l_port $l_dir /usr/lib/postgresql/$l_version/bin postgresql@$l_version-$l_name.service down"
  [ -d "$l_dir" ] && say otherPath "$l_dir $(where "$(readlink -f "$l_dir")")"
done

known='(.*/)?(patroni|repmgrd|pg_autoctl|stolon-keeper)'
for file in $(grep -l -a -z -x -E "$known" /proc/[0-9]*/cmdline 2>/dev/null); do
  words=$(tr '\\0' '\\n' <"$file" 2>/dev/null)
  program=$(printf '%s\\n' "$words" | grep -x -E "$known" | head -n 1)
  manager=\${program##*/}
  [ -n "$manager" ] || continue
  say managers "$manager"
  config=$(printf '%s\\n' "$words" | grep -E '\\.(ya?ml|conf)$' | head -n 1)
  # Asked as its own user, by what lies beside it. Only who says so himself is paused. What does not answer in time is not.
  owner=$(stat -c %U "\${file%/cmdline}" 2>/dev/null) || continue
  case $program in /*) beside=\${program%/*}: ;; *) beside= ;; esac
  by_manager() { (cd / && timeout 20 runuser -u "$owner" -- env PATH="$beside$PATH" "$@" 2>/dev/null); }
  state=unpaused
  case $manager in
    patroni)
      if by_manager patronictl \${config:+-c "$config"} list | grep -qi 'maintenance mode: *on' ||
        { command -v curl >/dev/null && timeout 10 curl -fsS http://127.0.0.1:8008/cluster 2>/dev/null | grep -q '"pause": *true'; }; then state=paused; fi ;;
    repmgrd)
      listed=$(by_manager repmgr \${config:+-f "$config"} service status --csv)
      [ -n "$listed" ] && [ -z "$(printf '%s\\n' "$listed" | awk -F , '$5 == 1 && $7 != 1')" ] && state=paused ;;
  esac
  say "$state" "$manager"
done

for place in "$dir" "$dir/pg_wal" "$dir/pg_xlog" "$dir"/pg_tblspc/* "$bin" /var/lib/dpkg /var/lib/rpm /usr/lib/sysimage/rpm /var/lib/belay /var/lib /var/cache; do
  [ -d "$place" ] || continue
  real=$(readlink -f "$place")
  case $real in *[[:space:]]*) continue ;; esac
  say room "$real $(df -Pk "$real" 2>/dev/null | awk 'NR == 2 { print $4 }')"
done

# The packages of the server: all of its source, in the version that is installed.
if command -v dpkg-query >/dev/null; then
  owner=$(dpkg-query -S "$bin/postgres" 2>/dev/null | head -n 1 | cut -d : -f 1)
  if [ -n "$owner" ]; then
    source=$(dpkg-query -W -f '\${source:Package} \${Version}' "$owner")
    dpkg-query -W -f '\${db:Status-Status} \${Package} \${source:Package} \${Version}\\n' 2>/dev/null |
      awk -v wanted="$source" -v owner="$owner" '$1 == "installed" && $3 " " $4 == wanted { print ($2 == owner ? "0 " : "1 ") $2 " " $4 }' | sort -u | cut -d " " -f 2- |
      while read -r line; do say package "$line"; done
  fi
elif command -v rpm >/dev/null; then
  source=$(rpm -qf --qf '%{SOURCERPM}\\n' "$bin/postgres" 2>/dev/null | head -n 1)
  rpm -qa --qf '%{SOURCERPM} %{NAME} %{VERSION}-%{RELEASE}\\n' 2>/dev/null |
    awk -v wanted="$source" '$1 == wanted { print $2 " " $3 }' | sort -u |
    while read -r line; do say package "$line"; done
fi
say libc "$(getconf GNU_LIBC_VERSION 2>/dev/null)"

if [ -x "$bin/pg_controldata" ]; then
  "$bin/pg_controldata" "$dir" 2>/dev/null | sed -n \\
    -e 's/^Database system identifier: */systemIdentifier=/p' -e 's/^Data page checksum version: */checksums=/p' >&3
fi

id -u "$user" >/dev/null 2>&1 || fail NO_SUCH_USER "there is no user $user"
cd /
psql=$bin/psql
[ -x "$psql" ] || psql=psql
[ "$socket" = - ] && socket=localhost
ask() {
  runuser -u "$user" -- env PATH="$bin:$PATH" LC_ALL=C PGCONNECT_TIMEOUT=10 PGHOST="$socket" PGPORT="$port" \\
    PGOPTIONS="-c default_transaction_read_only=on -c statement_timeout=60s" \\
    "$psql" -XAtq -d "$database" -v ON_ERROR_STOP=1 -c "$1"
}
scratch=$(mktemp -d) || fail WRITE_FAILED "cannot make a temporary folder (is the disk full?)"
err=$scratch/err
trap 'rm -rf "$scratch"' EXIT
if ! number=$(ask 'show server_version_num' 2>"$err"); then
  cat "$err"
  fail NOT_ANSWERING "the server on port $port cannot be asked: $(grep . "$err" | head -n 3 | tr '\\n' ' ' | cut -c 1-400)"
fi
say number "$number"
rows() {
  ask "$2" 2>"$err" >"$scratch/rows" || { cat "$err"; said=$(grep . "$err" | head -n 1 | cut -c 1-400); fail QUERY_FAILED "the server cannot say its $1: $said"; }
  while read -r row; do say "$1" "$row"; done <"$scratch/rows"
}
if [ "$number" -ge 100000 ]; then now=pg_current_wal_lsn got=pg_last_wal_replay_lsn minus=pg_wal_lsn_diff replayed=replay_lsn
else now=pg_current_xlog_location got=pg_last_xlog_replay_location minus=pg_xlog_location_diff replayed=replay_location; fi
lsn="case when pg_is_in_recovery() then $got() else $now() end"
rows facts "select row_to_json(f) from (select current_setting('server_version') as version, pg_is_in_recovery() as standby,
  $([ "$number" -lt 90600 ] && echo null::text || echo '(select max(status) from pg_stat_wal_receiver)') as receiver,
  $([ "$number" -lt 120000 ] && echo null::text || echo "current_setting('primary_slot_name')") as slotname,
  current_setting('data_directory') as directory, ($lsn)::text as lsn,
  (select count(*) from pg_prepared_xacts) as prepared,
  (select coalesce(max(extract(epoch from now() - xact_start)), 0)::bigint from pg_stat_activity where pid <> pg_backend_pid() and xact_start is not null and state is not null) as longest,
  (select count(*) from pg_stat_activity where pid <> pg_backend_pid() and state is not null) as clients,
  (select count(*) from pg_stat_replication where state = 'backup')$([ "$number" -lt 150000 ] && [ "$number" -ge 90300 ] && echo ' + pg_is_in_backup()::int') as backups,
  (select coalesce(sum(pg_database_size(oid)), 0) from pg_database where datallowconn) as bytes) f"
rows standby "select row_to_json(s) from (select application_name as name, coalesce(host(client_addr), 'local') as address, state, sync_state as sync,
  $minus($lsn, $replayed) as lag from pg_stat_replication where state <> 'backup' order by 1, 2) s"
[ "$number" -lt 90400 ] || rows slot "select row_to_json(s) from (select slot_name as name, slot_type as type, active from pg_replication_slots order by 1) s"
rows extension "select row_to_json(e) from (select extname as name, extversion as version from pg_extension order by 1) e"
[ "$number" -lt 150000 ] || rows collation "select row_to_json(c) from (select datname as database, datcollversion as recorded, pg_database_collation_actual_version(oid) as actual from pg_database where datcollversion is distinct from pg_database_collation_actual_version(oid) order by 1) c"
`,
);
