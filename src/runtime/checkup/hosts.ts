/** Whether every host of belay.yaml can be reached, and what detached commands left on it. Only reads. */
import { ActionFailure } from '../../actions/define-action.ts';
import { HostFailure, type Host } from '../../transports/host.ts';
import { ageText } from './age.ts';
import type { Finding } from './finding.ts';

const hostTimeoutMs = 20_000;
const slowHint = 'a run waits longer than the doctor: try it by hand with ssh -v';
/** Hosts asked at the same time. */
const hostsAtOnceMax = 8;

/**
 * The folder of detached commands: one per token, gone once its outcome is journaled (transports/hosts/protocol). One that holds
 * file systems frozen has no exit code yet, and has said which; it thaws them itself.
 */
const script = `printf '%s %s, as %s\\n' "$(uname -s)" "$(uname -r)" "$(id -un)"
count=0 oldest= frozen= ended=
now=$(date +%s)
for folder in /var/lib/belay/*/ "$HOME"/.belay/*/ /var/tmp/belay-"$(id -u)"/*/ /var/tmp/belay-"$(id -u)".*/*/; do
  [ -e "$folder/begun" ] || continue
  count=$((count + 1))
  at=$(stat -c %Y -- "$folder/begun" 2>/dev/null) || at=$now
  { [ -z "$oldest" ] || [ "$at" -lt "$oldest" ]; } && oldest=$at
  if grep -q '[0-9]' "$folder/exit" 2>/dev/null; then ended="$ended $(readlink -f -- "$folder")"
  elif grep -q 'fsfreeze -f' "$folder/script" 2>/dev/null; then
    for mount in $(sed -n 's/^frozen=//p' "$folder/stdout" 2>/dev/null); do frozen="$frozen $((now - at)):$mount"; done
  fi
done
[ -z "$oldest" ] || oldest=$((now - oldest))
printf '%s\\n%s\\n%s\\n%s\\n' "$count" "$oldest" "$frozen" "$ended"`;

export interface HostsLook {
  /** Executions of this state folder are not over: a command folder may be what one of them goes on from. */
  readonly hasOpen: boolean;
  readonly timeoutMs?: number;
}

export async function checkHosts(
  names: readonly string[],
  host: (name: string) => Host,
  look: HostsLook,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (let start = 0; start < names.length; start += hostsAtOnceMax) {
    const some = names.slice(start, start + hostsAtOnceMax);
    findings.push(...(await Promise.all(some.map((name) => checkHost(name, host, look)))).flat());
  }
  return findings;
}

async function checkHost(
  name: string,
  host: (name: string) => Host,
  { hasOpen, timeoutMs = hostTimeoutMs }: HostsLook,
): Promise<Finding[]> {
  const patience = AbortSignal.timeout(timeoutMs);
  try {
    const { stdout } = await host(name).read(
      { name: 'doctor', text: script },
      { signal: patience, timeoutMs },
    );
    const [system = '', count = '0', oldest = '', freezing = '', ended = ''] = stdout.split('\n');
    // They are shown to be typed: only such names as Belay gives, and mounts that a shell takes as they are.
    const frozen = [...freezing.matchAll(/(?<= )(\d+):(\/[\w./-]*)(?= |$)/g)].map(
      ([, age = '', mount = '']) => ({ mount, ageMs: Number(age) * 1_000 }),
    );
    const folders = (hasOpen ? '' : ended)
      .split(' ')
      .filter((folder) => /^\/[\w./-]+\/b-[0-9a-f]+$/.test(folder));
    const reached: Finding = { area: 'hosts', what: name, verdict: 'good', says: system };
    const left = { count: Number(count), oldestMs: Number(oldest) * 1_000 };
    return [reached, ...commandsLeft(name, { ...left, folders }), ...frozenFindings(name, frozen)];
  } catch (error) {
    if (!(error instanceof HostFailure || error instanceof ActionFailure)) throw error;
    if (error.code === 'CANCELLED' && patience.aborted) {
      // Nobody cancelled anything: the host was too slow for the doctor. What it did last is in the message.
      const says = `NO_REPLY: no answer within ${timeoutMs / 1000} s. ${error.message}`;
      return [{ area: 'hosts', what: name, verdict: 'bad', says, hint: slowHint }];
    }
    return [{ area: 'hosts', what: name, verdict: 'bad', says: `${error.code}: ${error.message}` }];
  }
}

interface CommandsLeft {
  readonly count: number;
  readonly oldestMs: number;
  /** Of commands that have ended. */
  readonly folders: readonly string[];
}

/** So many folders are named to be removed. */
const foldersMax = 3;

function commandsLeft(what: string, { count, oldestMs, folders }: CommandsLeft): Finding[] {
  if (count === 0) return [];
  const more = folders.length > foldersMax ? ` (and ${folders.length - foldersMax} more)` : '';
  const removal =
    folders.length === 0
      ? ''
      : `${more}. What has ended and is of no other state folder, on ${what}:  rm -r ${folders.slice(0, foldersMax).join(' ')}`;
  const about = { area: 'leftovers', what, verdict: 'note' } as const;
  const age = oldestMs > 0 ? `, the oldest ${ageText(oldestMs)} old` : '';
  return [
    {
      ...about,
      says: `${count} command folder${count === 1 ? '' : 's'} (in /var/lib/belay, ~/.belay or /var/tmp/belay-*)${age}: commands under way, or executions that were left`,
      hint: `an execution that is resumed or cancelled clears its own; belay list shows which are not over${removal}`,
    },
  ];
}

function frozenFindings(
  what: string,
  frozen: readonly { readonly mount: string; readonly ageMs: number }[],
): Finding[] {
  return frozen.map(({ mount, ageMs }) => ({
    area: 'leftovers',
    what,
    verdict: 'note',
    says: `${mount} was frozen ${Math.round(ageMs / 1_000)} s ago by a command that has not ended`,
    hint: `it is thawed by itself when the time of the command is over. At once, on ${what}:  fsfreeze -u ${mount}`,
  }));
}
