/**
 * Many probes of one host in one reading script. Each probe runs in a subshell of its own, and what it says travels in
 * lines that begin with a nonce and the probe's number. A tool's stray output, a file's content or a probe that breaks
 * off has no nonce, so none of it can pass for what another probe said. A probe that does not end is left behind after its
 * time, and the others go on.
 */
import { parseFields, refusal, type Fields } from '../scripts/fields.ts';
import { namedScript } from '../scripts/prelude.ts';
import type { CommandResult, HostScript } from '../../transports/host.ts';

export interface Probe {
  /** Names its shell function: [a-z_]+. Probes of one kind share one body. */
  readonly kind: string;
  /** POSIX sh: what runs with the arguments as `$1` … It says what it sees with `say KEY VALUE` or `lines KEY`, no with `no CODE TEXT`, and `needs TOOL` of what it cannot see without. */
  readonly body: string;
  readonly args: readonly string[];
}

export type ProbeAnswer =
  | { readonly kind: 'said'; readonly fields: Fields }
  /** Nothing of what it said counts. */
  | { readonly kind: 'trouble'; readonly code: string; readonly reason: string };

/** How many probes one script holds. */
export const probesMax = 40;
/** How long one probe may take, in seconds, before it is left behind; after the first such one the others get less. */
const probeSeconds = 15;
const laterProbeSeconds = 5;
const linesMax = 200;
const lineCharactersMax = 400;
const valueCharactersMax = 8_192;
const probeBytesMax = 64 * 1024;

const runner = `nonce=$BELAY_NONCE
unset BELAY_NONCE
nl='
'
n=
say() {
  [ \${#2} -le ${valueCharactersMax} ] || set -- "$1" "$(printf %s "$2" | head -c ${valueCharactersMax})"
  case $2 in *"$nl"*) set -- "$1" "$(in_words "$2")" ;; esac
  printf '%s %s : %s=%s\\n' "$nonce" "$n" "$1" "$2" >&3
}
no() { say failed "$*"; exit 1; }
# needs TOOL …: without them nothing would be seen, which must not pass for nothing being there.
needs() { for tool in "$@"; do command -v "$tool" >/dev/null || no TOOL_MISSING "$tool is not installed"; done; }
fail() { no "$@"; }
# lines KEY: standard input, bounded; KEY-more says that there was more.
lines() {
  count=0
  while IFS= read -r line || [ -n "$line" ]; do
    count=$((count + 1))
    [ $count -le ${linesMax} ] || { say "$1-more" yes; return 0; }
    [ \${#line} -le ${lineCharactersMax} ] || { say "$1-more" yes; return 0; }
    say "$1" "$line"
  done
}
late=
trap 'late=yes' USR1
watch() {
  ( exec 3>&-; sleep "$1" & s=$!; trap 'kill $s; exit 0' TERM; wait $s; kill -USR1 $$ ) >/dev/null 2>&1 </dev/null &
  dog=$!
}
run() {
  n=$1
  shift
  printf '%s %s begin\\n' "$nonce" "$n" >&3
  ( trap - USR1; "$@" ) >/dev/null 2>&1 </dev/null &
  pid=$!
  wait $pid
  rc=$?
  while [ -z "$late" ] && [ $rc -gt 128 ] && kill -0 $pid 2>/dev/null; do wait $pid; rc=$?; done
  if [ -n "$late" ] && kill -0 $pid 2>/dev/null; then
    for one in $(cat /proc/$pid/task/$pid/children 2>/dev/null); do kill -9 "$one" 2>/dev/null; done
    kill -9 $pid 2>/dev/null
    rc=late
    late=
    watch ${laterProbeSeconds}
  fi
  printf '%s %s end %s\\n' "$nonce" "$n" "$rc" >&3
}
`;

/** How long the whole may take, in ms. */
export function probeTimeoutMs(probes: readonly Probe[]): number {
  return (probeSeconds + 10 + Math.min(probes.length, 6) * laterProbeSeconds) * 1_000;
}

/**
 * `nonce`: at least 128 bits that the host cannot guess, as hex digits. At most `probesMax` probes. `seconds`: how long the first that
 * does not end is waited for.
 */
export function composeProbes(probes: readonly Probe[], nonce: string, seconds = probeSeconds): HostScript {
  const bodies = new Map(probes.map(({ kind, body }) => [kind, body]));
  const functions = [...bodies].map(([kind, body]) => `probe_${kind}() {\n${body.trim()}\n}\n`).join('');
  let next = 0;
  const calls = probes.map(({ kind, args }, index) => {
    const given = args.map(() => ` "\${${(next += 1)}}"`).join('');
    return `run ${index} probe_${kind}${given}\n`;
  });
  const text = `${runner}${functions}watch ${seconds}\n${calls.join('')}kill $dog 2>/dev/null\nexit 0\n`;
  const script = namedScript('check/probes', text)(probes.flatMap(({ args }) => args));
  return { ...script, env: { BELAY_NONCE: nonce } };
}

/** One answer for each probe, in their order, whatever the host printed. */
export function readProbes(result: CommandResult, nonce: string, count: number): ProbeAnswer[] {
  const frames = Array.from({ length: count }, (): Frame => ({ begun: 0, lines: [], bytes: 0, ends: [] }));
  for (const line of result.stdout.split('\n')) {
    if (!line.startsWith(`${nonce} `)) continue;
    const [, number = '', rest = ''] = /^\S+ (\d{1,4}) (.*)$/s.exec(line) ?? [];
    const frame = number === '' ? undefined : frames[Number(number)];
    if (frame === undefined) continue;
    if (rest === 'begin') frame.begun += 1;
    else if (rest.startsWith('end ')) frame.ends.push(rest.slice('end '.length));
    else if (rest.startsWith(': ') && frame.begun === 1 && frame.ends.length === 0) {
      frame.bytes += rest.length;
      frame.lines.push(rest.slice(2));
    } else frame.begun = Infinity;
  }
  return frames.map((frame) => answerOf(frame, result));
}

interface Frame {
  begun: number;
  readonly lines: string[];
  bytes: number;
  readonly ends: string[];
}

function answerOf({ begun, lines, bytes, ends }: Frame, { exitCode, stderr }: CommandResult): ProbeAnswer {
  const [end] = ends;
  if (begun === 0) {
    const said = stderr.trim().split('\n').at(-1)?.slice(0, 200) ?? '';
    return trouble(
      'HALF_ANSWER',
      `the host ended before it came to this (exit code ${exitCode})${said === '' ? '' : `: ${said}`}`,
    );
  }
  if (begun !== 1 || ends.length > 1) return trouble('BAD_REPLY', 'the host answered this twice');
  if (end === undefined) return trouble('HALF_ANSWER', 'the host broke off in the middle of this');
  if (end === 'late') return trouble('TIMED_OUT', 'it did not end in time on the host');
  if (bytes > probeBytesMax)
    return trouble('OUTPUT_TOO_LARGE', `it printed more than ${probeBytesMax} bytes`);
  const fields = parseFields(lines.join('\n'));
  const said = refusal(fields);
  if (said !== undefined) return trouble(said.code, said.text);
  if (end !== '0')
    return trouble('PROBE_FAILED', `its script ended with ${/^\d{1,3}$/.test(end) ? end : 'nonsense'}`);
  if (lines.some((line) => !/^[A-Za-z][A-Za-z0-9-]*=/.test(line)))
    return trouble('BAD_REPLY', 'it answered with something that is not a field');
  return { kind: 'said', fields };
}

function trouble(code: string, reason: string): ProbeAnswer {
  return { kind: 'trouble', code, reason };
}
