/**
 * Processes that run a program or a library whose file is no longer in its place: what an undo takes away goes on running in
 * whoever has begun meanwhile. The kernel tells: it writes "(deleted)" behind the name of a mapped file. A process that did so
 * before the undo runs what was there before the step, and is none of them. Scripts that an interpreter has read are not seen.
 */
import { namedScript } from './prelude.ts';

/**
 *     code_gone PATH       "PID FILE" of each process and file of code that it runs and that is no longer there: PATH, or with
 *                          an empty one any below the folders of programs
 *     remember_code PATH   before something is taken away
 *     tell_outdated PATH   afterwards: outdated=PID BEGAN UNIT NAME FILE of whoever has come to run such a file
 */
export const outdatedText = `
code_gone() {
  grep -H ' (deleted)$' /proc/[0-9]*/maps 2>/dev/null | BELAY_FILE=$1 awk '
    {
      pid = $1; sub(/^\\/proc\\//, "", pid); sub(/\\/.*/, "", pid)
      file = $0; sub(/^[^ ]+ +[^ ]+ +[^ ]+ +[^ ]+ +[0-9]+ +/, "", file); sub(/ \\(deleted\\)$/, "", file)
      if (ENVIRON["BELAY_FILE"] != "") { if (file != ENVIRON["BELAY_FILE"]) next }
      else if ($2 !~ /x/ || file !~ /^\\/(usr|bin|sbin|lib|lib32|lib64|opt|srv)\\//) next
      if (!seen[pid, file]++) print pid, file
    }'
}
# stat_of PID: sets began (in clock ticks) and session.
stat_of() {
  one_stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  set -- \${one_stat##*) }
  session=\${4:-} began=\${20:-}
  [ -n "$began" ]
}
# our_own: what carries this script: its own session and the one around it, and all that it descends from.
our_own() {
  own_pid=$$ own_pids=' ' own_sessions=' '
  while [ "\${own_pid:-0}" -gt 1 ]; do
    stat_of "$own_pid" || break
    # The daemon at the top is nobody's connection.
    up=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$own_pid/status" 2>/dev/null)
    [ "$own_pids" != ' ' ] && [ "\${up:-1}" -le 1 ] && break
    case $own_sessions in ' ') own_sessions=" $session " ;; *" $session "*) ;; *' '*' '*' ') ;; *) own_sessions="$own_sessions$session " ;; esac
    own_pids="$own_pids$own_pid "
    own_pid=$up
  done
}
tell_process() {
  stat_of "$1" || return 0
  case $own_pids in *" $1 "*) return 0 ;; esac
  case $own_sessions in *" $session "*) return 0 ;; esac
  unit=$(sed -nE 's,.*/([^/]*\\.(service|scope))(/.*)?$,\\1,p' "/proc/$1/cgroup" 2>/dev/null | head -n 1)
  name=$(tr ' \\n' '__' <"/proc/$1/comm" 2>/dev/null) name=\${name%_}
  say outdated "$1 $began \${unit:--} \${name:--} $2"
}
remember_code() { code_before=$(code_gone "$1"); }
tell_outdated() {
  our_own
  printf '%s\\n--\\n%s\\n' "$code_before" "$(code_gone "$1")" | awk '
    $0 == "--" { isNow = 1; next }
    !isNow { before[$0] = 1; next }
    $0 != "" && !($0 in before) && !told[$1]++' | head -n 50 | while read -r pid file; do tell_process "$pid" "$file"; done
}
`;

/** Which of these processes still run the file that is no longer there. */
export const lookForOutdated = namedScript(
  'processes/outdated',
  `${outdatedText}
own_pids= own_sessions=
while [ $# -gt 2 ]; do
  if stat_of "$1" && [ "$began" = "$2" ] && grep -qF -- " $3 (deleted)" "/proc/$1/maps" 2>/dev/null; then tell_process "$1" "$3"; fi
  shift 3
done
`,
);
