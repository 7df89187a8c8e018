/** The first lines of a run: the id before anything else. */
import type { Parameter } from '../../document/index.ts';
import type { JsonObject } from '../../json.ts';
import type { Runner } from '../../journal/index.ts';
import type { ExecutionView } from '../../runtime/execution-view.ts';
import { clockText } from './durations.ts';
import { parametersText } from './output-lines.ts';
import { clipped, printable } from './printable.ts';
import type { Style } from './style.ts';

/** The longest list of parameters on the first line. */
const parametersCharactersMax = 120;

/** `defaults`: what the runbook gives a parameter that nobody gave; those are not worth a word. */
export function headLines(view: ExecutionView, defaults: JsonObject, style: Style): string[] {
  const given = Object.entries(view.parameters).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(defaults[name]),
  );
  const parts = [
    style.paint('strong', view.executionId),
    printable(view.runbook),
    clipped(parametersText(Object.fromEntries(given)), parametersCharactersMax),
    ...(view.sandbox ? [style.paint('hint', '(sandbox: nothing real is touched)')] : []),
  ];
  return [parts.filter((part) => part !== '').join('  ')];
}

export function defaultsOf(parameters: Readonly<Record<string, Parameter>>): JsonObject {
  return Object.fromEntries(
    Object.entries(parameters).flatMap(([name, { default: value, secret }]) =>
      value === undefined || secret === true ? [] : [[name, value]],
    ),
  );
}

/** Of an execution whose runner is gone: `lastWordAt` is the time of its last event. */
export function resumeLines(runner: Runner | null, lastWordAt: number | null): string[] {
  if (runner === null) return [];
  const since = lastWordAt === null ? '' : ` since ${clockText(lastWordAt)}`;
  return [
    `The runner (pid ${runner.pid} on ${printable(runner.host)}) is gone${since}. Looking at what really happened:`,
  ];
}
