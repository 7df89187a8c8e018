/**
 * What runs on a host for one connection: a shell that reads requests and answers them for as long as the connection
 * lives, and two workers that begin commands and wait for them.
 *
 *   A  what sshd or sudo started; it only waits, so that the session lasts
 *   M  leads a session of its own, so that nothing that ends the connection ends a command
 *   the keeper and the workers, parts of one pipeline in M: parts of a pipeline, unlike shells in the background, do not
 *      ignore SIGINT and SIGQUIT, and neither do the commands that they start
 *
 * Requests come as lines of shell text on standard input. Long ones, and such with bytes that a shell may read
 * differently, come as `b_block N` and N bytes after it. A line or a block that is cut off is never evaluated.
 *
 * What is said goes out on two streams. Each line on standard error begins with the nonce and the number of a request;
 * such lines are short, and a write of one is never torn. Bytes of output go to standard output in frames, each after
 * its header; several shells write there, so one at a time takes the lock, a line in a pipe.
 *
 * Descriptors: 3 output, 4 words, 5 the lock, 6 requests, 7 and 8 the workers' requests, 9 a worker has taken its block.
 */
import { commandFunctions } from './command.ts';
import { folderFunctions } from './folder.ts';
import { forgetFunctions, lookFunctions, stopFunctions } from './follow.ts';
import { processFunctions } from './processes.ts';
import { launchFunctions } from './launch.ts';
import { shellQuote } from './quote.ts';
import type { HostShell } from './shell.ts';
import { block } from './shell.ts';

/** How much output comes along with the news that a command has ended. */
export const pushedBytesMax = 64 * 1024;
export const workers = [7, 8] as const;

const talk = (nonce: string): string => `
b_nonce=${nonce} b_id=0 b_stage=
b_say() { printf '%s %s %s\\n' "$b_nonce" "$b_id" "$*" >&4; }
b_head() { printf '%s %s %s %s\\n' "$b_nonce" "$b_id" "$1" "$2" >&3; }
# Nobody can tell any more where the next frame begins.
b_torn() { printf '%s 0 gone\\n' "$b_nonce" >&4; }
b_lock() { IFS= read -r b_turn <&5; }
b_unlock() { echo >&5; }
b_offset_max=9007199254740991
# A shell that cannot start a process ends; what it says then needs none.
b_exhausted() { b_say refused NO_PROCESS 'it can start no further process (a limit on processes, or memory)'; }
b_ready=no
trap '[ $b_ready = yes ] || b_exhausted' EXIT
# Tells who started this shell that it lives.
printf up
`;

const worker = `
# ID FOLDER TOKEN: begins a command, waits for it and tells its end.
b_start() {
  b_id=$1 b_token=$3
  b_place "$2"
  if b_claim; then
    b_say begun
    b_wait
    b_stage=
    b_finish
    b_look 0 0 ${pushedBytesMax} $b_offset_max
    b_tell ended
  fi
  b_stage= b_id=0 b_text= b_input=
}
b_worker_block() {
  b_program=$(dd bs="$1" count=1 iflag=fullblock <&6 2>/dev/null)
  echo >&9
  [ "\${#b_program}" = "$1" ] && eval "$b_program"
  b_program=
}
b_dying() {
  [ "$b_id" != 0 ] || return
  [ "$b_stage" != claimed ] || printf 'void\\n' >"$b_dir/begun"
  b_exhausted
}
b_worker() {
  exec >/dev/null 2>&1
  b_self
  trap b_dying EXIT
  while IFS= read -r b_line; do
    [ "$b_line" != b_leave ] || break
    jobs >/dev/null
    eval "$b_line"
  done
}
# The second worker reads from a pipe that the keeper alone can write to: it ends with the keeper, however that ends.
b_last_worker() {
  b_worker
  echo b_leave >&7
  b_id=0
  b_say gone
}
`;

/** Reading scripts: in the background, their output in files of a folder in memory. */
const reader = `
b_read_run() (
  trap - PIPE
  exec >"$b_slot.o" 2>"$b_slot.e" 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
  IFS=' ' read -r b_line b_rest </proc/self/stat
  printf '%s\\n' "$b_line" >"$b_slot.s"
  umask 022
  cd "$HOME" 2>/dev/null || cd /
  b_go
)
b_reading() {
  b_slot=$b_run/$b_id b_told=no
  trap '[ $b_told = yes ] || b_exhausted' EXIT
  { printf '' >"$b_slot.o" && printf '' >"$b_slot.e" && printf '' >"$b_slot.s" &&
    { [ -z "$b_script" ] || printf %s "$b_script" >"$b_slot.t"; }; } 2>/dev/null || { b_no_room; return; }
  if [ -n "$b_input" ]; then
    printf %s "$b_input" | base64 -d | b_read_run
  else
    b_read_run </dev/null
  fi
  b_code=$?
  printf '' >"$b_slot.s"
  b_sizes "$b_slot.e" "$b_slot.o"
  # Where there is no room now, there may have been none for what the script had to say.
  printf '%4096s' '' 2>/dev/null >"$b_slot.w" || { b_no_room; return; }
  b_now="exited $b_code"
  b_output "$b_slot.e" "$b_slot.o" 0 0 $((b_read_max * 2)) $b_read_max
  b_told=yes
  b_tell read
}
b_no_room() { b_told=yes; b_refuse STATE_UNUSABLE "$b_run has no room for the output of a script"; }
b_read() {
  b_id=$1
  b_make_run 'what a script prints' || return
  ( b_reading ) </dev/null >/dev/null &
}
# How much a reading script has printed so far.
b_measure() {
  b_id=$2
  b_sizes "$b_run/$1.e" "$b_run/$1.o"
  b_say "measured $b_size_out $b_size_err"
}
b_quit() {
  b_leader=
  { IFS= read -r b_leader <"$1"; } 2>/dev/null
  [ -z "$b_leader" ] || kill -s "$2" -- "-$b_leader" 2>/dev/null
}
# Ends a reading script, however it takes that.
b_end_read() {
  b_quit "$b_run/$1.s" TERM
  ( b_sleep 2; b_quit "$b_run/$1.s" KILL ) </dev/null >/dev/null 2>&1 &
}
b_sweep() { for b_each in "$@"; do shift; set -- "$@" "$b_run/$b_each.o" "$b_run/$b_each.e" "$b_run/$b_each.s" "$b_run/$b_each.t" "$b_run/$b_each.w"; done; rm -f -- "$@"; }
`;

