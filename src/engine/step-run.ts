/** One step as it runs, and the shape that everything around it has: concourse's steps, one decorator per feature. */
import type { Ending } from './endings.ts';
import type { Frame } from './frame.ts';
import type { StepRecord } from './records.ts';

export interface StepRun {
  readonly frame: Frame;
  readonly record: StepRecord;
  /** Of its activities: `rollback1/SnapshotData/undo/Restore`. */
  readonly id: string;
  /** Of one try, where the step itself says so; null: its action's, or a default. */
  readonly timeoutSeconds: number | null;
}

/** Runs a step to its end. Never throws for what a step can do wrong. */
export type RunStep = (run: StepRun) => Promise<Ending>;
