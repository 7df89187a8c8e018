/** The shell functions for who runs on a host. Builtins read /proc where one process is asked about; only a scan needs tools. */

export const processFunctions = `
IFS= read -r b_boot </proc/sys/kernel/random/boot_id
# Sets b_time to the start time (clock ticks since boot) of a living process. A name with ") " or a line break in it
# cannot deceive: the fields are counted from the last parenthesis.
b_started() {
  b_time= b_text_of=
  [ -r "/proc/$1/stat" ] || return 1
  while IFS= read -r b_line || [ -n "$b_line" ]; do b_text_of="$b_text_of $b_line"; done 2>/dev/null <"/proc/$1/stat"
  [ -n "$b_text_of" ] || return 1
  set -- \${b_text_of##*) }
  case \${1-X} in [ZX]) return 1 ;; esac
  b_time=\${20}
}
# Who this shell is itself; in a subshell, $$ is another.
b_self() {
  b_me= b_my_start=
  IFS=' ' read -r b_me b_rest </proc/self/stat
  b_started "$b_me" && b_my_start=$b_time
}
# Reads who waits for the command; fails where nobody ever did. b_pid stays empty where the claim is not whole.
b_begun() {
  b_pid= b_start= b_its_boot=
  [ -e "$b_dir/begun" ] || return 1
  { IFS=' ' read -r b_pid b_start b_its_boot <"$b_dir/begun"; } 2>/dev/null
  [ "$b_pid" = void ] || [ -n "$b_its_boot" ] || b_pid=
  return 0
}
# The same once the claim is whole. A shell that ended while it wrote its claim has run nothing: void.
b_claimed() {
  b_tries=0
  while :; do
    b_begun || return 1
    [ -z "$b_pid" ] || return 0
    b_tries=$((b_tries + 1))
    [ $b_tries -le 10 ] || { b_pid=void; return 0; }
    b_sleep 0.1
  done
}
# Whether that shell lives, and is not another process that was given its number.
b_alive() { b_started "$b_pid" && [ "$b_time" = "$b_start" ]; }
b_exited() {
  b_code=
  [ ! -e "$b_dir/exit" ] || { IFS=' ' read -r b_code <"$b_dir/exit"; } 2>/dev/null
  case $b_code in '' | *[!0-9]*) ;; *) return 0 ;; esac
  for b_file in "$b_dir"/exit.*; do [ -e "$b_file" ] && b_code=\${b_file##*.} && return 0; done
  return 1
}
# Sets b_living to pid:start of each process of the command: members of its session, processes that carry its mark in
# their environment, their descendants, and those seen earlier (b_known) that still live. The shell that waits for it
# is none of them: it may wait for another by now.
# grep reads /proc because it goes on when a process ends under its hands (mawk's getline gives up), and names the file
# before each line, so that a process name with a line break cannot pose as another process.
# The kernel shows no environment of a process between one program and the next: where nothing is seen it is looked again.
b_scan() {
  b_scan_once || return 1
  [ -z "$b_living" ] || return 0
  b_sleep 0.05
  b_scan_once
}
b_scan_once() {
  b_session=
  [ ! -e "$b_dir/session" ] || { IFS=' ' read -r b_session <"$b_dir/session"; } 2>/dev/null
  # A session outlives its leader, whose number is given to nobody else meanwhile.
  b_mark=$b_root/$b_dir/
  case $b_dir in /*) b_mark=$b_dir/ b_session=$b_pid ;; esac
  # BusyBox's grep sees nothing behind a NUL without -z, which in turn an old one may not have.
  b_marked=$({ grep -lzF "BELAY_COMMAND=$b_mark" /proc/[0-9]*/environ || grep -lF "BELAY_COMMAND=$b_mark" /proc/[0-9]*/environ; } 2>/dev/null |
    tr -dc '0-9\\n' | tr '\\n' ' ')
  b_tries=0
  while :; do
    b_living=$(grep -H '' /proc/[0-9]*/stat 2>/dev/null |
      awk -v session="\${b_session:-none}" -v wrapper="$b_pid" -v me="$$" -v known="$b_known" -v marked="$b_marked" "$b_select")
    # Its own shell is among what a whole scan has seen; a scan that failed must not pass for one that found nothing.
    case $b_living in *' whole') b_living=\${b_living%whole}; b_living=\${b_living% }; return 0 ;; esac
    b_tries=$((b_tries + 1))
    [ $b_tries -lt 20 ] || { b_refuse TOOL_MISSING 'the processes of the host cannot be listed (grep and awk over /proc)'; return 1; }
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
    for (pid in mine) if (pid != wrapper) printf "%s:%s ", pid, start[pid]
    if (me in text) printf " whole"
  }'
`;
