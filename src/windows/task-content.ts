/** What was approved, and whether it is still that. Pure. */

/** Hex hashes. */
export interface TaskContent {
  /** Of what the window file says of the task: parameters, targets, Reserve and the rest. */
  readonly says: string;
  /** By the absolute path of each file that it is known to run; empty: it could not be read. */
  readonly files: Readonly<Record<string, string>>;
}

/** By the task's name. */
export type TaskContents = Readonly<Record<string, TaskContent>>;

/** A clause that names what is otherwise now: `/srv/ops/patch.yaml is not as it was then`. Null: nothing is. */
export function changeOf(task: string, then: TaskContents, now: TaskContents): string | null {
  const before = Object.hasOwn(then, task) ? then[task] : undefined;
  const after = Object.hasOwn(now, task) ? now[task] : undefined;
  if (before === undefined) return `task ${task} was not there then`;
  if (after === undefined) return `task ${task} is gone`;
  if (before.says !== after.says) return `the window file says otherwise of task ${task} now`;
  for (const [file, hash] of Object.entries(after.files))
    if (hash === '' || (Object.hasOwn(before.files, file) ? before.files[file] : undefined) !== hash)
      return `${file} is not as it was then`;
  const gone = Object.keys(before.files).find((file) => !Object.hasOwn(after.files, file));
  return gone === undefined ? null : `${gone} is not run any more`;
}

/** The same of all tasks. */
export function anyChange(then: TaskContents, now: TaskContents): string | null {
  for (const task of new Set([...Object.keys(now), ...Object.keys(then)])) {
    const change = changeOf(task, then, now);
    if (change !== null) return change;
  }
  return null;
}
