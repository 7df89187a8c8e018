/** The first lines of a run: the id before anything else. */
import type { Document, Parameter } from '../../document/index.ts';
import type { JsonObject } from '../../json.ts';
import type { Runner } from '../../journal/index.ts';
import type { ExecutionView } from '../../runtime/execution-view.ts';
import { shellWord } from '../../runtime/visible.ts';
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

/** Steps whose author asks that what they print is shown, although a secret may be in it. */
export function shownOutputLines(document: Document): string[] {
  if (!Object.values(document.parameters).some(({ secret }) => secret === true)) return [];
  const names: string[] = [];
  const look = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if ('inputs' in value && 'name' in value && isShown(value.inputs)) names.push(String(value.name));
    for (const inner of Object.values(value)) look(inner);
  };
  look(document);
  return names.length === 0
    ? []
    : [
        `  ShowOutput: what ${names.map(printable).join(', ')} prints is shown, with known forms of secrets masked`,
      ];
}

function isShown(inputs: unknown): boolean {
  return (
    typeof inputs === 'object' && inputs !== null && 'ShowOutput' in inputs && inputs.ShowOutput === true
  );
}

export function defaultsOf(parameters: Readonly<Record<string, Parameter>>): JsonObject {
  return Object.fromEntries(
    Object.entries(parameters).flatMap(([name, { default: value, secret }]) =>
      value === undefined || secret === true ? [] : [[name, value]],
    ),
  );
}

/** Of an execution that goes on, whose file holds another text by now: who mended it must not believe that the run has it. */
export function changedLines(file: string | undefined): string[] {
  if (file === undefined) return [];
  return [
    `  ${printable(file)} has changed since this run began. The run goes on as it was written then; belay run ${shellWord(file)} takes it as it is now.`,
  ];
}

/** Of an execution whose runner is gone: `lastWordAt` is the time of its last event. */
export function resumeLines(runner: Runner | null, lastWordAt: number | null): string[] {
  if (runner === null) return [];
  const last = lastWordAt === null ? '' : `; the last thing it told was at ${clockText(lastWordAt)}`;
  return [
    `The runner (pid ${runner.pid} on ${printable(runner.host)}) is gone${last}. Looking at what really happened:`,
  ];
}
