/**
 * What a step says that was given a secret which has another value now: nobody has the earlier one, so it cannot be found in
 * anything. Text of the step is kept nowhere and shown to nobody; numbers, changes and how it ended are.
 */
import type { ActivityKind, AdoptAnswer, EffectResult, OutcomeResult } from '../../engine/index.ts';
import type { JsonObject } from '../../json.ts';
import type { OutputSink } from '../../transports/host.ts';

/** Completes "withheld: …". */
export const whyGiven =
  'the step was given a secret; where its action takes ShowOutput, ShowOutput: true shows it, with known forms of the secret masked';

/** Completes "withheld: …". */
export function whyChanged(secret: string): string {
  return `the step was given another value of ${secret} than there is now, which nobody could take out of it`;
}

/** `why` completes "withheld: …". */
export function withheldSink(sink: OutputSink, why: string): OutputSink {
  let isSaid = false;
  return {
    write: async (stream) => {
      if (isSaid) return;
      isSaid = true;
      await sink.write(stream, Buffer.from(`[belay: the output is withheld: ${why}]\n`));
    },
  };
}

export function withheldResult<K extends ActivityKind>(
  kind: K,
  result: OutcomeResult<K>,
  secret: string,
): OutcomeResult<K> {
  const sentence = `withheld: ${whyChanged(secret)}`;
  const effect = (value: EffectResult): EffectResult => ({
    ...value,
    outputs: withoutTexts(value.outputs),
    note: sentence,
  });
  if (result.status === 'failed') {
    const { value } = result;
    return { ...result, message: sentence, ...(value === undefined ? {} : { value: effect(value) }) };
  }
  if (result.status === 'timeout') return { status: 'timeout' };
  if (result.status !== 'ok') return result;
  if (kind === 'wait') return { ...result, value: effect(result.value as EffectResult) } as OutcomeResult<K>;
  if (kind !== 'adopt') return result;
  return { ...result, value: adoption(result.value as AdoptAnswer, effect, sentence) } as OutcomeResult<K>;
}

function adoption(
  answer: AdoptAnswer,
  effect: (value: EffectResult) => EffectResult,
  sentence: string,
): AdoptAnswer {
  if (answer.found === 'done') return { ...answer, result: effect(answer.result) };
  if (answer.found !== 'failed') return answer;
  const { failure, result } = answer;
  return {
    ...answer,
    failure: { ...failure, message: sentence },
    result: result === null ? null : effect(result),
  };
}

/** What reads one of those that are gone is told that the step gave none. */
function withoutTexts(outputs: JsonObject): JsonObject {
  const kept = Object.entries(outputs).filter(
    ([, value]) => typeof value === 'number' || typeof value === 'boolean',
  );
  return Object.fromEntries(kept);
}
