/**
 * The entry that a lock has on its target: one file in a folder that all users of the host share, made by link(2), so it
 * is whole or absent and of any number of takers one wins. It says whose it is; only its owner, or `belay unlock`, takes
 * it away. It lies in /var/tmp, which survives a reboot (hier(7), FHS 3.0 section 5.15). A host has one entry, whether
 * it was locked by itself or as one of a cluster, under whatever name it has in anybody's inventory.
 */
import { HostFailure, type Host } from '../../transports/host.ts';

/** Who holds a lock, as the entry tells it. */
export interface HostEntry {
  /** State folder and execution: `0f3a…/01JD3K7QABCD`. */
  readonly owner: string;
  readonly executionId: string;
  readonly folderId: string;
  readonly runbook: string;
  /** `alice@ops1`. */
  readonly who: string;
  /** As it was asked for: `cluster:minio`. */
  readonly lock: string;
  /** Milliseconds since 1970, by the clock of who took it. */
  readonly since: number;
}

export type EntryAnswer =
  | { readonly kind: 'taken' }
  | { readonly kind: 'held'; readonly entry: HostEntry }
  /** After giving back and looking: nobody holds it. */
  | { readonly kind: 'free' };

/** How long one host may take over its answer, connecting included. */
const answerTimeoutMs = 25_000;

const text = `
folder=/var/tmp/belay-locks
entry=$folder/host
verb=$1 owner=$2
umask 022
no() { printf 'unusable %s\\n' "$*"; exit 0; }
# Made once for all users; the sticky bit keeps them from removing each other's entries.
[ "$verb" != take ] || mkdir -m 1777 "$folder" 2>/dev/null
[ ! -L "$folder" ] || no "$folder is a link, not a folder"
if [ ! -d "$folder" ]; then
  [ "$verb" != take ] || no "$folder cannot be made"
  echo free; exit 0
fi
first_line() { head -n 1 "$entry" 2>/dev/null; }
case $verb in
  take)
    shift 2
    new=$(mktemp "$folder/.new.XXXXXX" 2>/dev/null) || no "cannot write to $folder (is the disk full?)"
    trap 'rm -f "$new"' EXIT
    trap 'exit 1' HUP INT TERM PIPE
    { printf '%s\\n' "$owner" "$@" && echo end; } >"$new" 2>/dev/null && chmod 644 "$new" ||
      no "cannot write to $folder (is the disk full?)"
    tries=0
    while [ $tries -lt 5 ]; do
      tries=$((tries + 1))
      [ ! -d "$entry" ] || no "$entry is a folder"
      if ln "$new" "$entry" 2>/dev/null; then
        sync "$entry" "$folder" 2>/dev/null || sync
        echo taken; exit 0
      fi
      [ "$(first_line)" != "$owner" ] || { echo taken; exit 0; }
      # It may go between the two looks.
      if held=$(cat "$entry" 2>/dev/null); then printf 'held\\n%s\\n' "$held"; exit 0; fi
      [ ! -e "$entry" ] || no "$entry cannot be read"
    done
    no "cannot link a file in $folder" ;;
  give)
    [ "$(first_line)" = "$owner" ] || { echo free; exit 0; }
    rm -f "$entry" 2>/dev/null || no "$entry belongs to another user and cannot be removed by $(id -un)"
    sync "$folder" 2>/dev/null || sync
    echo free ;;
  look)
    if held=$(cat "$entry" 2>/dev/null); then printf 'held\\n%s\\n' "$held"; exit 0; fi
    [ ! -e "$entry" ] || no "$entry cannot be read"
    echo free ;;
esac
`;

/** Makes the entry; harmless to repeat: an entry of the same owner is its own. Rejects with HostFailure. */
export function takeEntry(host: Host, entry: HostEntry, signal: AbortSignal): Promise<EntryAnswer> {
  const lines = [entry.runbook, entry.who, entry.lock, String(entry.since)];
  return ask(host, ['take', entry.owner, ...lines.map(oneLine)], signal);
}

/** Takes the owner's entry away; one of somebody else stays. Rejects with HostFailure. */
export function giveEntry(host: Host, owner: string, signal: AbortSignal): Promise<EntryAnswer> {
  return ask(host, ['give', owner], signal);
}

/** Rejects with HostFailure. */
export function lookAtEntry(host: Host, signal: AbortSignal): Promise<EntryAnswer> {
  return ask(host, ['look', ''], signal);
}

export function ownerOf(folderId: string, executionId: string): string {
  return `${folderId}/${executionId}`;
}

async function ask(host: Host, args: readonly string[], signal: AbortSignal): Promise<EntryAnswer> {
  const { stdout, stderr } = await host.read(
    { name: `lock/${args[0] ?? ''}`, text, args },
    { signal: AbortSignal.any([signal, AbortSignal.timeout(answerTimeoutMs)]), timeoutMs: answerTimeoutMs },
  );
  const [said = '', ...lines] = stdout.split('\n');
  if (said === 'taken' || said === 'free') return { kind: said };
  if (said === 'held') return { kind: 'held', entry: entryOf(lines) };
  const why = said.startsWith('unusable ')
    ? said.slice('unusable '.length)
    : stderr.trim().split('\n').at(-1);
  throw new HostFailure({
    code: 'STATE_UNUSABLE',
    message: `${host.label}: ${why === undefined || why === '' ? 'the script of the lock gave no answer' : why}`,
    retryable: false,
    effect: 'unknown',
  });
}

/** An entry that somebody else wrote is shown, never trusted: missing lines are empty. */
function entryOf([owner = '', runbook = '', who = '', lock = '', since = '']: readonly string[]): HostEntry {
  const [folderId = '', executionId = ''] = owner.split('/');
  return {
    owner,
    folderId,
    executionId: executionId || owner || '?',
    runbook,
    who,
    lock,
    since: Number(since) || 0,
  };
}

function oneLine(value: string): string {
  return value.replaceAll(/\p{Cc}/gu, ' ');
}
