/** Polling, stopping and forgetting a command that was started under a token. */
import type { OutputOffsets } from '../../host.ts';
import { prelude } from './prelude.ts';
import type { HostShell } from './shell.ts';
import { block } from './shell.ts';

/** The most that one frame of a reply announces. */
const frameBytesMax = 4 * 1024 * 1024;

/**
 * Sends what is new, then waits for more or for the end. How the command stands is read before the sizes of its
 * output, so that an end is only told after all that was printed before it.
 */
const poll = `
# A script whose child was stopped may end well before it is told itself; that is no success.
b_end() {
  if [ "$b_code" = 0 ] && [ -e "$b_dir/stopped" ]; then b_now='vanished stopped'; else b_now="exited $b_code"; fi
}
b_state() {
  b_exited && { b_end; return; }
  [ "$b_its_boot" = "$b_boot" ] || { b_now='vanished rebooted'; return; }
  b_alive && { b_now=running; return; }
  b_exited && { b_end; return; }
  b_scan
  [ -n "$b_living" ] && { b_now=running; return; }
  if [ -e "$b_dir/stopped" ]; then b_now='vanished stopped'; else b_now='vanished killed'; fi
}
# Sends a part of one stream: its letter, its file, where to begin, its size. Sets b_sent.
b_send() {
  b_sent=0
  [ "$4" -gt "$3" ] && [ "$3" -lt "$b_upto" ] || return 0
  b_sent=$(($4 - $3))
  [ $b_sent -le $b_frame ] || b_sent=$b_frame
  [ $b_sent -le $((b_upto - $3)) ] || b_sent=$((b_upto - $3))
  [ $b_sent -le $b_budget ] || b_sent=$b_budget
  [ $b_sent -gt 0 ] || return 0
  printf '%s %s\\n' "$1" "$b_sent"
  dd if="$b_dir/$2" bs=65536 iflag=skip_bytes,count_bytes skip="$3" count="$b_sent" 2>/dev/null
  b_budget=$((b_budget - b_sent))
}
b_poll() {
  b_begun || { b_say absent; return; }
  [ "$b_pid" != void ] || { b_say vanished closed; return; }
  b_boot_id
  b_waited=0 b_pause=2 b_beat=0
  while :; do
    b_state
    set -- $(ls -ln "$b_dir/stderr" "$b_dir/stdout" 2>/dev/null)
    if [ $# -eq 18 ]; then b_size_err=$5 b_size_out=\${14}; else b_size_err=0 b_size_out=0; fi
    b_send o stdout "$b_out" "$b_size_out"
    b_out=$((b_out + b_sent)) b_all=$b_sent
    b_send e stderr "$b_err" "$b_size_err"
    b_err=$((b_err + b_sent)) b_all=$((b_all + b_sent))
    b_left=no
    [ "$b_size_out" -le "$b_out" ] || [ "$b_out" -ge "$b_upto" ] || b_left=yes
    [ "$b_size_err" -le "$b_err" ] || [ "$b_err" -ge "$b_upto" ] || b_left=yes
    if [ $b_left = yes ]; then
      [ $b_budget -gt 0 ] && continue
      printf 's %s %s\\n' "$b_size_out" "$b_size_err"
      b_say running
      return
    fi
    if [ "$b_now" != running ] || [ $b_waited -ge $b_wait ]; then
      printf 's %s %s\\n' "$b_size_out" "$b_size_err"
      b_say "$b_now"
      return
    fi
    [ $b_all -eq 0 ] || { b_pause=2 b_beat=0; }
    [ $b_beat -lt 100 ] || { echo .; b_beat=0; }
    if [ $b_pause -lt 10 ]; then b_sleep 0.0$b_pause; else b_sleep 0.$b_pause; fi
    b_waited=$((b_waited + b_pause)) b_beat=$((b_beat + b_pause))
    b_pause=$((b_pause * 2)); [ $b_pause -le 25 ] || b_pause=25
  done
}
`;

/**
 * TERM to each process once, KILL to all after five seconds. The wrapper is left to record how the script ended, and
 * is killed only if it outlives the others by two seconds.
 */
const stop = `
b_void() {
  mkdir "$b_dir" 2>/dev/null
  echo void >"$b_dir/void.$$" && ln "$b_dir/void.$$" "$b_dir/begun" 2>/dev/null
  b_code=$?
  rm -f "$b_dir/void.$$"
  return $b_code
}
b_stop() {
  [ -e "$b_dir/begun" ] || { b_void && { b_say stopped; return; }; }
  b_begun || b_refuse STATE_UNUSABLE "cannot write to $b_dir (is the disk full?)"
  b_boot_id
  if [ "$b_pid" = void ] || [ "$b_its_boot" != "$b_boot" ]; then b_say stopped; return; fi
  if b_exited && ! [ -e "$b_dir/stopped" ]; then b_say stopped; return; fi
  : >"$b_dir/stopped"
  b_known= b_told=' ' b_ticks=0 b_alone=0
  while :; do
    b_scan
    b_known="$b_known $b_living"
    if [ -z "$b_living" ]; then
      b_alive || { b_say stopped; return; }
      b_alone=$((b_alone + 1))
      [ $b_alone -lt 20 ] || kill -s KILL "$b_pid" 2>/dev/null
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
        IFS= read -r b_name 2>/dev/null <"/proc/\${b_one%%:*}/comm"
        b_names="$b_names, \${b_one%%:*} ($b_name)"
      done
      b_say "alive \${b_names#, }"
      return
    fi
    [ $((b_ticks % 10)) -ne 9 ] || echo .
    b_ticks=$((b_ticks + 1))
    b_sleep 0.1
  done
}
`;

const forget = `
b_forget() {
  [ -e "$b_dir" ] || { b_say forgotten; return; }
  if b_begun && [ "$b_pid" != void ] && ! b_exited; then
    b_boot_id
    if [ "$b_its_boot" = "$b_boot" ] && b_alive; then b_say "alive $b_pid"; return; fi
  fi
  mv "$b_dir" "$b_dir.gone.$$" 2>/dev/null && rm -rf "$b_dir.gone.$$"
  b_say forgotten
}
`;

export interface PollLimits {
  readonly from: OutputOffsets;
  readonly waitMs: number;
  /** The most bytes of both streams together that one reply carries. */
  readonly bytesMax: number;
  /** Where each stream is cut: nothing from this offset on is sent. */
  readonly offsetMax: number;
}

/** The functions and settings of a poll, for programs that do more than polling. */
export function pollSettings(limits: PollLimits): string {
  const { from, waitMs, bytesMax, offsetMax } = limits;
  return `${poll}
b_out=${from.stdout} b_err=${from.stderr} b_wait=${Math.ceil(waitMs / 10)} b_frame=${frameBytesMax}
b_budget=${bytesMax} b_upto=${offsetMax}`;
}

export function pollRequest(shell: HostShell, folder: string, nonce: string, limits: PollLimits): Buffer {
  return request(shell, folder, nonce, `${pollSettings(limits)}\nb_poll`);
}

export function stopRequest(shell: HostShell, folder: string, nonce: string): Buffer {
  return request(shell, folder, nonce, `${stop}\nb_stop`);
}

export const forgetFunction = forget;

export function forgetRequest(shell: HostShell, folder: string, nonce: string): Buffer {
  return request(shell, folder, nonce, `${forget}\nb_forget`);
}

function request(shell: HostShell, folder: string, nonce: string, program: string): Buffer {
  return block(`${prelude(shell, folder)}\nprintf '%s\\n' ${nonce}\nb_open\n${program}`);
}
