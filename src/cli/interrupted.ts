/** How a question before the start ends without an execution. */

/** Ctrl-C. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  constructor() {
    super('interrupted');
  }
}

/** A no. */
export class Declined extends Error {
  override readonly name = 'Declined';
  constructor() {
    super('declined');
  }
}
