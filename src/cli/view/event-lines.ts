/** One event → the lines that stay on screen. Pure: `progress` is what was known before the event. */
import {
  driftText,
  ownerOf,
  type EngineEvent,
  type Failure,
  type RecordedEvent,
} from '../../engine/index.ts';
import { resultText, targetsText } from './change-text.ts';
import { durationText, limitText } from './durations.ts';
import { printable } from './printable.ts';
import type { Progress } from './progress.ts';
import { rowLine } from './row.ts';
import { spelled, type Style, type Tone } from './style.ts';
import { waitingWords } from './waiting-lines.ts';

type Ended = Extract<EngineEvent, { type: 'StepEnded' }>;
type UndoEnded = Extract<EngineEvent, { type: 'UndoEnded' }>;

export function eventLines({ at, event }: RecordedEvent, progress: Progress, style: Style): string[] {
  switch (event.type) {
    case 'AttemptFailed': {
      const step = event.step.endsWith('/undo') ? event.step.slice(0, -'/undo'.length) : event.step;
      const targets = progress.active.get(step)?.targets ?? [];
      const text = `try ${event.attempt} of ${event.of}: ${failureText(event.failure)}`;
      return [
        rowLine({ mark: style.marks.again, tone: 'warn', step, targets, time: '', text }, progress, style),
      ];
    }
    case 'StepWaiting':
      return event.waiting.kind === 'sleep' ? [] : waitingLines(event.step, event.waiting, progress, style);
    case 'StepEnded':
      return [endedLine(event, at, progress, style)];
    case 'RollbackStarted':
      return [
        spelled(
          style.paint('strong', `Climbing down, last step first (at most ${limitText(event.budgetSeconds)})`),
          style,
        ),
      ];
    case 'UndoEnded':
      return [undoneLine(event, at, progress, style)];
    case 'TurnStarted':
      return [turnLine(event, style.marks.started, 'hint', '', progress, style)];
    case 'TurnEnded':
      // A turn that went well is told by its steps.
      return event.failure === null
        ? []
        : [turnLine(event, style.marks.failed, 'bad', failureText(event.failure), progress, style)];
    case 'PassStarted':
      return [passLine(event, progress, style)];
    case 'RollbackRefused':
      return event.drift.map(({ step, left, found }) =>
        rowLine(
          {
            mark: style.marks.failed,
            tone: 'bad',
            step,
            targets: [],
            time: '',
            text: `since the run: ${printable(driftText({ left, found }))}`,
          },
          progress,
          style,
        ),
      );
    case 'NotifyFailed':
      return [noteLine(`nobody could be notified: ${failureText(event.failure)}`, style)];
    case 'LocksTaken':
      return event.unheard.length === 0
        ? []
        : [
            noteLine(
              `${event.unheard.join(', ')} did not answer; a majority holds ${event.locks.join(', ')}`,
              style,
            ),
          ];
    case 'LocksReleased':
      return event.kept.map(({ lock, why }) => noteLine(`${lock} could not be given back: ${why}`, style));
    case 'StepStarted':
      return (event.absent ?? []).map((sentence) => noteLine(`${event.step}: ${sentence}`, style));
    case 'ExecutionStarted':
    case 'LocksRefused':
    case 'EffectAdopted':
    case 'ForwardEnded':
    case 'StateLooked':
    case 'RollbackRepeated':
    case 'OutdatedLookedFor':
    case 'UndoStarted':
    case 'RollbackEnded':
    case 'ExecutionEnded':
      return [];
    default:
      return event satisfies never;
  }
}

function passLine(
  { step, iteration, of, value }: Extract<EngineEvent, { type: 'PassStarted' }>,
  progress: Progress,
  style: Style,
): string {
  const targets = value === undefined ? [] : [typeof value === 'string' ? value : JSON.stringify(value)];
  progress.widen(targets);
  const text = of === null ? `pass ${iteration}` : `pass ${iteration} of ${of}`;
  return rowLine({ mark: style.marks.started, tone: 'hint', step, targets, time: '', text }, progress, style);
}

function turnLine(
  { step, target, number, of }: Extract<EngineEvent, { type: 'TurnStarted' | 'TurnEnded' }>,
  mark: string,
  tone: Tone,
  says: string,
  progress: Progress,
  style: Style,
): string {
  progress.widen([target]);
  const text = [`${number} of ${of}`, says].filter((part) => part !== '').join('  ');
  return rowLine({ mark, tone, step, targets: [target], time: '', text }, progress, style);
}

/** `text` is shown as it is, whatever it holds. */
function noteLine(text: string, style: Style): string {
  return spelled(`  ${style.paint('warn', style.marks.note)} ${printable(text)}`, style);
}

/** Their waiting, or their end, is all there is to say. */
const saidOtherwise: ReadonlySet<string> = new Set(['aws:branch', 'aws:sleep', 'aws:pause', 'aws:approve']);

