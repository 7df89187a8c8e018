/** What a step over many hosts came to, from what it came to on each. */
import { selectOutput, type ErrorBudget } from '../../document/index.ts';
import type { Json, JsonObject } from '../../json.ts';
import { cancelled, type Ending } from '../endings.ts';
import { eachText, namedText } from '../host-texts.ts';
import type { StepRecord } from '../records.ts';
import type { EffectResult } from '../types.ts';
import type { Tally } from './launch.ts';

/** Characters of JSON that the outputs of all hosts may have together, as those of a single step; the logs have all of it. */
const outputCharactersMax = 64 * 1024;

export function endingOfHosts(
  record: StepRecord,
  hosts: readonly string[],
  tally: Tally,
  { errors }: ErrorBudget,
): Ending {
  const { succeeded, failed, failures, isCancelled } = tally;
  const outputs = allOutputs(record.onHosts ?? []);
  const characters = JSON.stringify(outputs).length;
  const isKept = characters <= outputCharactersMax;
  const withheld = isKept ? '' : withheldText(characters);
  const result = resultOf(record, hosts, tally, isKept ? outputs : null, withheld);
  const attempts = 1;
  if (isCancelled) return cancelled(attempts, result);
  if (failed.length <= errors) return withDeclared(record, result);
  const untouched = hosts.length - succeeded.length - failed.length;
  const rest = untouched === 0 ? '' : `; ${untouched} not begun`;
  const said = failures.map(({ target, failure }) => [target, failure?.message ?? 'it failed'] as const);
  const onHosts = `${record.step.name} failed on ${failed.length} of ${hosts.length} hosts (${eachText(said)}${rest})`;
  const message = [onHosts, withheld].filter((part) => part !== '').join('; ');
  const codes = new Set(failures.map(({ failure }) => failure?.code ?? ''));
  const last = failures.at(-1)?.failure;
  const isTimedOut = codes.size === 1 && codes.has('TIMED_OUT');
  return {
    status: isTimedOut ? 'TimedOut' : 'Failed',
    attempts,
    result: { ...result, note: '' },
    failure: {
      code: last?.code ?? 'TARGET_FAILED',
      message,
      retryable: failures.every(({ failure }) => failure?.retryable === true),
    },
  };
}

/** Declared outputs select from those of the whole step: `$.Outputs.db1.Stdout`, `$.Outputs.*.ExitCode`. */
function withDeclared({ step, path, onHosts = [] }: StepRecord, result: EffectResult): Ending {
  const response: JsonObject = { ...result.outputs, Outputs: allOutputs(onHosts) };
  const outputs: Record<string, Json> = { ...result.outputs };
  for (const { Name, Selector, Type } of step.outputs) {
    const selection = selectOutput(Selector, Type, response);
    if (selection.kind === 'mismatch') {
      const failure = {
        code: 'OUTPUT_MISMATCH',
        message: `output ${Name} of ${path}: ${selection.message}`,
        retryable: false,
      };
      return { status: 'Failed', attempts: 1, result, failure };
    }
    if (selection.kind === 'value') outputs[Name] = selection.value;
  }
  return { status: 'Success', attempts: 1, result: { ...result, outputs }, jump: null, decidedBy: [] };
}

function resultOf(
  { onHosts = [] }: StepRecord,
  hosts: readonly string[],
  tally: Tally,
  ofAction: JsonObject | null,
  withheld: string,
): EffectResult {
  const { succeeded, failed } = tally;
  const begun = new Set([...succeeded, ...failed]);
  const outputs: JsonObject = {
    Targets: hosts,
    Succeeded: succeeded,
    Failed: failed,
    NotStarted: hosts.filter((host) => !begun.has(host)),
    Outputs: ofAction,
  };
  const done = `${succeeded.length} of ${hosts.length} hosts done`;
  const notes = new Set(
    onHosts.flatMap(({ result }) => (result === null || result.note === '' ? [] : [result.note])),
  );
  const [note, ...others] = notes;
  const ofAll = note === undefined || others.length > 0 ? [] : [note];
  const bad = failed.length === 0 ? [] : [`failed: ${namedText(failed)}`];
  const missing = withheld === '' ? [] : [withheld];
  return {
    outputs,
    changes: onHosts.flatMap(({ result }) => result?.changes ?? []),
    restorePoints: onHosts.flatMap(({ result }) => result?.restorePoints ?? []),
    targets: onHosts.flatMap(({ host }) => (host === undefined ? [] : [host.name])),
    note: [...ofAll, [done, ...bad].join(', '), ...missing].join('; '),
  };
}

/** By host. */
function allOutputs(onHosts: readonly StepRecord[]): JsonObject {
  return Object.fromEntries(
    onHosts.flatMap(({ host, result }) =>
      host === undefined || result === null || Object.keys(result.outputs).length === 0
        ? []
        : [[host.name, result.outputs] as const],
    ),
  );
}

/** What is not in the outputs is said: a step that reads them finds null. */
function withheldText(characters: number): string {
  const kilobytes = (count: number) => Math.ceil(count / 1024);
  return `Outputs is null, because the outputs of all hosts have ${kilobytes(characters)} KiB and at most ${kilobytes(outputCharactersMax)} KiB are kept; declared outputs select from all of them, and the logs have them whole`;
}
