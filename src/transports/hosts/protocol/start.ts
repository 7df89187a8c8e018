/**
 * Starting a command detached under its token.
 *
 * The program that the connection runs only launches the wrapper in a session of its own and passes its answer on.
 * The wrapper reads everything it needs from the connection into memory, writes who it is, and claims the token by
 * link(2): of any number of wrappers, one wins, and a token is either unclaimed or claimed by a recorded process.
 * Until then nothing has run; after it the connection may die.
 */
import type { HostScript } from '../../host.ts';
import { prelude } from './prelude.ts';
import { shellExports, shellQuote, shellWords } from './quote.ts';
import type { HostShell } from './shell.ts';
import { block, readBlock } from './shell.ts';

/**
 * `setsid -f` is preferred to `&`, which would make the script ignore SIGINT and SIGQUIT for good.
 * The answer is read from a pipe that the wrapper closes once it has claimed the token.
 */
const launch = `
b_start() {
  [ -e "$b_dir/begun" ] && { b_answer=already; return; }
  command -v setsid >/dev/null || b_refuse TOOL_MISSING 'setsid (of util-linux) is missing'
  exec 3<&0
  if setsid -f true 2>/dev/null; then
    b_answer=$(exec setsid -f "$b_sh" -c "$b_reader" <&3 3<&- 2>/dev/null)
  else
    b_answer=$(setsid "$b_sh" -c "$b_reader" <&3 3<&- 2>/dev/null &)
  fi
  exec 3<&-
  case $b_answer in
    begun | already) ;;
    refused*) b_refuse \${b_answer#refused } ;;
    *) b_refuse STATE_UNUSABLE 'the wrapper of the command could not be started' ;;
  esac
}
`;

const wrapper = `
b_fail() { rm -f "$b_dir/script.$$" "$b_dir/claim.$$"; b_say() { printf '%s\\n' "$*"; }; b_refuse STATE_UNUSABLE "$@"; }
b_open
mkdir "$b_dir" 2>/dev/null
{ b_started $$ && b_boot_id; } || b_fail '/proc cannot be read'
printf %s "$b_script" 2>/dev/null >"$b_dir/script.$$" || b_fail "cannot write to $b_dir (is the disk full?)"
printf '%s %s %s\\n' $$ "$b_time" "$b_boot" 2>/dev/null >"$b_dir/claim.$$" || b_fail "cannot write to $b_dir (is the disk full?)"
[ -s "$b_dir/claim.$$" ] || b_fail "cannot write to $b_dir (is the disk full?)"
if ! ln "$b_dir/claim.$$" "$b_dir/begun" 2>/dev/null; then
  [ -e "$b_dir/begun" ] || b_fail "cannot link a file in $b_dir"
  rm -f "$b_dir/script.$$" "$b_dir/claim.$$"
  echo already
  exit 0
fi
rm -f "$b_dir/claim.$$"
mv -f "$b_dir/script.$$" "$b_dir/script"
: >"$b_dir/stdout" 2>"$b_dir/stderr"
: >"$b_dir/exit"
# The claim must outlive a power cut: a token that was forgotten would be begun again.
sync "$b_dir/begun" "$b_dir/script" "$b_dir" "$b_root" 2>/dev/null || sync
# In a subshell, so that a connection that is already gone cannot end the wrapper by SIGPIPE.
(echo begun) 2>/dev/null
exec </dev/null >/dev/null 2>&1
`;

/** Runs in a subshell of its own, which becomes the interpreter; only its exec is left to do after the exports. */
function runScript(token: string, script: HostScript): string {
  return `
b_run() (
  # Here, not at the call: the wrapper's own shell would print "Killed" into the script's output.
  exec >"$b_dir/stdout" 2>"$b_dir/stderr"
  umask 022
  cd "$HOME" 2>/dev/null || cd /
  ${workingDirectory(script)}
  set -- ${interpreterWords(script.text)} "$b_dir/script" ${shellWords(script.args ?? [])}
  unset LC_ALL OLDPWD
  BELAY_COMMAND=$b_dir/ BELAY_TOKEN=${shellQuote(token)} LANG=C.UTF-8
  export BELAY_COMMAND BELAY_TOKEN LANG
  ${shellExports(script.env ?? {})}
  exec "$@"
)
`;
}

export function workingDirectory(script: HostScript): string {
  if (script.workingDirectory === undefined) return '';
  const folder = shellQuote(script.workingDirectory);
  return `cd -- ${folder} 2>/dev/null || { printf 'belay: cannot change to the working directory %s\\n' ${folder} >&2; exit 126; }`;
}

/**
 * The words before the script's path. A `#!` line is read as the Linux kernel reads it (one argument, blanks and
 * all), because the state folder may be mounted noexec. Source: execve(2), "Interpreter scripts".
 */
export function interpreterWords(text: string): string {
  const line = /^#![ \t]*([^ \t\n]+)[ \t]*([^\n]*)/.exec(text);
  if (line === null) return '"$b_sh"';
  const [, interpreter = '', rest = ''] = line;
  const argument = rest.trimEnd();
  return argument === '' ? shellQuote(interpreter) : shellWords([interpreter, argument]);
}

/** Standard input goes through a named pipe, so that the wrapper itself, and not a part of a pipeline, waits for the script. */
function runWithInput(stdin: Uint8Array): string {
  return `
b_input=${shellQuote(Buffer.from(stdin).toString('base64'))}
if mkfifo "$b_dir/stdin" 2>/dev/null; then
  { printf %s "$b_input" | base64 -d >"$b_dir/stdin"; } &
  b_run <"$b_dir/stdin"
  b_code=$?
  rm -f "$b_dir/stdin"
else
  echo 'belay: the standard input could not be handed over: mkfifo failed' >"$b_dir/stderr"
  b_code=126
fi`;
}

const runWithoutInput = `
b_run
b_code=$?`;

/** A rename within the folder works on a full disk, and carries the code whole or not at all. */
const finish = `
mv -f "$b_dir/exit" "$b_dir/exit.$b_code"
sync "$b_dir" 2>/dev/null || :
`;

/** What goes to the host's standard input for a start: the launcher, then the wrapper that it hands the rest to. */
export function startRequest(
  shell: HostShell,
  folder: string,
  nonce: string,
  command: { token: string; script: HostScript; after?: string },
): Buffer {
  const { token, script, after = 'b_say "$b_answer"' } = command;
  const launcher = `${prelude(shell, folder)}
printf '%s\\n' ${nonce}
b_open
b_reader=${shellQuote(readBlock)}
${launch}
b_start
${after}`;
  const wrapped = `${prelude(shell, folder)}
b_script=${shellQuote(script.text)}
${runScript(token, script)}
${wrapper}
${script.stdin === undefined || script.stdin.byteLength === 0 ? runWithoutInput : runWithInput(script.stdin)}
${finish}`;
  return Buffer.concat([block(launcher), block(wrapped)]);
}
