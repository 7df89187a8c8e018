/** Of many executions, those that are left out because what the journal has of them cannot be read: the others are gone on with. */
import { DamagedExecution } from '../journal/index.ts';

export class LeftOut {
  readonly #found = new Map<string, DamagedExecution>();
  readonly #tell: (failure: DamagedExecution) => void;

  /** `tell` hears of each one once. */
  constructor(tell: (failure: DamagedExecution) => void = () => undefined) {
    this.#tell = tell;
  }

  /** So far. */
  get all(): readonly DamagedExecution[] {
    return [...this.#found.values()];
  }

  why(executionId: string): string | undefined {
    return this.#found.get(executionId)?.message;
  }

  /** Undefined: it cannot be read. Throws what is no damage of one execution. */
  async sound<T>(read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof DamagedExecution)) throw error;
      this.add(error);
      return undefined;
    }
  }

  add(failure: DamagedExecution): void {
    if (this.#found.has(failure.executionId)) return;
    this.#found.set(failure.executionId, failure);
    this.#tell(failure);
  }
}
