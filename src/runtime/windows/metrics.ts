/** What a daemon measures, as Prometheus text (https://prometheus.io/docs/instrumenting/exposition_formats/). */
import { openWindowStore, type WindowStore } from '../../journal/index.ts';
import { nextDueOf, type Occurrence } from '../../windows/index.ts';
import type { Belay } from '../belay.ts';
import type { Beat } from './daemon-options.ts';
import { soundOnes } from './stored.ts';

type Row = readonly [labels: Readonly<Record<string, string>>, value: number];

/** Throws JournalFailure. */
export async function metricsText(
  belay: Belay,
  { leads, windows, trouble }: Beat,
  now: number,
): Promise<string> {
  const store = openWindowStore(belay.stateDir);
  try {
    const executions = await belay.list();
    const open = soundOnes(store.open());
    const latest = new Map(windows.map(({ name }) => [name, latestOf(store, name)]));
    return [
      gauge('belay_leader', 'Whether this daemon leads its state folder.', [[{}, leads ? 1 : 0]]),
      gauge('belay_trouble', 'Whether something keeps the daemon from deciding.', [
        [{}, trouble === null ? 0 : 1],
      ]),
      gauge('belay_executions', 'Executions in the journal by status.', rowsBy(executions, 'status')),
      gauge(
        'belay_rollbacks',
        'Rollbacks of executions in the journal by what they came to.',
        rowsBy(
          executions.filter(({ rollbackStatus }) => rollbackStatus !== 'notRequested'),
          'rollbackStatus',
        ),
      ),
      gauge(
        'belay_occurrences',
        'Occurrences of windows by status.',
        Array.from(store.countByStatus(), ([status, count]): Row => [{ status }, count]),
      ),
      gauge('belay_occurrences_open', 'Occurrences of windows that have not ended.', [[{}, open.length]]),
      gauge(
        'belay_tasks_open',
        'Tasks of open occurrences by status.',
        rowsBy(
          open.flatMap(({ tasks }) => tasks),
          'status',
        ),
      ),
      gauge(
        'belay_late_seconds',
        'How late the latest occurrence of a window began, or has not yet.',
        [...latest].flatMap(([window, occurrence]): Row[] =>
          occurrence === undefined ? [] : [[{ window }, lateSeconds(occurrence, now)]],
        ),
      ),
      gauge(
        'belay_next_due_timestamp_seconds',
        'When a window comes next.',
        windows.flatMap((window): Row[] => {
          const due = nextDueOf(window, store.known(window.name)?.seenAt ?? now, now);
          return due === undefined ? [] : [[{ window: window.name }, due / 1000]];
        }),
      ),
      '',
    ].join('\n');
  } finally {
    store.close();
  }
}

function latestOf(store: WindowStore, window: string): Occurrence | undefined {
  return soundOnes(store.history(window, 1))[0];
}

/** One that was skipped never began, and is no later than it was seen. */
function lateSeconds({ dueAt, seenAt, startedAt, endedAt }: Occurrence, now: number): number {
  return Math.max(0, (startedAt ?? (endedAt === undefined ? now : seenAt)) - dueAt) / 1000;
}

function rowsBy<Key extends string>(
  items: readonly Readonly<Record<Key, string>>[],
  key: Key,
): readonly Row[] {
  const groups = Map.groupBy(items, (item) => item[key]);
  return Array.from(groups, ([status, { length }]): Row => [{ status }, length]);
}

function gauge(name: string, help: string, rows: readonly Row[]): string {
  return [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} gauge`,
    ...rows.map(([labels, value]) => `${name}${labelsText(labels)} ${value}`),
  ].join('\n');
}

/** Names of windows and statuses are letters, digits, dots, dashes and underscores. */
function labelsText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}
