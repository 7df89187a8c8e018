/** What `belay prune` removes and leaves, in lines and as JSON. Pure. */
import type { Judged, Pruned } from '../../runtime/retention/prune.ts';
import type { Retention } from '../../runtime/retention/retention.ts';
import { agoText } from './durations.ts';
import { printable } from './printable.ts';
import { tableLines } from './table.ts';

const rowsMax = 50;

type Told = Pick<Retention, 'judged' | 'orphans' | 'keptOn' | 'keepMs'>;

export function goingLines({ judged, orphans, keptOn }: Told, now: number): string[] {
  const going = judged.filter(({ fate }) => fate.kind === 'goes');
  const rows = going.map(({ view, fate }) => {
    const hosts = view.sandbox ? [] : keptOn(view.executionId);
    const where = hosts.length === 0 ? '' : `kept on ${hosts.map(printable).join(', ')}`;
    return [
      view.executionId,
      printable(view.runbook),
      endedText(view.endedAt, now),
      printable(fate.why),
      where,
    ];
  });
  const orphaned = orphans.map((id) => [id, '', '', 'a folder without an execution: it never started', '']);
  return titled('Goes', [...rows, ...orphaned]);
}

/** Those that only wait for their time are counted; whoever has to do something about the others reads it here. */
export function stayingLines({ judged, keepMs }: Told, now: number): string[] {
  const staying = judged.flatMap(({ view, fate }) => (fate.kind === 'stays' ? [{ view, fate }] : []));
  const inTime = staying.flatMap(({ fate }) => (fate.until === undefined ? [] : [fate.until]));
  const others = staying.filter(({ fate }) => fate.until === undefined);
  const rows = others.map(({ view, fate }) => [
    view.executionId,
    printable(view.runbook),
    endedText(view.endedAt, now),
    printable(fate.why),
    fate.hint ?? '',
  ]);
  const days = `${Number((keepMs / 86_400_000).toFixed(1))} days`;
  const count =
    inTime.length === 0
      ? []
      : [
          `${inTime.length} can be taken back until ${days} after their end; the first goes after ${new Date(Math.min(...inTime)).toISOString()}.`,
        ];
  return [...titled('Stays', rows), ...count];
}

function titled(title: string, rows: readonly string[][]): string[] {
  if (rows.length === 0) return [];
  const more = rows.length > rowsMax ? [`  ${rows.length - rowsMax} more: --json has them all`] : [];
  return [
    `${title} (${rows.length})`,
    ...tableLines(rows.slice(0, rowsMax)).map((line) => `  ${line}`),
    ...more,
  ];
}

const endedText = (at: number | null, now: number): string =>
  at === null ? 'not ended' : `ended ${agoText(at, now)}`;

export function prunedLines({ removed, unfinished, silent }: Pruned): string[] {
  const hosts = silent.map(({ host, why }) => `${printable(host)}: ${printable(why)}`);
  return [
    `${removed.length} removed.`,
    ...(unfinished.length === 0
      ? []
      : [`${unfinished.length} not removed whole: what these hosts keep goes with the next belay prune`]),
    ...hosts.map((line) => `  ${line}`),
    ...(silent.length === 0 ? [] : ['  a host that does not exist any more:  belay prune --gone HOST']),
  ];
}

export function pruneJson(retention: Told, pruned: Pruned | null) {
  const one = ({ view, fate }: Judged) => ({
    executionId: view.executionId,
    runbook: view.runbook,
    endedAt: view.endedAt === null ? null : new Date(view.endedAt).toISOString(),
    why: fate.why,
    keptOn: view.sandbox ? [] : retention.keptOn(view.executionId),
  });
  return {
    schemaVersion: 1,
    keepSeconds: retention.keepMs / 1000,
    goes: retention.judged.filter(({ fate }) => fate.kind === 'goes').map(one),
    stays: retention.judged.flatMap(({ view, fate }) =>
      fate.kind === 'stays'
        ? [
            {
              ...one({ view, fate }),
              until: fate.until === undefined ? null : new Date(fate.until).toISOString(),
              hint: fate.hint ?? null,
            },
          ]
        : [],
    ),
    orphanFolders: retention.orphans,
    pruned,
  };
}