const keeper = `
# The line, or the block of so many bytes, that follows is a worker's.
b_pass() { IFS= read -r b_line && printf '%s\\n' "$b_line" >&$1; }
b_pass_block() { printf 'b_worker_block %s\\n' "$2" >&$1; IFS= read -r b_turn <&9; }
b_detach() {
  b_id=$1
  b_launch
  b_say "$b_answer"
}
b_keeper() {
  exec <&6 8>&1 >/dev/null 2>&1
  b_left=no
  trap 'b_id=0; [ $b_left = yes ] || b_say dying' EXIT
  while IFS= read -r b_line; do
    jobs >/dev/null
    eval "$b_line"
  done
  b_left=yes
  b_leader_seen=
  [ $b_has_run = yes ] || return 0
  for b_each in "$b_run"/*.s; do b_quit "$b_each" TERM; b_leader_seen=$b_leader_seen$b_leader; done
  [ -n "$b_leader_seen" ] || return 0
  sleep 1
  for b_each in "$b_run"/*.s; do b_quit "$b_each" KILL; done
}
b_block() {
  b_program=$(dd bs="$1" count=1 iflag=fullblock 2>/dev/null)
  [ "\${#b_program}" = "$1" ] && eval "$b_program"
  b_program=
}
`;

/**
 * How M opens, once all functions are there. In many shells a here-document is a pipe, which costs the host no process; it is
 * opened anew to be written to as well. Where it is none, pipes with names are made in the folder.
 */
const open = `
# The folder of what reading scripts print: in memory where that can be, and made when the first one comes.
b_run=/dev/shm/$b_nonce b_has_run=no
b_make_run() {
  [ $b_has_run = no ] || return 0
  for b_each in /dev/shm /run "$b_root"; do
    [ -n "$b_each" ] && mkdir -m 700 "$b_each/$b_nonce" 2>/dev/null && b_run=$b_each/$b_nonce b_has_run=yes && return 0
  done
  b_refuse STATE_UNUSABLE "no folder for $1 can be made in /dev/shm, /run or its own folder"
  return 1
}
b_session=\${BELAY_SESSION-}; unset BELAY_SESSION
b_setsid=$(command -v setsid)
b_open
[ -n "$b_root" ] || cd /
if { [ -p /proc/self/fd/5 ] && true 7<>/proc/self/fd/5; } 2>/dev/null 5<<b_line
pipe
b_line
then
  exec 5<<b_line 7<<b_line 9<<b_line
turn
b_line
none
b_line
none
b_line
  exec 5<>/proc/self/fd/5 7<>/proc/self/fd/7 9<>/proc/self/fd/9
  IFS= read -r b_turn <&7
  IFS= read -r b_turn <&9
else
  b_make_run 'named pipes' || { b_ready=yes; exit 0; }
  mkfifo "$b_run/lock" "$b_run/first" "$b_run/taken" 2>/dev/null || {
    b_ready=yes
    b_refuse STATE_UNUSABLE "no named pipes can be made in $b_run"
    exit 0
  }
  exec 5<>"$b_run/lock" 7<>"$b_run/first" 9<>"$b_run/taken"
  echo >&5
fi
trap '' PIPE
printf '%s\\n' "$b_nonce" >&3
b_ready=yes
b_say "ready $b_uid $b_boot \${b_root:-none}"
b_worker <&7 | b_keeper | b_last_worker
for b_each in /dev/shm /run "$b_root"; do
  [ -z "$b_each" ] || ! [ -O "$b_each/$b_nonce" ] || rm -rf "$b_each/$b_nonce"
done
`;

/** What goes to standard input first: A's program, and M's behind it. `readMax` is how much of each stream a reading script may print. */
export function openingRequest(shell: HostShell, nonce: string, readMax: number): Buffer {
  const first = `b_sh=${shellQuote(shell.sh)}
exec 3>&1 4>&2 6<&0
command -v setsid >/dev/null || { printf '%s\\n' '${nonce} 0 refused TOOL_MISSING setsid (of util-linux) is missing' >&4; exit 0; }
${launchFunctions}
# M leaves the processes of the login behind; this is where a script finds them again.
BELAY_SESSION=$$; export BELAY_SESSION
b_launch
case $b_answer in refused*) printf '%s\\n' '${nonce} 0 refused NO_PROCESS it can start no process (a limit on processes, or memory)' >&4 ;; esac
exit 0`;
  const main = [
    talk(nonce),
    folderFunctions(shell),
    `b_read_max=${readMax}`,
    processFunctions,
    commandFunctions,
    lookFunctions,
    stopFunctions,
    forgetFunctions,
    launchFunctions,
    worker,
    reader,
    keeper,
    open,
  ].join('\n');
  return Buffer.concat([block(first), block(main)]);
}
