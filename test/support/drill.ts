/**
 * Runs each test twice in the same world, with BELAY_DRILL=twice: a test that leaves something behind, or that was only lucky,
 * fails the second time. Only for drills; CI tries a failed test once more, and a second try has to be worth something.
 *
 *     BELAY_DRILL=twice npx vitest run test/lab/services.test.ts
 */
import { TestRunner } from 'vitest';

type Task = Parameters<TestRunner['onCollectStart']>[0]['tasks'][number];

export default class Drill extends TestRunner {
  onCollected(files: readonly { readonly tasks: readonly Task[] }[]): void {
    for (const file of files) twice(file.tasks);
  }
}

function twice(tasks: readonly Task[]): void {
  for (const task of tasks) {
    if (task.type === 'suite') twice(task.tasks);
    else task.repeats = 1;
  }
}
