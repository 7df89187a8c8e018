/**
 * Makes a standby anew from its primary, keeping what was there beside it: the texts behind postgresql/copy and
 * postgresql/copy-back of names.ts. The server must be stopped. Where a run was cut off, a second one begins from what is kept.
 */
import { programsText } from './postgresql-programs.ts';
import { reachText } from './postgresql-reach.ts';
import { mountsText } from './mounts.ts';
import { namedScript } from './prelude.ts';

const commonText = `
[ "$(id -u)" = 0 ] || fail NOT_ROOT "the data directory belongs to the server: give the host become: sudo"
case $directory in /*/*) ;; *) fail ODD_PATH "$directory is not a data directory" ;; esac
# alive DIRECTORY: whether a server works there.
alive() {
  pid=$(head -n 1 "$1/postmaster.pid" 2>/dev/null) || return 1
  [ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd")" = "$(readlink -f "$1")" ]
}
! alive "$directory" || fail SERVER_RUNNING "a server runs in $directory; stop it first. Nothing was changed"
old=$directory.before-$key
new=$directory.copied-$key
`;

export const copyStandby = namedScript(
  'postgresql/copy',
  `key=$1 user=$2 directory=$3
conninfo=$(cat)
${mountsText}
${programsText}
${commonText}
done_mark=$directory/belay-copied-$key
if [ -e "$done_mark" ]; then say kept "$old"; say copied already; exit 0; fi
from=$directory
[ -d "$old" ] && from=$old
[ -f "$from/PG_VERSION" ] || fail NO_SUCH_DIRECTORY "$from is not a data directory: it has no PG_VERSION"
! is_mounted "$directory" || fail IS_MOUNT "$directory is a mount point itself, so nothing can be kept beside it; use a folder below the mount"
for space in "$from"/pg_tblspc/*; do
  [ -L "$space" ] && fail HAS_TABLESPACES "$from has tablespaces at $(readlink "$space"), whose places the copy would need; make this standby anew by hand"
done
[ ! -L "$from/pg_wal" ] || fail HAS_WAL_LINK "the WAL of $from is linked to $(readlink "$from/pg_wal"); make this standby anew by hand"
version=$(cat "$from/PG_VERSION")
bin=$(programs_of "$from" | head -n 1)
[ -x "$bin/pg_basebackup" ] || fail NO_POSTGRESQL "pg_basebackup of $version is not installed"
# setting NAME: as the standby has it.
setting() {
  sed -n "s/^[[:space:]]*$1[[:space:]]*=[[:space:]]*'\\(.*\\)'[[:space:]]*\\(#.*\\)\\{0,1\\}\\$/\\1/p" "$from/postgresql.auto.conf" "$from/recovery.conf" 2>/dev/null | tail -n 1 | sed "s/''/'/g"
}
[ -n "$conninfo" ] || conninfo=$(setting primary_conninfo)
[ -n "$conninfo" ] || fail NO_CONNINFO "$from does not say which primary it follows; give ConnInfo"
slot=$(setting primary_slot_name)
${reachText}
reach
identity=$(identify) || fail PRIMARY_SILENT "the primary cannot be asked: $(in_error)"
identity=\${identity%%|*}
own=$(LC_ALL=C "$bin/pg_controldata" "$from" 2>/dev/null | sed -n 's/^Database system identifier: *//p')
[ -z "$own" ] || [ "$own" = "$identity" ] || fail OTHER_CLUSTER "$from belongs to the cluster $own, and the primary to $identity. Nothing was changed"
need=$(du -sk "$from" | cut -f 1)
free=$(df -Pk "\${directory%/*}" | awk 'NR == 2 { print $4 }')
[ "$free" -gt "$need" ] || fail NO_ROOM "a copy beside the old data needs about $((need / 1024)) MiB, and $((free / 1024)) MiB are free. Nothing was changed"
rm -rf -- "$new"
install -d -m 700 -o "$user" -g "$(id -gn "$user")" "$new" || fail WRITE_FAILED "cannot make $new"
if ! as_user "$bin/pg_basebackup" -w -D "$new" -d "$conninfo" -R -X stream -c fast \${slot:+-S "$slot"} 2>"$err"; then
  cat "$err"
  rm -rf -- "$new"
  fail COPY_FAILED "pg_basebackup failed: $(in_error). The old data is as it was"
fi
: >"$new/belay-copied-$key"; chown "$user" "$new/belay-copied-$key"
sync -f "$new" 2>/dev/null || sync
[ -d "$old" ] || mv -T -- "$directory" "$old" || fail WRITE_FAILED "cannot keep $directory as $old"
mv -T -- "$new" "$directory" || { mv -T -- "$old" "$directory"; fail WRITE_FAILED "cannot put the copy at $directory"; }
sync -f "$directory" 2>/dev/null || sync
say kept "$old"
say copied "$identity"
`,
);

export const copyBackStandby = namedScript(
  'postgresql/copy-back',
  `key=$1 directory=$2
# Nothing was copied then, and a server that runs there is none of ours.
[ -d "$directory.before-$key" ] || [ -d "$directory.copied-$key" ] || exit 0
${commonText}
if [ -d "$old" ]; then
  if [ -e "$directory" ]; then
    [ -e "$directory/belay-copied-$key" ] || fail CHANGED_MEANWHILE "$directory is not the copy that this run made, so it is left there; the data of before is kept as $old"
    rm -rf -- "$new"
    mv -T -- "$directory" "$new" || fail WRITE_FAILED "cannot move $directory away"
  fi
  mv -T -- "$old" "$directory" || fail WRITE_FAILED "cannot put $old back to $directory"
  sync -f "$directory" 2>/dev/null || sync
  say back "$directory"
fi
rm -rf -- "$new"
`,
);
