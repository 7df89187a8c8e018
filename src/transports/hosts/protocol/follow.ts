/** The shell functions that tell how a command is, stop it and forget it. */

/** The most that one frame of a reply announces, so that it can be held in memory before it is handed on. */
export const frameBytesMax = 1024 * 1024;

/**
 * How a command is, is read before the sizes of its output, so that an end is only told after all that was printed
 * before it. The caller gives `b_head` (announces bytes of a stream), `b_torn` (bytes that were announced may be missing),
 * `b_lock` and `b_unlock`.
 */
export const lookFunctions = `
# A script whose child was stopped may end well before it is told itself; that is no success.
b_end() {
  if [ "$b_code" = 0 ] && [ -e "$b_dir/stopped" ]; then b_now='vanished stopped'; else b_now="exited $b_code"; fi
}
b_state() {
  b_exited && { b_end; return; }
  [ "$b_its_boot" = "$b_boot" ] || { b_now='vanished rebooted'; return; }
  b_alive && { b_now='running -'; return; }
  b_exited && { b_end; return; }
  b_known=
  b_scan || { b_now='running -'; return; }
  [ -z "$b_living" ] || { b_now='running -'; return; }
  if [ -e "$b_dir/stopped" ]; then b_now='vanished stopped'; else b_now='vanished killed'; fi
}
b_sizes() {
  b_size_err=0 b_size_out=0
  if [ -s "$1" ] || [ -s "$2" ]; then
    b_line=$(ls -ln "$1" "$2" 2>/dev/null)
    set -- $b_line
    [ $# -ne 18 ] || b_size_err=$5 b_size_out=\${14}
  fi
}
# Sends a part of one stream: its letter, its file, where to begin, its size, where it is cut. Sets b_sent.
b_send() {
  b_sent=$(($4 - $3))
  [ $b_sent -le $(($5 - $3)) ] || b_sent=$(($5 - $3))
  [ $b_sent -le $b_budget ] || b_sent=$b_budget
  [ $b_sent -gt 0 ] || { b_sent=0; return 0; }
  # Opened before anything is announced: what is deleted meanwhile is read all the same.
  {
    b_head "$1" "$b_sent"
    dd bs=65536 iflag=skip_bytes,count_bytes skip="$3" count="$b_sent" 2>/dev/null >&3 || b_torn
  } 2>/dev/null <"$2" || b_sent=0
  b_budget=$((b_budget - b_sent))
}
# Sends what both files have from two offsets on, so many bytes of it at most.
b_output() {
  b_sent_out=0 b_sent_err=0 b_budget=$5
  [ "$b_size_out" -gt "$3" ] || [ "$b_size_err" -gt "$4" ] || return 0
  b_lock
  b_send o "$2" "$3" "$b_size_out" "$6"
  b_sent_out=$b_sent
  b_send e "$1" "$4" "$b_size_err" "$6"
  b_sent_err=$b_sent
  b_unlock
}
# FROM_OUT FROM_ERR BYTES UPTO: sets b_now, and sends.
b_look() {
  b_size_out=0 b_size_err=0 b_sent_out=0 b_sent_err=0
  b_claimed || { b_now='absent -'; return; }
  [ "$b_pid" != void ] || { b_now='vanished closed'; return; }
  b_state
  b_sizes "$b_dir/stderr" "$b_dir/stdout"
  b_output "$b_dir/stderr" "$b_dir/stdout" "$1" "$2" "$3" "$4"
}
b_tell() { b_say "$1 $b_now $b_size_out $b_size_err $b_sent_out $b_sent_err"; }
`;

/** TERM to each process once, KILL to all after five seconds. What waits for the script is left to record how it ended. */
export const stopFunctions = `
b_void() {
  [ -d "$b_dir" ] || mkdir "$b_dir" 2>/dev/null
  set -C
  printf '' 2>/dev/null >"$b_dir/begun"
  b_won=$?
  set +C
  [ $b_won = 0 ] || return 1
  printf 'void\\n' 2>/dev/null >"$b_dir/begun" && [ -s "$b_dir/begun" ] || { rm -f "$b_dir/begun"; return 1; }
  b_sync "$b_dir/begun" "$b_dir" .
}
b_stop() {
  [ -n "$b_root" ] || { b_refuse STATE_UNUSABLE "$b_shut"; return; }
  [ -e "$b_dir/begun" ] || { b_void && { b_say stopped; return; }; }
  b_claimed || { b_full; return; }
  if [ "$b_pid" = void ] || [ "$b_its_boot" != "$b_boot" ]; then b_say stopped; return; fi
  if b_exited && ! [ -e "$b_dir/stopped" ]; then b_say stopped; return; fi
  printf '' 2>/dev/null >"$b_dir/stopped"
  b_known= b_told=' ' b_ticks=0
  while :; do
    b_scan || return
    b_known="$b_known $b_living"
    if [ -z "$b_living" ]; then
      if b_exited || ! b_alive; then b_say stopped; return; fi
    fi
    for b_one in $b_living; do
      if [ $b_ticks -ge 50 ]; then kill -s KILL "\${b_one%%:*}" 2>/dev/null; continue; fi
      case $b_told in *" $b_one "*) continue ;; esac
      b_told="$b_told$b_one "
      kill -s TERM "\${b_one%%:*}" 2>/dev/null
      kill -s CONT "\${b_one%%:*}" 2>/dev/null
    done
    if [ $b_ticks -ge 150 ]; then
      b_names=
      for b_one in $b_living $b_pid; do
        b_name=
        { IFS= read -r b_name <"/proc/\${b_one%%:*}/comm"; } 2>/dev/null
        b_names="$b_names, \${b_one%%:*} ($b_name)"
      done
      b_say "alive \${b_names#, }"
      return
    fi
    b_ticks=$((b_ticks + 1))
    b_sleep 0.1
  done
}
`;

/** Forgets the tokens that do not run, and says who does. */
export const forgetFunctions = `
b_forget() {
  b_alive_pids=
  for b_each in "$@"; do
    shift
    b_place "$b_each"
    [ -e "$b_dir" ] || continue
    if b_begun && [ "$b_pid" != void ] && ! b_exited && [ "$b_its_boot" = "$b_boot" ] && b_alive; then
      b_alive_pids="$b_alive_pids $b_pid"
      continue
    fi
    set -- "$@" "$b_dir"
  done
  [ $# = 0 ] || rm -rf -- "$@"
  if [ -n "$b_alive_pids" ]; then b_say "alive$b_alive_pids"; else b_say forgotten; fi
}
`;
