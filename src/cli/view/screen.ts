/** The thin part that touches the terminal: finished lines above, moving lines below; or plain lines with a time stamp. */
import type { RecordedEvent } from '../../engine/index.ts';
import { clockText } from './durations.ts';
import { eventLines, startedLines } from './event-lines.ts';
import { heartbeatLines, liveLines } from './live-lines.ts';
import { Progress } from './progress.ts';
import { spelled, type Style } from './style.ts';

export interface Screen {
  readonly progress: Progress;
  /** What happened before this screen was opened: remembered, not shown. */
  recall(events: Iterable<RecordedEvent>): void;
  tell(event: RecordedEvent): void;
  notice(step: string, text: string): void;
  /** Lines of its own, above what moves. */
  say(lines: readonly string[]): void;
  /** Stops moving, so that somebody else may write; `tell` and `say` go on. */
  hold(): void;
  resume(): void;
  close(): void;
}

/** At most ten redraws a second. */
const redrawMs = 100;
const heartbeatMs = 30_000;

export interface ScreenOptions {
  readonly executionId: string;
  readonly style: Style;
  readonly now: () => number;
}

/** Says nothing at all; for `--json`. */
export function silentScreen({ executionId }: Pick<ScreenOptions, 'executionId'>): Screen {
  const progress = new Progress(executionId);
  const nothing = (): void => undefined;
  return {
    progress,
    recall: (events) => {
      for (const event of events) progress.apply(event);
    },
    tell: (event) => progress.apply(event),
    notice: nothing,
    say: nothing,
    hold: nothing,
    resume: nothing,
    close: nothing,
  };
}

/** For pipes, files and CI: a line with a time stamp for every change of state, and a sign of life every 30 s. */
export function plainScreen(
  { executionId, style, now }: ScreenOptions,
  write: (text: string) => void,
): Screen {
  const progress = new Progress(executionId);
  const notices = new Map<string, string>();
  let lastAt = now();
  const say = (lines: readonly string[], at = now()): void => {
    for (const line of lines) write(`${clockText(at)} ${spelled(line, style)}\n`);
    if (lines.length > 0) lastAt = now();
  };
  const heartbeat = setInterval(() => {
    if (now() - lastAt >= heartbeatMs) say(heartbeatLines(progress, { notices, now: now() }, style));
  }, 1000);
  heartbeat.unref();
  return {
    progress,
    recall: (events) => {
      for (const event of events) progress.apply(event);
    },
    tell: (recorded) => {
      const ended = eventLines(recorded, progress, style);
      progress.apply(recorded);
      if (recorded.event.type === 'StepEnded' || recorded.event.type === 'UndoEnded')
        notices.delete(recorded.event.step);
      say([...startedLines(recorded, progress, style), ...ended], recorded.at);
    },
    notice: (step, text) => notices.set(step, text),
    say,
    hold: () => undefined,
    resume: () => undefined,
    close: () => clearInterval(heartbeat),
  };
}

/** For terminals. Loads log-update. */
export async function liveScreen(
  { executionId, style, now }: ScreenOptions,
  stream: NodeJS.WriteStream,
): Promise<Screen> {
  const { createLogUpdate } = await import('log-update');
  const area = createLogUpdate(stream);
  const progress = new Progress(executionId);
  const notices = new Map<string, string>();
  let frame = 0;
  let isHeld = false;
  const draw = (): void => {
    if (isHeld) return;
    frame += 1;
    const size = { columns: stream.columns || 80, rows: stream.rows || 24 };
    area(liveLines(progress, { notices, now: now(), frame, ...size }, style).join('\n'));
  };
  const say = (lines: readonly string[]): void => {
    if (lines.length === 0) return;
    if (!isHeld) area.clear();
    stream.write(lines.map((line) => `${spelled(line, style)}\n`).join(''));
    draw();
  };
  const hold = (): void => {
    if (isHeld) return;
    area.clear();
    area.done();
    isHeld = true;
  };
  const timer = setInterval(draw, redrawMs);
  timer.unref();
  return {
    progress,
    recall: (events) => {
      for (const event of events) progress.apply(event);
    },
    tell: (recorded) => {
      const lines = eventLines(recorded, progress, style);
      progress.apply(recorded);
      if (recorded.event.type === 'StepEnded' || recorded.event.type === 'UndoEnded')
        notices.delete(recorded.event.step);
      say(lines);
    },
    notice: (step, text) => notices.set(step, text),
    say,
    hold,
    resume: () => {
      isHeld = false;
    },
    close: () => {
      clearInterval(timer);
      hold();
    },
  };
}
