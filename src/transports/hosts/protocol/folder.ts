/**
 * The shell functions for where commands are kept on a host. The folder is looked for once per connection, entered, and
 * used by relative names from then on: what others do to the path afterwards changes nothing.
 *
 * Root has /var/lib/belay, an account has .belay in its home where that is on a disk of the host itself. A home that
 * hosts share would let one host find the commands of another. /var/tmp stands in, and outlives a reboot as well.
 *
 * One folder per token:
 *   begun      `<pid> <start time> <boot id>` of the shell that waits for the command, or `void`; made with O_EXCL
 *   script     the text; its args, env and stdin are nowhere on disk
 *   stdout, stderr
 *   session    the process id of the script, which leads a session of its own
 *   exit       `---`, then the exit code; written over in place, which needs no free disk space
 *   stopped    a stop has been under way
 */
import { shellQuote } from './quote.ts';
import type { HostShell } from './shell.ts';

const functions = `
umask 077
b_nl='
'
[ -n "$HOME" ] && [ -n "$LOGNAME" ] || {
  LOGNAME=$(id -un) USER=$LOGNAME
  case $LOGNAME in *[!A-Za-z0-9._-]*) HOME=/ ;; *) eval "HOME=~$LOGNAME" ;; esac
  export HOME USER LOGNAME
}
# Who it acts as, read by builtins: a process costs a host more than the line does.
b_uid=
while read -r b_key b_real b_line b_rest; do
  [ "$b_key" != Uid: ] || { b_uid=$b_line; break; }
done 2>/dev/null </proc/self/status
case $b_uid in '' | *[!0-9]*) b_uid=$(id -u) ;; esac
# Enters PARENT/NAME, made if it is missing. Refuses a link, and a folder of another user, who could plant results.
b_enter() {
  cd -P -- "$1" 2>/dev/null || { b_shut="$1/$2 cannot be made"; return 1; }
  b_root=\${PWD%/}/$2
  [ -d "./$2" ] || mkdir -m 700 "./$2" 2>/dev/null
  if ! [ -e "./$2" ] && ! [ -h "./$2" ]; then b_shut="$b_root cannot be made"; return 1; fi
  if [ -h "./$2" ] || ! cd -P -- "./$2" 2>/dev/null || [ "$PWD" != "$b_root" ]; then
    b_shut="$b_root exists and is not a folder of user $b_uid"
    return 1
  fi
  b_mode=$(ls -ldn .)
  set -- $b_mode
  case "\${1-} \${3-}" in
    drwx------*" $b_uid") ;;
    d*" $b_uid") chmod 700 . || { b_shut="$b_root cannot be closed to other users"; return 1; } ;;
    *) b_shut="$b_root exists and is not a folder of user $b_uid: it belongs to user \${3-}"; return 1 ;;
  esac
}
# Whether the folder we are in lies on a file system of this host alone.
b_is_local() {
  b_at= b_kind=
  while IFS=' ' read -r b_line b_mount b_type b_rest; do
    case $PWD/ in "\${b_mount%/}"/*) [ \${#b_mount} -ge \${#b_at} ] && b_at=$b_mount b_kind=$b_type ;; esac
  done 2>/dev/null </proc/self/mounts
  case $b_kind in
    nfs* | cifs | smb* | 9p | afs | ceph | lustre | gfs* | ocfs* | glusterfs | beegfs | fuse | fuse.*) return 1 ;;
  esac
}
# Sets b_root and goes there; an empty b_root means none, and b_shut says why.
b_open() {
  if [ -n "$b_base" ]; then b_enter "$b_base" "belay-$b_uid" || b_root=; return; fi
  if [ "$b_uid" = 0 ]; then
    b_enter /var/lib belay && return
  elif cd -P -- "$HOME" 2>/dev/null && [ "$PWD" != / ] && b_is_local; then
    b_enter "$HOME" .belay && return
  fi
  b_why=\${b_shut-}
  for b_name in "/var/tmp/belay-$b_uid" "/var/tmp/belay-$b_uid".*; do
    case $b_name in *'*') continue ;; esac
    b_enter /var/tmp "\${b_name##*/}" && return
  done
  b_name=$(mktemp -d "/var/tmp/belay-$b_uid.XXXXXX" 2>/dev/null) && b_enter /var/tmp "\${b_name##*/}" && return
  b_shut="\${b_why:+$b_why; }$b_shut" b_root=
}
# Sets b_dir to the folder of a token. Where the state folder was taken away, it is looked for again. What the version before began lies elsewhere; it is found as long as it is there.
b_place() {
  b_dir=$1
  [ -z "$b_root" ] || [ "$b_root" -ef . ] || b_open
  [ "$b_uid" != 0 ] || [ -n "$b_base" ] || [ -e "$b_dir" ] || ! [ -O "/var/tmp/belay-0/$1/begun" ] || b_dir=/var/tmp/belay-0/$1
}
b_sync() { sync "$@" 2>/dev/null || sync; }
b_sleep() { sleep "$1" 2>/dev/null || sleep 1; }
`;

/** `b_open` is then due. */
export function folderFunctions(shell: HostShell): string {
  return `b_base=${shellQuote(shell.stateBase ?? '')} b_sh=${shellQuote(shell.sh)}${functions}`;
}
