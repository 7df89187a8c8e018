/** What keeps a task from running as meant. */
export interface TaskProblem {
  readonly code: string;
  readonly message: string;
  /** What to do; empty where nobody knows. */
  readonly hint: string;
}
