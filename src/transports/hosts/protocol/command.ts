/**
 * The shell functions that begin a command, wait for it and record its end. They run in a shell that outlives the
 * connection: one of the keeper's workers, or a wrapper of its own.
 *
 * A token is claimed by creating `begun` with O_EXCL: of any number of shells, one wins. Nothing has run before the
 * claim is whole and on the disk.
 */
import type { HostScript } from '../../host.ts';
import { shellExports, shellQuote, shellWords } from './quote.ts';

/**
 * `b_run` is a subshell that becomes the script. It writes its number first, which setsid makes the number of a session.
 * `1<>` writes over a file in place. `printf ''` and not `:`, because a failed redirection of a special builtin ends a shell.
 */
export const commandFunctions = `
b_refuse() { b_say refused "$@"; }
b_full() { b_refuse STATE_UNUSABLE "cannot write to $b_root/$b_dir (is the disk full?)"; }
b_claim() {
  [ -n "$b_root" ] || { b_refuse STATE_UNUSABLE "$b_shut"; return 1; }
  [ ! -e "$b_dir/begun" ] || { b_say already; return 1; }
  [ -d "$b_dir" ] || mkdir "$b_dir" 2>/dev/null || [ -d "$b_dir" ] || { b_full; return 1; }
  set -C
  printf '' 2>/dev/null >"$b_dir/begun"
  b_won=$?
  set +C
  if [ $b_won != 0 ]; then
    if [ -e "$b_dir/begun" ]; then b_say already; else b_full; fi
    return 1
  fi
  b_stage=claimed
  { printf '%s %s %s\\n' "$b_me" "$b_my_start" "$b_boot" >"$b_dir/begun" &&
    printf %s "$b_text" >"$b_dir/script" && printf '%s\\n' --- >"$b_dir/exit" && printf '%10s\\n' '' >"$b_dir/session" &&
    printf '' >"$b_dir/stdout" && printf '' >"$b_dir/stderr" && [ -s "$b_dir/begun" ] && [ -s "$b_dir/exit" ]; } 2>/dev/null || {
    rm -rf "$b_dir"
    b_stage=
    b_full
    return 1
  }
  # The claim must outlive a power cut: a token that was forgotten would be begun again.
  b_sync "$b_dir/begun" "$b_dir" .
}
b_run() (
  trap - PIPE
  exec >"$b_dir/stdout" 2>"$b_dir/stderr" 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
  IFS=' ' read -r b_line b_rest </proc/self/stat
  printf '%10s\\n' "$b_line" 2>/dev/null 1<>"$b_dir/session"
  umask 022
  cd "$HOME" 2>/dev/null || cd /
  b_go
)
b_wait() {
  if [ -z "$b_input" ]; then
    b_run </dev/null
    b_code=$?
  elif mkfifo "$b_dir/stdin" 2>/dev/null; then
    # A named pipe, so that this shell itself, and not a part of a pipeline, waits for the script.
    { printf %s "$b_input" | base64 -d >"$b_dir/stdin"; } 3>&- 4>&- 5>&- 6>&- &
    b_run <"$b_dir/stdin"
    b_code=$?
    rm -f "$b_dir/stdin"
  else
    printf '%s\\n' 'belay: the standard input could not be handed over: mkfifo failed' >"$b_dir/stderr"
    b_code=126
  fi
}
b_finish() {
  printf '%3s\\n' "$b_code" 2>/dev/null 1<>"$b_dir/exit" || mv -f "$b_dir/exit" "$b_dir/exit.$b_code"
  set -- "$b_dir"
  [ ! -e "$b_dir/exit" ] || set -- "$@" "$b_dir/exit"
  [ ! -s "$b_dir/stdout" ] || set -- "$@" "$b_dir/stdout"
  [ ! -s "$b_dir/stderr" ] || set -- "$@" "$b_dir/stderr"
  b_sync "$@"
}
`;

/** Sets what `b_claim` and `b_wait` work on. No line break outside quotes. */
export function commandSettings(script: HostScript): string {
  const input = script.stdin === undefined ? '' : Buffer.from(script.stdin).toString('base64');
  return `b_text=${shellQuote(script.text)} b_input=${shellQuote(input)}; ${goFunction(script, '"$b_root/$b_dir/script"', ['BELAY_COMMAND="$b_command" BELAY_TOKEN="$b_token"', 'export BELAY_COMMAND BELAY_TOKEN'])}`;
}

/** `b_go` becomes the script that lies at `path`; a plain text without a path is given to the shell as an argument. */
export function goFunction(
  script: HostScript,
  path: string | undefined,
  more: readonly string[] = [],
): string {
  const { args = [], env = {}, text } = script;
  const words =
    path === undefined ? `"$b_sh" -c ${shellWords([text, 'sh'])}` : `${interpreterWords(text)} ${path}`;
  const interpreter = /^#![ \t]*(\/[^ \t\n]+)/.exec(text)?.[1];
  const missing =
    interpreter === undefined
      ? []
      : [
          `[ -x ${shellQuote(interpreter)} ] || { printf 'belay: the interpreter %s is missing\\n' ${shellQuote(interpreter)} >&2; exit 127; }`,
        ];
  const lines = [
    ...workingDirectory(script),
    ...missing,
    // Found before the script's own PATH counts.
    `set -- "$b_setsid" ${words} ${shellWords(args)}`,
    'b_command=$b_root/$b_dir/',
    'unset LC_ALL OLDPWD',
    ...more,
    'LANG=C.UTF-8',
    'export LANG',
    ...shellExports(env),
    'exec "$@"',
  ];
  return `b_go() { ${lines.join('; ')}; }`;
}

function workingDirectory({ workingDirectory: folder }: HostScript): string[] {
  if (folder === undefined) return [];
  const quoted = shellQuote(folder);
  return [
    `cd -- ${quoted} 2>/dev/null || { printf 'belay: cannot change to the working directory %s\\n' ${quoted} >&2; exit 126; }`,
  ];
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
