/**
 * The shell functions that all programs of the protocol share. Every name begins with `b_`.
 *
 * One folder per token under the user's own state folder:
 *   begun      `<pid> <start time> <boot id>` of the wrapper, or `void`; made by link(2), so it is whole or absent
 *   script     the text, where it has one; its args, env and stdin are nowhere on disk
 *   stdout, stderr
 *   exit.N     the exit code, made by rename, which needs no free disk space
 *   stopped    a stop has been under way
 */
import { shellQuote } from './quote.ts';
import type { HostShell } from './shell.ts';

const functions = `
umask 077
[ -n "$HOME" ] && [ -n "$LOGNAME" ] || {
  LOGNAME=$(id -un) USER=$LOGNAME
  case $LOGNAME in *[!A-Za-z0-9._-]*) HOME=/ ;; *) eval "HOME=~$LOGNAME" ;; esac
  export HOME USER LOGNAME
}
# A reply of one line; everything that a program says ends with one.
b_say() { b_last=$*; printf '= %s\\n' "$*"; }
b_refuse() { b_say refused "$@"; exit 0; }
# The state folder: made if missing, refused when it is a link or belongs to another user, who could plant results.
b_open() {
  b_uid=$(id -u)
  b_root=$b_base/belay-$b_uid
  mkdir -m 700 "$b_root" 2>/dev/null
  set -- $(ls -ldn "$b_root" 2>/dev/null)
  case "\${1-} \${3-}" in
    drwx------*" $b_uid") ;;
    d*" $b_uid") chmod 700 "$b_root" || b_refuse STATE_UNUSABLE "$b_root cannot be closed to other users" ;;
    ' ') b_refuse STATE_UNUSABLE "$b_root cannot be made" ;;
    *) b_refuse STATE_UNUSABLE "$b_root exists and is not a folder of user $b_uid" ;;
  esac
  b_dir=$b_root/$b_token
}
# Sets b_time to the start time (clock ticks since boot) of a living process. A name with ") " or a line break in it
# cannot deceive: the fields are counted from the last parenthesis.
b_started() {
  b_time= b_text=
  [ -r "/proc/$1/stat" ] || return 1
  while IFS= read -r b_line || [ -n "$b_line" ]; do b_text="$b_text $b_line"; done 2>/dev/null <"/proc/$1/stat"
  [ -n "$b_text" ] || return 1
  set -- \${b_text##*) }
  case \${1-X} in [ZX]) return 1 ;; esac
  b_time=\${20}
}
b_boot_id() { IFS= read -r b_boot </proc/sys/kernel/random/boot_id; }
# Reads who runs the command. b_alive: the wrapper lives, and is not another process that was given its number.
b_begun() {
  b_pid= b_start= b_its_boot=
  [ -e "$b_dir/begun" ] && IFS=' ' read -r b_pid b_start b_its_boot <"$b_dir/begun"
}
b_alive() { b_started "$b_pid" && [ "$b_time" = "$b_start" ]; }
b_exited() {
  for b_file in "$b_dir"/exit.*; do [ -e "$b_file" ] && b_code=\${b_file##*.} && return 0; done
  return 1
}
b_sleep() { sleep "$1" 2>/dev/null || sleep 1; }
# Sets b_living to pid:start of each process of the command, the wrapper excepted: members of its session, processes
# that carry its mark in their environment, their descendants, and those seen earlier (b_known) that still live.
# grep reads /proc because it goes on when a process ends under its hands (mawk's getline gives up), and names the file
# before each line, so that a process name with a line break cannot pose as another process.
b_scan() {
  b_session=$b_pid
  if b_started "$b_pid" && [ "$b_time" != "$b_start" ]; then b_session=none; fi
  # BusyBox's grep sees nothing behind a NUL without -z, which in turn an old one may not have.
  b_marked=$({ grep -lzF "BELAY_COMMAND=$b_dir/" /proc/[0-9]*/environ || grep -lF "BELAY_COMMAND=$b_dir/" /proc/[0-9]*/environ; } 2>/dev/null |
    tr -dc '0-9\\n' | tr '\\n' ' ')
  b_tries=0
  while :; do
    b_living=$(grep -H '' /proc/[0-9]*/stat 2>/dev/null |
      awk -v session="$b_session" -v wrapper="$b_pid" -v me="$$" -v known="$b_known" -v marked="$b_marked" "$b_select")
    # Its own shell is among what a whole scan has seen; a scan that failed must not pass for one that found nothing.
    case $b_living in *' whole') b_living=\${b_living%whole}; b_living=\${b_living% }; return ;; esac
    b_tries=$((b_tries + 1))
    [ $b_tries -lt 20 ] || b_refuse TOOL_MISSING 'the processes of the host cannot be listed (grep and awk over /proc)'
    b_sleep 0.1
  done
}
b_select='
  {
    at = index($0, "/stat:"); pid = substr($0, 7, at - 7)
    text[pid] = text[pid] " " substr($0, at + 6)
  }
  END {
    count = split(known, list, " "); for (i = 1; i <= count; i++) seen[list[i]] = 1
    count = split(marked, list, " "); for (i = 1; i <= count; i++) mark[list[i]] = 1
    for (pid in text) {
      if (!match(text[pid], /\\) [^)]*$/)) continue
      split(substr(text[pid], RSTART + 2), field, " ")
      if (field[1] == "Z" || field[1] == "X" || pid == 1 || pid == me) continue
      parent[pid] = field[2]; start[pid] = field[20]
      if (field[4] == session || (pid in mark) || ((pid ":" field[20]) in seen)) mine[pid] = 1
    }
    do {
      grown = 0
      for (pid in parent) if (!(pid in mine) && (parent[pid] in mine)) { mine[pid] = 1; grown = 1 }
    } while (grown)
    for (pid in mine) if (!(session != "none" && pid == wrapper)) printf "%s:%s ", pid, start[pid]
    if (me in text) printf " whole"
  }'
`;

/** The folder name of a token; a token that is no plain name is represented by its digest by the caller. */
export function prelude(shell: HostShell, token: string): string {
  return `b_base=${shellQuote(shell.stateBase)} b_sh=${shellQuote(shell.sh)} b_token=${shellQuote(token)} b_known=${functions}`;
}
