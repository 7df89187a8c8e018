/** The part of the screen that moves: a line per step under way, and what is still to come. Pure. */
import { durationText, elapsedText } from './durations.ts';
import { clipped, printable } from './printable.ts';
import type { ActiveStep, Progress } from './progress.ts';
import { rowLine } from './row.ts';
import type { Style } from './style.ts';

export interface LiveOptions {
  /** The latest word of every step under way, by path. */
  readonly notices: ReadonlyMap<string, string>;
  readonly now: number;
  /** Counts redraws. */
  readonly frame: number;
  readonly columns: number;
  readonly rows: number;
}

/** Steps to come that are shown at most, so that the lines under way stay in sight. */
const pendingShownMax = 8;

export function liveLines(progress: Progress, options: LiveOptions, style: Style): string[] {
  const active = [...progress.active.values()].map((step) => activeLine(step, progress, options, style));
  const room = Math.max(0, Math.min(pendingShownMax, options.rows - active.length - 2));
  const names = [...progress.pending];
  const shown = names.length <= room ? names : names.slice(0, Math.max(0, room - 1));
  const pending = shown.map((name) =>
    rowLine(
      { mark: style.marks.pending, tone: 'faint', step: name, targets: [], time: '', text: '' },
      progress,
      style,
    ),
  );
  const more = names.length - shown.length;
  const rest = more > 0 && room > 0 ? [`  ${style.marks.pending} ${more} more`] : [];
  return [...active, ...pending, ...rest].slice(0, Math.max(1, options.rows - 1));
}

function activeLine(step: ActiveStep, progress: Progress, options: LiveOptions, style: Style): string {
  const { notices, now, frame, columns } = options;
  const { spinner, waiting: mark, undone } = style.marks;
  const waits = step.waiting !== null && step.waiting.kind !== 'sleep';
  const turning = spinner[frame % spinner.length] ?? undone;
  const text = waits ? '' : (sleepText(step, now) ?? printable(notices.get(step.path) ?? ''));
  const said = step.isUndo && text === '' ? 'undoing' : text;
  const row = {
    mark: waits ? mark : turning,
    tone: waits ? ('warn' as const) : ('hint' as const),
    step: step.path,
    targets: step.targets,
    time: elapsedText(now - step.startedAt),
    text: '',
  };
  const head = rowLine(row, progress, style);
  if (said === '') return head;
  const width = rowLine(row, progress, { ...style, color: false, paint: (_tone, plain) => plain }).length;
  const gap = ' '.repeat(Math.max(2, bodyColumn(progress) - width));
  return head + gap + clipped(said, Math.max(0, columns - width - gap.length - 1));
}

/** Where the last column begins. */
function bodyColumn({ nameWidth, targetWidth }: Progress): number {
  return 4 + nameWidth + (targetWidth > 0 ? targetWidth + 2 : 0) + 2 + 6 + 2;
}

function sleepText({ waiting, startedAt }: ActiveStep, now: number): string | undefined {
  if (waiting?.kind !== 'sleep') return undefined;
  return `sleeping, ${durationText(startedAt + waiting.seconds * 1000 - now)} left`;
}

/** A sign of life for places where lines cannot move. */
export function heartbeatLines(
  progress: Progress,
  { notices, now }: Pick<LiveOptions, 'notices' | 'now'>,
  style: Style,
): string[] {
  return [...progress.active.values()].map((step) =>
    rowLine(
      {
        mark: style.marks.pending,
        tone: 'faint',
        step: step.path,
        targets: step.targets,
        time: elapsedText(now - step.startedAt),
        text:
          step.waiting !== null && step.waiting.kind !== 'sleep'
            ? 'still waiting for a person'
            : (sleepText(step, now) ?? printable(notices.get(step.path) ?? 'under way')),
      },
      progress,
      style,
    ),
  );
}
