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
count=0 oldest= freezes=no
for folder in /var/lib/belay/*/ "$HOME"/.belay/*/ /var/tmp/belay-"$(id -u)"/*/ /var/tmp/belay-"$(id -u)".*/*/; do
  [ -e "$folder/begun" ] || continue
  count=$((count + 1))
  at=$(stat -c %Y -- "$folder/begun" 2>/dev/null) && { [ -z "$oldest" ] || [ "$at" -lt "$oldest" ]; } && oldest=$at
  if grep -q '^ *fsfreeze -f' "$folder/script" 2>/dev/null && ! [ -s "$folder/exit" ]; then freezes=yes; fi
done
[ -z "$oldest" ] || oldest=$(($(date +%s) - oldest))
printf '%s\\n%s\\n%s\\n' "$count" "$oldest" "$freezes"`;

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
    const [system = '', count = '0', oldest = '', freezes = ''] = stdout.split('\n');
    const reached: Finding = { area: 'hosts', what: name, verdict: 'good', says: system };
    return [reached, ...commandsLeft(name, Number(count), Number(oldest) * 1_000, freezes === 'yes')];
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

function commandsLeft(what: string, count: number, oldestMs: number, freezes: boolean): Finding[] {
  if (count === 0) return [];
  const about = { area: 'leftovers', what, verdict: 'note' } as const;
  const age = oldestMs > 0 ? `, the oldest ${ageText(oldestMs)} old` : '';
  return [
    {
      ...about,
      says: `${count} command folders (in /var/lib/belay, ~/.belay or /var/tmp/belay-*)${age}: commands under way, or executions that were left`,
      hint: 'belay list shows what was interrupted; belay resume ID finishes and clears it',
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
