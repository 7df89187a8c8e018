/** What came of an action in a test: done, failed, unknown to everybody, or not done to its end. */
import type { ActivityKind, AnswerOf, OutcomeResult } from '../../src/engine/index.ts';
import type { EffectEnding } from '../../src/engine/steps/effect.ts';
import type { EffectResult } from '../../src/engine/types.ts';
import type { JsonObject } from '../../src/json.ts';

type Told = Partial<Omit<EffectResult, 'outputs'>>;

export type Ending =
  | ({ readonly kind: 'done'; readonly outputs: JsonObject } & Told)
  /** It ran and said no, or its time was over. */
  | ({
      readonly kind: 'failed';
      readonly code: string;
      readonly message: string;
      readonly retryable?: boolean;
      readonly outputs?: JsonObject;
    } & Told)
  /** Adoption cannot find out; a person would be asked. */
  | {
      readonly kind: 'unknown';
      readonly why: string;
      readonly outputs?: never;
      readonly changes?: never;
      readonly restorePoints?: never;
      readonly note?: never;
    };

/** Nothing is known to have been done to its end: what an action or a transport threw, as the activity host tells it. */
export class NotDone extends Error {
  override readonly name = 'NotDone';
  readonly code: string;
  readonly retryable: boolean;
  readonly effect: 'none' | 'unknown' | 'known';

  constructor(failed: {
    readonly code: string;
    readonly message: string;
    readonly retryable: boolean;
    readonly effect: 'none' | 'unknown' | 'known';
  }) {
    super(failed.message);
    this.code = failed.code;
    this.retryable = failed.retryable;
    this.effect = failed.effect;
  }
}

export function valueOf<K extends ActivityKind>(outcome: OutcomeResult<K>): AnswerOf[K] {
  if (outcome.status === 'ok') return outcome.value;
  if (outcome.status === 'failed') throw new NotDone(outcome);
  throw new NotDone({ ...notEnded, message: `it ended ${outcome.status}` });
}

const notEnded = { code: 'NOT_ENDED', retryable: false, effect: 'unknown' } as const;

/** Throws NotDone. */
export function endingOf(ended: EffectEnding): Ending {
  switch (ended.status) {
    case 'Success':
      return { kind: 'done', ...ended.result };
    case 'TimedOut':
      return { kind: 'failed', ...ended.failure };
    case 'Cancelled':
      throw new NotDone({ ...notEnded, message: 'it was cancelled' });
    case 'Failed': {
      const { failure, effect, result } = ended;
      if (failure.code === 'OUTCOME_UNKNOWN') return { kind: 'unknown', why: failure.message };
      if (effect !== 'known') throw new NotDone({ ...failure, effect });
      return { kind: 'failed', ...failure, ...result };
    }
    default:
      return ended satisfies never;
  }
}
