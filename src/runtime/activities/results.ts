/** What an action gives back, as the engine keeps it: declared outputs selected, secrets taken out, sizes bounded. */
import type { AnyAction, Done, Failed } from '../../actions/define-action.ts';
import { selectOutput } from '../../document/index.ts';
import type { EffectResult, Work } from '../../engine/index.ts';
import type { Json, JsonObject } from '../../json.ts';
import type { FailedOutcome } from './outcomes.ts';

/** Bytes of JSON that a step may put out; larger answers belong into logs or a narrower selector. */
export const outputBytesMax = 64 * 1024;

/** Whose answer it is. */
export interface Answering {
  readonly action: AnyAction;
  readonly inputs: JsonObject;
  readonly work: Work;
  readonly step: string;
}

export function doneResult(
  answer: Done<JsonObject>,
  { action, inputs, work, step }: Answering,
): EffectResult | FailedOutcome {
  const named = new Map<string, Json>(Object.entries(answer.outputs));
  // It acted, whatever its outputs are: what it changed and made is kept.
  const acted: Omit<EffectResult, 'outputs'> = {
    changes: answer.changes ?? [],
    restorePoints: answer.restorePoints ?? [],
    targets: action.targets(inputs),
    note: answer.note ?? '',
    ...(answer.outdated === undefined || answer.outdated.length === 0 ? {} : { outdated: answer.outdated }),
  };
  const unfit = (code: string, message: string) =>
    knownFailure(code, message, { ...acted, outputs: kept(answer.outputs) });
  for (const { Name, Selector, Type } of work.declaredOutputs ?? []) {
    const selected = selectOutput(Selector, Type, answer.response ?? answer.outputs);
    if (selected.kind === 'mismatch')
      return unfit('OUTPUT_MISMATCH', `output ${Name} of ${step}: ${selected.message}`);
    if (selected.kind === 'value') named.set(Name, selected.value);
  }
  const outputs = Object.fromEntries(named);
  const bytes = Buffer.byteLength(JSON.stringify(outputs));
  const most = action.outputBytesMax ?? outputBytesMax;
  if (bytes > most) {
    return unfit(
      'OUTPUT_TOO_LARGE',
      `the outputs of ${step} are ${bytes} bytes, at most ${most} are kept: narrow their selectors`,
    );
  }
  return { outputs, ...acted };
}

/** What an undo may read of a step whose declared outputs did not fit; nothing where that itself is too large. */
const kept = (outputs: JsonObject): JsonObject =>
  Buffer.byteLength(JSON.stringify(outputs)) > outputBytesMax ? {} : outputs;

export function failedResult(answer: Failed, action: AnyAction, inputs: JsonObject): FailedOutcome {
  const result: EffectResult = {
    outputs: answer.outputs ?? {},
    changes: answer.changes ?? [],
    restorePoints: [],
    targets: action.targets(inputs),
    note: '',
  };
  const { code, message, retryable = false } = answer;
  return { status: 'failed', code, message, retryable, effect: 'known', value: result };
}

function knownFailure(code: string, message: string, value: EffectResult): FailedOutcome {
  return { status: 'failed', code, message, retryable: false, effect: 'known', value };
}