/** Where lines cannot move, a beginning is a line of its own. */
export function startedLines({ event }: RecordedEvent, progress: Progress, style: Style): string[] {
  if (event.type === 'StepWaiting' && event.waiting.kind === 'sleep') {
    const { says } = waitingWords(progress.executionId, event.step, event.waiting);
    return [startedLine(event.step, says, progress, style)];
  }
  if (event.type === 'StepStarted' && !saidOtherwise.has(event.action))
    return [startedLine(event.step, event.action, progress, style)];
  if (event.type === 'UndoStarted') return [startedLine(event.step, 'undo', progress, style)];
  return [];
}

function startedLine(step: string, text: string, progress: Progress, style: Style): string {
  const targets = progress.active.get(step)?.targets ?? [];
  return rowLine(
    { mark: style.marks.started, tone: 'faint', step, targets, time: '', text: printable(text) },
    progress,
    style,
  );
}

export function failureText({ code, message }: Pick<Failure, 'code' | 'message'>): string {
  return `${printable(code)}  ${printable(message)}`;
}

function waitingLines(
  step: string,
  waiting: Extract<EngineEvent, { type: 'StepWaiting' }>['waiting'],
  progress: Progress,
  style: Style,
): string[] {
  const { says, commands } = waitingWords(progress.executionId, step, waiting);
  const row = { mark: style.marks.waiting, tone: 'warn' as const, step, targets: [], time: '', text: says };
  // In an interactive run what to type is the same before each step.
  const isSaid = waiting.kind === 'nextStep' && waiting.number > 1;
  return [
    rowLine(row, progress, style),
    ...(isSaid ? [] : commands).map((command) => spelled(`     ${style.paint('hint', command)}`, style)),
  ];
}

/** Shorter than what a line would show of it. */
const instantMs = 50;

function endedLine(event: Ended, at: number, progress: Progress, style: Style): string {
  const startedAt = progress.active.get(event.step)?.startedAt ?? at;
  progress.widen(event.targets);
  const good = event.status === 'Success';
  const mark = good ? style.marks.done : style.marks.failed;
  const found = progress.adopted.get(event.step);
  const adopted = found === 'done' || found === 'running' ? 'adopted: ' : '';
  const result = resultText(event);
  const reason = event.failure === null ? event.status : failureText(event.failure);
  const text = good ? adopted + result : [reason, result].filter((part) => part !== '').join('; ');
  return rowLine(
    {
      mark,
      tone: good ? 'good' : 'bad',
      step: event.step,
      targets: event.targets,
      time: isInstant(event, at - startedAt) ? '' : durationText(at - startedAt),
      text: adopted !== '' && result === '' ? 'adopted' : text,
    },
    progress,
    style,
  );
}

/** A branch takes no time worth reading. */
function isInstant({ targets }: Ended, ms: number): boolean {
  return targets.length === 0 && ms < instantMs;
}

function undoneLine(event: UndoEnded, at: number, progress: Progress, style: Style): string {
  const startedAt = progress.active.get(event.step)?.startedAt ?? at;
  progress.widen(event.targets);
  const { mark, tone, text } = undoneWords(event, style);
  const time = event.result === 'undone' || event.result === 'failed' ? durationText(at - startedAt) : '';
  return rowLine({ mark, tone, step: event.step, targets: event.targets, time, text }, progress, style);
}

function undoneWords(event: UndoEnded, { marks }: Style): { mark: string; tone: Tone; text: string } {
  const reason = printable(event.reason);
  switch (event.result) {
    case 'undone':
      return { mark: marks.undone, tone: 'good', text: resultText(event) };
    case 'nothingToDo':
      return { mark: marks.pending, tone: 'faint', text: `nothing to undo${reason && `: ${reason}`}` };
    case 'kept':
      return { mark: marks.pending, tone: 'faint', text: `kept${reason && `: ${reason}`}` };
    case 'changedSince':
      return { mark: marks.failed, tone: 'bad', text: `left alone: ${reason}` };
    case 'leftOver':
      return { mark: marks.failed, tone: 'bad', text: `left as it is${reason && `: ${reason}`}` };
    case 'failed':
      return {
        mark: marks.failed,
        tone: 'bad',
        text: event.failure === null ? 'not undone' : failureText(event.failure),
      };
    default:
      return event.result satisfies never;
  }
}

/** `3 steps were done before: Stop, SnapshotData, Patch`; empty when there were none. */
export function recalledText(progress: Progress): string {
  const names = progress.done.filter((path) => ownerOf(path) === undefined).map(printable);
  if (names.length === 0) return '';
  const shown = names.length > 6 ? `${names.slice(0, 6).join(', ')} …` : names.join(', ');
  return `${names.length} ${names.length === 1 ? 'step was' : 'steps were'} done before: ${shown}`;
}

/** Steps under way, for sentences: `Patch on db1`. */
export function activeText(progress: Progress): string {
  return [...progress.active.values()]
    .filter(({ waiting }) => waiting === null || waiting.kind === 'sleep')
    .map(({ path, targets, isUndo }) => {
      const name = `${isUndo ? 'the undo of ' : ''}${printable(path)}`;
      return targets.length === 0 ? name : `${name} on ${targetsText(targets)}`;
    })
    .join(', ');
}
