/**
 * Running a reading script to its end over one connection. Its output comes raw on both streams; what login files or
 * sudo print before it is cut off by a nonce, and a last line with the nonce and the exit code tells an answer from
 * a connection that died.
 *
 * The script lives no longer than the connection: when the connection's standard input closes (the caller gave up, or
 * is gone) or the time is up, its process group is stopped.
 */
import type { HostScript } from '../../host.ts';
import { prelude } from './prelude.ts';
import { shellExports, shellQuote, shellWords } from './quote.ts';
import { interpreterWords, workingDirectory } from './start.ts';
import type { HostShell } from './shell.ts';
import { block } from './shell.ts';

/** Longer texts do not fit into one argument of a process (Linux: 128 KiB) and go through a file, as `#!` scripts do. */
const argumentBytesMax = 100_000;

function scriptFile(text: string): string {
  return `
b_open
mkdir "$b_dir" 2>/dev/null && printf %s ${shellQuote(text)} 2>/dev/null >"$b_dir/script" ||
  { rm -rf "$b_dir"; b_refuse STATE_UNUSABLE "cannot write to $b_dir (is the disk full?)"; }
trap 'rm -rf "$b_dir"' EXIT
trap 'exit 1' HUP INT TERM PIPE
`;
}

function run(script: HostScript, needsFile: boolean): string {
  const words = needsFile
    ? `${interpreterWords(script.text)} "$b_dir/script"`
    : `"$b_sh" -c ${shellQuote(script.text)} "$b_sh"`;
  return `
b_run() {
  exec 3<&-
  umask 022
  cd "$HOME" 2>/dev/null || cd /
  ${workingDirectory(script)}
  set -- ${words} ${shellWords(script.args ?? [])}
  unset LC_ALL OLDPWD
  LANG=C.UTF-8
  export LANG
  ${shellExports(script.env ?? {})}
  exec setsid "$@"
}
`;
}

function launch(stdin: Uint8Array | undefined): string {
  if (stdin === undefined || stdin.byteLength === 0) return 'b_run </dev/null &';
  return `b_input=${shellQuote(Buffer.from(stdin).toString('base64'))}
printf %s "$b_input" | base64 -d | b_run &`;
}

/** The two watchers end with the script: neither leaves a process behind. */
const watch = `
b_run_pid=$!
b_end() { kill -s TERM -- "-$b_run_pid"; sleep 2; kill -s KILL -- "-$b_run_pid"; }
(IFS= read -r b_line <&3; b_end) >/dev/null 2>&1 &
b_watchers=$!
(trap 'kill $b_nap; exit' TERM; sleep $b_limit & b_nap=$!; wait $b_nap && b_end) >/dev/null 2>&1 &
b_watchers="$b_watchers $!"
wait $b_run_pid
b_code=$?
kill $b_watchers 2>/dev/null
`;

/** What goes to standard input for a read. The input must stay open until the last line has come. */
export function readRequest(
  shell: HostShell,
  nonce: string,
  script: HostScript,
  limits: { readonly timeoutMs: number },
): Buffer {
  const needsFile = script.text.startsWith('#!') || Buffer.byteLength(script.text) > argumentBytesMax;
  return block(`${prelude(shell, `read.${nonce}`)}
printf '%s\\n' ${nonce}
printf '%s\\n' ${nonce} >&2
b_say() { printf '\\n%s %s\\n' ${nonce} "$*" >&2; }
command -v setsid >/dev/null || b_refuse TOOL_MISSING 'setsid (of util-linux) is missing'
${needsFile ? scriptFile(script.text) : ''}
${run(script, needsFile)}
b_limit=${Math.ceil(limits.timeoutMs / 1000) + 5}
exec 3<&0
${launch(script.stdin)}
${watch}
${needsFile ? 'rm -rf "$b_dir"' : ''}
b_say exited $b_code
exit 0`);
}
