/** The first lines of a run: the id before anything else. */
import type { Runner } from '../../journal/index.ts';
import type { ExecutionView } from '../../runtime/execution-view.ts';
import { clockText } from './durations.ts';
import { parametersText } from './output-lines.ts';
import { clipped, printable } from './printable.ts';
import type { Style } from './style.ts';

/** The longest list of parameters on the first line. */
const parametersCharactersMax = 120;

export function headLines(view: ExecutionView, style: Style): string[] {
  const parts = [
    style.paint('strong', view.executionId),
    printable(view.runbook),
    clipped(parametersText(view.parameters), parametersCharactersMax),
    ...(view.sandbox ? [style.paint('hint', '(sandbox: nothing real is touched)')] : []),
  ];
  return [parts.filter((part) => part !== '').join('  ')];
}

/** Of an execution whose runner is gone: `lastWordAt` is the time of its last event. */
export function resumeLines(runner: Runner | null, lastWordAt: number | null): string[] {
  if (runner === null) return [];
  const since = lastWordAt === null ? '' : ` since ${clockText(lastWordAt)}`;
  return [
    `The runner (pid ${runner.pid} on ${printable(runner.host)}) is gone${since}. Looking at what really happened:`,
  ];
}
