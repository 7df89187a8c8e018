/** Scripts as commands of this machine: each in an environment that is a list of what it may know, behind the shield where there is one. */
import { homedir } from 'node:os';
import type { Host, HostScript } from '../host.ts';
import type { ScriptPlace, ScriptRun, ScriptTools } from '../scripts.ts';
import { shieldArguments } from './shield.ts';

/** Programs that scripts start by name. */
const searchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Belay's own name for the folder that the host keeps for the command stays in the environment: what the script starts is
 * found by it when it is stopped. The folder `tmp` in it goes when the host forgets the command.
 */
const launch = `
work="\${BELAY_COMMAND}tmp"
mkdir -m 700 "$work" || { printf '%s\\n' 'belay: a folder for the script cannot be made' >&2; exit 125; }
kind=$1
shift
if [ "$kind" = shielded ]; then
  bwrap=$1
  shift
  exec "$bwrap" --clearenv --setenv BELAY_COMMAND "$BELAY_COMMAND" --setenv BELAY_TOKEN "$BELAY_TOKEN" --bind "$work" /tmp "$@"
fi
cd "$work" || exit 125
exec env -i PATH=${searchPath} HOME="$work" TMPDIR="$work" LANG=C.UTF-8 BELAY_COMMAND="$BELAY_COMMAND" BELAY_TOKEN="$BELAY_TOKEN" "$@"
`;

export interface ScriptPlaceOptions {
  readonly host: Host;
  readonly tools: ScriptTools;
  readonly mayReachNetwork: boolean;
  /** Folders that no script may see: Belay's state. The homes of people are hidden in any case. */
  readonly hidden: readonly string[];
}

export function scriptPlace({ host, tools, mayReachNetwork, hidden }: ScriptPlaceOptions): ScriptPlace {
  const behindShield = (file: string, { interpreter, args }: ScriptRun): readonly string[] => [
    'shielded',
    file,
    ...shieldArguments(interpreter, { mayReachNetwork, hidden: [...hidden, homedir(), '/home', '/root'] }),
    ...['PATH', searchPath, 'HOME', '/tmp', 'TMPDIR', '/tmp', 'LANG', 'C.UTF-8'].flatMap((word, at, words) =>
      at % 2 === 0 ? ['--setenv', word, words[at + 1] ?? ''] : [],
    ),
    '--',
    interpreter.file,
    ...args,
  ];
  return {
    host,
    tools,
    mayReachNetwork,
    command: (run): HostScript => {
      const shield = tools.shield();
      const args =
        shield.kind === 'bubblewrap'
          ? behindShield(shield.file, run)
          : ['open', run.interpreter.file, ...run.args];
      return { text: launch, args, stdin: run.stdin };
    },
  };
}
