/**
 * The plugins of a Command document as one command of a host: a shell script that runs them in order, detached under one token.
 * What each runs comes as arguments, what is given by the environment as that.
 *
 * Exit codes and what follows them are those of the SSM agent: 168 ends the document well, 169 badly, any other failure lets the
 * next plugin run unless onFailure says otherwise. 194 ends the run: after a reboot another one begins with the same plugin.
 */
import type { CommandPlan } from '../../../document/index.ts';
import { pluginProgram, textOf } from './plugin-program.ts';
import type { ShellRun } from './inputs.ts';

/** Seconds beside those of the plugins before the whole is ended. */
const slackSeconds = 60;
/** How the driver says on standard error that a plugin took too long. */
export const timedOutSentence = /^belay: .* ran longer than its timeoutSeconds/m;

const driver = `
case $(uname -s) in Darwin) here=MacOS ;; *) here=Linux ;; esac
AWS_SSM_PLATFORM_NAME=$( . /etc/os-release 2>/dev/null; printf %s "\${NAME-}")
AWS_SSM_PLATFORM_VERSION=$( . /etc/os-release 2>/dev/null; printf %s "\${VERSION_ID-}")
export AWS_SSM_PLATFORM_NAME AWS_SSM_PLATFORM_VERSION
folder=\${BELAY_COMMAND}plugins
mkdir -m 700 "$folder" || exit 125
count=$1 first=$2 worst=$3 ends= n=0
shift 3
skip() { [ "$count" = 1 ] || printf 'belay: %s is skipped: %s\\n' "$name" "$1"; }
failed() { [ $worst != 0 ] || worst=$1; }
while [ $# -gt 0 ]; do
  n=$((n + 1))
  name=$1 kind=$2 wanted=$3 platforms=$4 others=$5 limit=$6 dir=$7 onfailure=$8 onsuccess=$9
  shift 9
  last=$1 text=$2
  shift 2
  [ "$n" -ge "$first" ] || continue
  if [ -n "$ends" ] && [ "$last" != 1 ]; then skip 'the document has ended before it'; continue; fi
  if [ "$kind" = skipped ]; then skip 'its precondition does not hold'; continue; fi
  if [ -n "$wanted" ] && [ "$wanted" != "$here" ]; then skip "this is $here, and it is for $wanted"; continue; fi
  case " $platforms " in
    *" $here "*) ;;
    *)
      if [ "$others" = skip ]; then skip "it is not for $here"; continue; fi
      printf 'belay: %s is not for %s\\n' "$name" "$here" >&2
      failed 1
      continue
      ;;
  esac
  [ "$count" = 1 ] || printf '[%s]\\n' "$name"
  file=$folder/$n
  [ "$kind" != powershell ] || file=$file.ps1
  printf '%s\\n' "$text" >"$file" || exit 125
  from=$(date +%s)
  (
    if [ -n "$dir" ]; then
      cd -- "$dir" 2>/dev/null || { printf 'belay: cannot change to the working directory %s\\n' "$dir" >&2; exit 126; }
    fi
    if [ "$kind" = powershell ]; then
      command -v pwsh >/dev/null || { printf 'belay: %s needs pwsh, which is not on this host\\n' "$name" >&2; exit 127; }
      set -- pwsh -NoLogo -NoProfile -NonInteractive -File "$file"
    else
      set -- sh "$file"
      IFS= read -r line <"$file"
      case $line in
        '#!'*)
          line=\${line#'#!'}
          line=\${line#"\${line%%[! ]*}"}
          program=\${line%% *}
          argument=\${line#"$program"}
          argument=\${argument# }
          set -- "$program" \${argument:+"$argument"} "$file"
          ;;
      esac
    fi
    if command -v timeout >/dev/null; then set -- timeout -s KILL "$limit" "$@"; fi
    exec "$@"
  )
  code=$?
  if [ $code = 137 ] && [ $(($(date +%s) - from)) -ge "$limit" ]; then
    printf 'belay: %s ran longer than its timeoutSeconds (%s s) and was ended\\n' "$name" "$limit" >&2
  fi
  case $code in
    0) [ -z "$onsuccess" ] || ends=1 ;;
    168) ends=1 ;;
    169) ends=1; failed $code ;;
    194)
      printf 'belay: plugin %s asks for a reboot, after %s\\n' "$n" "$worst" >&2
      exit 194
      ;;
    *)
      case $onfailure in
        exit) ends=1; failed $code ;;
        successAndExit) ends=1 ;;
        *) failed $code ;;
      esac
      [ "$count" = 1 ] || [ $code = 137 ] || printf 'belay: %s ended with exit code %s\\n' "$name" "$code" >&2
      ;;
  esac
done
exit $worst
`;

/** Throws ActionFailure UNSUPPORTED_DOCUMENT where a plugin is only the agent's. `name`: of the document. */
export function documentRun(name: string, { plugins, env }: Extract<CommandPlan, { ok: true }>): ShellRun {
  const programs = plugins.map((plugin) => ({ plugin, ...pluginProgram(name, plugin) }));
  const args = programs.flatMap(({ plugin, kind, platforms, text, timeoutSeconds }) => [
    plugin.name,
    plugin.isSkipped ? 'skipped' : kind,
    plugin.platform ?? '',
    platforms.join(' '),
    plugin.skipsOtherPlatforms ? 'skip' : 'fail',
    String(timeoutSeconds),
    textOf(plugin.inputs['workingDirectory']),
    plugin.onFailure ?? '',
    plugin.onSuccess ?? '',
    plugin.finallyStep ? '1' : '',
    text,
  ]);
  const seconds = programs.reduce((sum, { timeoutSeconds }) => sum + timeoutSeconds, slackSeconds);
  return {
    text: driver,
    args: [String(plugins.length), '1', '0', ...args],
    env,
    workingDirectory: undefined,
    timeoutSeconds: seconds,
    plugins: plugins.length,
  };
}

/** The driver's last words where a plugin asks for a reboot: its number, and the exit code that counts of those before it. */
const rebootSentence = /^belay: plugin (\d+) asks for a reboot, after (\d+)$/gm;

/** The same after the reboot that its plugin asked for, by what the run before said last: plugins before that one do not run again. */
export function continuedRun(run: ShellRun, saidLast: string): ShellRun {
  const [count, , , ...programs] = run.args ?? [];
  const last = [...saidLast.matchAll(rebootSentence)].at(-1);
  if (count === undefined || last === undefined) return run;
  const [, first = '1', worst = '0'] = last;
  return { ...run, args: [count, first, worst, ...programs] };
}
