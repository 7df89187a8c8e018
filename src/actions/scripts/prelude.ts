/**
 * What opens every script that Belay writes itself: the output format of names.ts, and where things are kept on a host.
 * Kept things (previous files, package records) live in /var/lib/belay, for other users in their own state folder;
 * BELAY_HOST_STATE in the host's environment moves them.
 */
import type { HostScript } from '../../transports/host.ts';
import type { HostScriptName } from './names.ts';

const prelude = `set -u
LC_ALL=C; export LC_ALL
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
exec 3>&1 1>&2
say() { printf '%s\\n' "$1=$2" >&3; }
fail() { say failed "$*"; exit 1; }
# in_words TEXT: a tool's own words as a part of one line.
in_words() { printf %s "$1" | tr '\\n\\t' '  ' | cut -c 1-400; }
keep_root() {
  if [ -n "\${BELAY_HOST_STATE:-}" ]; then keep=$BELAY_HOST_STATE
  elif [ "\${me:-$(id -u)}" = 0 ]; then keep=/var/lib/belay
  else keep=$HOME/.local/state/belay; fi
}
keep_folder() {
  keep_root
  [ -d "$keep/$1" ] || (umask 077 && mkdir -p "$keep/$1") || fail WRITE_FAILED "cannot make $keep/$1"
  keep=$keep/$1
}
`;

/** A script by its name in names.ts. `body` is POSIX sh; it prints its fields with `say` and says no with `fail`. */
export function namedScript(name: HostScriptName, body: string) {
  const text = prelude + body;
  return (args: readonly string[], stdin?: Uint8Array): HostScript =>
    stdin === undefined ? { name, text, args } : { name, text, args, stdin };
}
