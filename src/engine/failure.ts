/** Why something did not come off, as data: what the engine decides by and people are shown. */

export type Failure = {
  /** Upper case: VERSION_MISMATCH, or a service's own code: InvalidVolume.NotFound. */
  readonly code: string;
  /** A sentence with the values in it. */
  readonly message: string;
  readonly retryable: boolean;
};

/** An outcome that is not `ok`. */
type NotOk =
  | ({ readonly status: 'failed' } & Failure)
  | { readonly status: 'timeout'; readonly seen?: string }
  | { readonly status: 'lost' | 'cancelled' };

/** What an outcome that is not `ok` says. `late`: the sentence for no answer in time. */
export function failureOf(outcome: NotOk, late = 'no answer came in time'): Failure {
  switch (outcome.status) {
    case 'failed': {
      const { code, message, retryable } = outcome;
      return { code, message, retryable };
    }
    case 'timeout':
      return { code: 'NO_REPLY', message: `${late}${seenText(outcome)}`, retryable: true };
    case 'lost':
      return { code: 'RUNNER_DIED', message: 'the runner died before an answer came', retryable: true };
    case 'cancelled':
      return { code: 'CANCELLED', message: 'it was cancelled', retryable: false };
    default:
      return outcome satisfies never;
  }
}

/** What a wait that ran out had seen last, as the end of a sentence; empty where it saw nothing. */
export function seenText({ seen }: { readonly seen?: string }): string {
  return seen === undefined || seen === '' ? '' : `; last seen: ${seen}`;
}
