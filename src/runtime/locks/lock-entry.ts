/**
 * The entry that a lock has on its target: one file, made by link(2), so it is whole or absent and of any number of takers
 * one wins. It says whose it is; only its owner, or `belay unlock`, takes it away. It lies in /var/tmp itself, which
 * survives a reboot (hier(7), FHS 3.0 section 5.15), belongs to root and is sticky: a folder of its own would belong to
 * whoever makes it first. A host has one entry, whether it was locked by itself or as one of a cluster, under whatever
 * name it has in anybody's inventory.
 */
import { HostFailure, type Host } from '../../transports/host.ts';

/** Who holds a lock, as the entry tells it. */
export interface LockEntry {
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
  | { readonly kind: 'held'; readonly entry: LockEntry }
  /** After giving back and looking: nobody holds it. */
  | { readonly kind: 'free' };

/** How long one host may take over its answer, connecting included. */
const answerTimeoutMs = 25_000;

const text = `
name=belay-lock
verb=$1 owner=$2
umask 022
me=$(id -u)
no() { printf 'unusable %s\\n' "$*"; exit 0; }
cd -P /var/tmp 2>/dev/null || no "there is no /var/tmp"
base=$(env pwd -P)
# In a sticky folder of root nobody can exchange or remove what belongs to somebody else.
set -- $(stat -c '%u %a' .) "$@"
case $1 in 0 | "$me") ;; *) no "$base belongs to $(stat -c %U .), not to root: nothing in it can be relied on" ;; esac
case $2 in [1357]???) ;; *[2367]? | *[2367]) no "$base may be written by others and is not sticky (mode $2): nothing in it can be relied on" ;; esac
shift 2

# entry_at NAME: reads an entry. 1: nothing is there. What Belay did not make is refused with its owner, and never read
# through a link, waited for, or shown.
entry_at() {
  face=$(stat -c '%f %u %s' -- "./$1" 2>/dev/null) || return 1
  what=$(stat -c '%F of the user %U' -- "./$1" 2>/dev/null)
  set -- "$1" $face
  strange="$(env pwd -P)/$1 is not a lock that Belay made (it is a $what); nobody can be told who holds the host. Look at it and remove it"
  case $2 in 8*) ;; *) no "$strange" ;; esac
  [ "$4" -le 4096 ] || no "$strange"
  lines=$(dd if="./$1" iflag=nofollow,nonblock bs=8192 count=1 2>/dev/null && echo .) || {
    [ -e "./$1" ] || return 1
    case $3 in 0 | "$me") lines=$(cat "./$1" 2>/dev/null && echo .) || return 1 ;; *) no "$strange" ;; esac
  }
  holder=$(printf %s "$lines" | head -n 1)
  case $lines in *"
end
.") ;; *) no "$strange" ;; esac
  case $holder in */*/* | *[!A-Za-z0-9/_-]*) no "$strange" ;; ?*/?*) ;; *) no "$strange" ;; esac
  by=$3
}
# Where versions before kept it: a folder of whoever came first.
old_entry() { (cd -P ./belay-locks 2>/dev/null && [ "$(env pwd -P)" = "$base/belay-locks" ] && [ -f ./host ] && [ ! -L ./host ] && entry_at host && printf 'held\\n%s' "\${lines%.}"); }
old_gone() { (cd -P ./belay-locks 2>/dev/null && [ "$(env pwd -P)" = "$base/belay-locks" ] && rm -f ./host); }
case $verb in
  take)
    shift 2
    if old=$(old_entry); then
      case $old in
        "held
$owner
"*) old_gone ;;
        held*) printf '%s\\n' "$old"; exit 0 ;;
      esac
    fi
    new=$(mktemp ./.belay-lock.XXXXXX 2>/dev/null) || no "cannot write to $base (is the disk full?)"
    trap 'rm -f "$new"' EXIT
    trap 'exit 1' HUP INT TERM PIPE
    { printf '%s\\n' "$owner" "$@" && echo end; } >"$new" 2>/dev/null && chmod 644 "$new" ||
      no "cannot write to $base (is the disk full?)"
    tries=0
    while [ $tries -lt 5 ]; do
      tries=$((tries + 1))
      if [ ! -d "./$name" ] && ln "$new" "./$name" 2>/dev/null && [ "$(stat -c %d:%i "$new")" = "$(stat -c %d:%i "./$name" 2>/dev/null)" ]; then
        sync "./$name" . 2>/dev/null || sync
        echo taken; exit 0
      fi
      # It may go between the two looks.
      if entry_at "$name"; then
        if [ "$holder" = "$owner" ]; then
          case $by in 0 | "$me") echo taken; exit 0 ;; *) no "$strange: it names this very execution" ;; esac
        fi
        printf 'held\\n%s' "\${lines%.}"; exit 0
      fi
    done
    no "cannot link a file in $base" ;;
  give)
    case $(old_entry) in "held
$owner
"*) old_gone ;; esac
    # What is not an entry of Belay is not this one's either.
    mine=$(holder=; entry_at "$name"; printf %s "$holder")
    [ "$mine" = "$owner" ] || { echo free; exit 0; }
    rm -f "./$name" 2>/dev/null || no "$base/$name belongs to another user and cannot be removed by $(id -un)"
    sync . 2>/dev/null || sync
    echo free ;;
  look)
    if entry_at "$name"; then printf 'held\\n%s' "\${lines%.}"; exit 0; fi
    if old=$(old_entry); then printf '%s\\n' "$old"; exit 0; fi
    echo free ;;
esac
`;

/** Makes the entry; harmless to repeat: an entry of the same owner is its own. Rejects with HostFailure. */
export function takeEntry(host: Host, entry: LockEntry, signal: AbortSignal): Promise<EntryAnswer> {
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
  const entry = said === 'held' ? entryOf(lines) : undefined;
  if (entry !== undefined) return { kind: 'held', entry };
  const why = said.startsWith('unusable ')
    ? said.slice('unusable '.length)
    : said === 'held'
      ? 'what holds the lock there is no entry that Belay made'
      : stderr.trim().split('\n').at(-1);
  throw new HostFailure({
    code: 'STATE_UNUSABLE',
    message: `${host.label}: ${why === undefined || why === '' ? 'the script of the lock gave no answer' : bounded(why)}`,
    retryable: false,
    effect: 'unknown',
  });
}

/** An entry that somebody else wrote is shown, never trusted: what does not look like one is none, the rest is bounded. */
function entryOf([owner = '', runbook = '', who = '', lock = '', since = '']: readonly string[]):
  | LockEntry
  | undefined {
  const parts = /^([\w-]{1,64})\/([\w-]{1,64})$/.exec(owner);
  if (parts === null) return undefined;
  const [, folderId = '', executionId = ''] = parts;
  return {
    owner,
    folderId,
    executionId,
    runbook: bounded(runbook),
    who: bounded(who),
    // It stands in commands that people are told to type.
    lock: /^[\w-]+:[\w.:@%+,[\]{}-]+$/.test(lock) ? bounded(lock) : '?',
    since: /^\d{1,15}$/.test(since) ? Number(since) : 0,
  };
}

function bounded(value: string): string {
  return oneLine(value).slice(0, 500);
}

function oneLine(value: string): string {
  return value.replaceAll(/[\p{Cc}\p{Cf}]/gu, ' ');
}
