/** What hosts keep for undos of executions that nobody runs: whose it is, how old, and what removes it. Only reads. */
import { ActionFailure } from '../../actions/define-action.ts';
import { parseFields } from '../../actions/scripts/fields.ts';
import { listKept } from '../../actions/scripts/keep.ts';
import { keepLabel } from '../../actions/scripts/keep-key.ts';
import { HostFailure, type Host } from '../../transports/host.ts';
import type { ListedExecution } from '../execution-view.ts';
import { ageText } from './age.ts';
import type { Finding } from './finding.ts';

const hostTimeoutMs = 20_000;
const hostsAtOnceMax = 8;
/** So many owners are named on a host. */
const namedMax = 5;

/** Hosts that do not answer have been named already. */
export async function checkKept(
  names: readonly string[],
  host: (name: string) => Host,
  executions: readonly ListedExecution[],
  now: number,
): Promise<Finding[]> {
  const owners = new Map(executions.map((each) => [keepLabel(each.executionId), each]));
  const findings: Finding[] = [];
  for (let start = 0; start < names.length; start += hostsAtOnceMax) {
    const some = names.slice(start, start + hostsAtOnceMax);
    findings.push(...(await Promise.all(some.map((name) => keptOn(name, host, owners, now)))).flat());
  }
  return findings;
}

async function keptOn(
  name: string,
  host: (name: string) => Host,
  owners: ReadonlyMap<string, ListedExecution>,
  now: number,
): Promise<Finding[]> {
  try {
    const signal = AbortSignal.timeout(hostTimeoutMs);
    const { stdout } = await host(name).read(listKept([]), { signal, timeoutMs: hostTimeoutMs });
    const labels = parseFields(stdout)
      .rows('kept')
      .flatMap(([label]) => label ?? []);
    return keptFindings(name, labels, owners, now);
  } catch (error) {
    if (error instanceof HostFailure || error instanceof ActionFailure) return [];
    throw error;
  }
}

/** `labels`: what the kept things begin with, once for each execution. */
export function keptFindings(
  host: string,
  labels: readonly string[],
  owners: ReadonlyMap<string, ListedExecution>,
  now: number,
): Finding[] {
  const about = { area: 'leftovers', what: host, verdict: 'note' } as const;
  const strange = labels.filter((label) => !owners.has(label));
  const own = labels.flatMap((label) => owners.get(label) ?? []).filter(({ isLive }) => !isLive);
  return [
    ...(own.length === 0
      ? []
      : [
          {
            ...about,
            says: `keeps what undos need of ${listed(own.map((each) => ownerText(each, now)))}`,
            hint: hintFor(own),
          },
        ]),
    ...(strange.length === 0
      ? []
      : [
          {
            ...about,
            says: `keeps what undos need of ${listed(strange)}, which this state folder does not know`,
            hint: `when nobody can take it back any more  belay prune --forget ${strange[0] ?? 'ID'} --host ${host}`,
          },
        ]),
  ];
}

/** What a person has discarded or closed already goes with the next prune. */
function hintFor(own: readonly ListedExecution[]): string {
  const open = own.find(({ closing }) => closing === null);
  const giveUp =
    open === undefined
      ? 'These are given up already:  belay prune -y'
      : `To give one up:  belay discard ${open.executionId} --why TEXT && belay prune -y`;
  return `belay prune --dry-run says what may go and why the rest stays. ${giveUp}`;
}

function ownerText({ executionId, endedAt, createdAt }: ListedExecution, now: number): string {
  return endedAt === null
    ? `${executionId} (not over, begun ${ageText(now - createdAt)} ago)`
    : `${executionId} (ended ${ageText(now - endedAt)} ago)`;
}

function listed(texts: readonly string[]): string {
  const more = texts.length > namedMax ? ` and ${texts.length - namedMax} more` : '';
  return `${texts.slice(0, namedMax).join(', ')}${more}`;
}
