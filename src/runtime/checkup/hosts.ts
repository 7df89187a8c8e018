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
 * file systems frozen has no exit code yet; it thaws them itself.
 */
const script = `printf '%s %s, as %s\\n' "$(uname -s)" "$(uname -r)" "$(id -un)"
count=0 oldest= freezes=no ended=
for folder in /var/lib/belay/*/ "$HOME"/.belay/*/ /var/tmp/belay-"$(id -u)"/*/ /var/tmp/belay-"$(id -u)".*/*/; do
  [ -e "$folder/begun" ] || continue
  count=$((count + 1))
  at=$(stat -c %Y -- "$folder/begun" 2>/dev/null) && { [ -z "$oldest" ] || [ "$at" -lt "$oldest" ]; } && oldest=$at
  if grep -q '[0-9]' "$folder/exit" 2>/dev/null; then ended="$ended $(readlink -f -- "$folder")"
  elif grep -q 'fsfreeze -f' "$folder/script" 2>/dev/null; then freezes=yes; fi
done
[ -z "$oldest" ] || oldest=$(($(date +%s) - oldest))
printf '%s\\n%s\\n%s\\n%s\\n' "$count" "$oldest" "$freezes" "$ended"`;

export async function checkHosts(
  names: readonly string[],
  host: (name: string) => Host,
  timeoutMs = hostTimeoutMs,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (let start = 0; start < names.length; start += hostsAtOnceMax) {
    const some = names.slice(start, start + hostsAtOnceMax);
    findings.push(...(await Promise.all(some.map((name) => checkHost(name, host, timeoutMs)))).flat());
  }
  return findings;
}

async function checkHost(name: string, host: (name: string) => Host, timeoutMs: number): Promise<Finding[]> {
  const patience = AbortSignal.timeout(timeoutMs);
  try {
    const { stdout } = await host(name).read(
      { name: 'doctor', text: script },
      { signal: patience, timeoutMs },
    );
    const [system = '', count = '0', oldest = '', freezes = '', ended = ''] = stdout.split('\n');
    // They are shown to be typed: only such names as Belay gives.
    const folders = ended.split(' ').filter((folder) => /^\/[\w./-]+\/b-[0-9a-f]+$/.test(folder));
    const reached: Finding = { area: 'hosts', what: name, verdict: 'good', says: system };
    const left = { count: Number(count), oldestMs: Number(oldest) * 1_000, freezes: freezes === 'yes' };
    return [reached, ...commandsLeft(name, { ...left, folders })];
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
  readonly freezes: boolean;
  /** Of commands that have ended. */
  readonly folders: readonly string[];
}

/** So many folders are named to be removed. */
const foldersMax = 3;

function commandsLeft(what: string, { count, oldestMs, freezes, folders }: CommandsLeft): Finding[] {
  if (count === 0) return [];
  const more = folders.length > foldersMax ? ` (and ${folders.length - foldersMax} more)` : '';
  const removal =
    folders.length === 0
      ? ''
      : `; what has ended and is of none of them, on ${what}:  rm -r ${folders.slice(0, foldersMax).join(' ')}${more}`;
  const about = { area: 'leftovers', what, verdict: 'note' } as const;
  const age = oldestMs > 0 ? `, the oldest ${ageText(oldestMs)} old` : '';
  return [
    {
      ...about,
      says: `${count} command folders (in /var/lib/belay, ~/.belay or /var/tmp/belay-*)${age}: commands under way, or executions that were left`,
      hint: `belay list shows what was interrupted; belay resume ID finishes and clears it${removal}`,
    },
    ...(freezes
      ? [
          {
            ...about,
            says: 'a command that freezes file systems has begun and not ended',
            hint: 'it thaws them by itself when its time is over; at once: findmnt shows the mounts, fsfreeze -u MOUNT',
          },
        ]
      : []),
  ];
}
