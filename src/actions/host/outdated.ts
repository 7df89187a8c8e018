/** What a host tells of processes that still run what an undo has taken away. */
import type { OutdatedProcess } from '../../engine/events.ts';
import type { ActionContext } from '../define-action.ts';
import { readFields, type Fields } from '../scripts/fields.ts';
import { lookForOutdated } from '../scripts/outdated.ts';

/** So many are told of; more tell nobody anything. */
const processesMax = 50;

/** Lines that are none are left out: a host may say anything. */
export function outdatedIn(fields: Fields, target: string): readonly OutdatedProcess[] {
  return fields
    .rows('outdated')
    .flatMap(([pid = '', began = '', unit = '', name = '', ...path]) => {
      if (!/^\d{1,10}$/.test(pid) || !/^\d{1,20}$/.test(began) || path.length === 0) return [];
      return [
        { target, pid: Number(pid), began, unit: unit === '-' ? '' : unit, name, path: path.join(' ') },
      ];
    })
    .slice(0, processesMax);
}

export async function stillRuns(
  { Host }: { readonly Host: string },
  processes: readonly OutdatedProcess[],
  context: ActionContext,
): Promise<readonly OutdatedProcess[]> {
  const host = context.host(Host);
  const asked = lookForOutdated(processes.flatMap(({ pid, began, path }) => [String(pid), began, path]));
  return outdatedIn(await readFields(host, asked, context), host.name);
}
