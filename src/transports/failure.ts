/** Why something outside could not be asked or told: what the failures of hosts and of HTTP have in common. */

/** Known codes only; `message` is a sentence for an operator. */
export abstract class TransportFailure<Code extends string> extends Error {
  readonly code: Code;
  readonly retryable: boolean;
  /** `none`: nothing of what was to be done or asked has reached the other side. `unknown`: it may have been acted on. */
  readonly effect: 'none' | 'unknown';

  constructor(failure: {
    code: Code;
    message: string;
    retryable: boolean;
    effect: 'none' | 'unknown';
    cause?: unknown;
  }) {
    super(failure.message, { cause: failure.cause });
    this.code = failure.code;
    this.retryable = failure.retryable;
    this.effect = failure.effect;
  }
}
