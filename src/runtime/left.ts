/** The runner leaves and the execution stays as it is, to be resumed. */
export class Left extends Error {
  override readonly name = 'Left';
  readonly reason: 'asked' | 'waiting';
  constructor(reason: 'asked' | 'waiting') {
    super(reason === 'asked' ? 'the runner was asked to leave' : 'the execution waits for a person');
    this.reason = reason;
  }
}
