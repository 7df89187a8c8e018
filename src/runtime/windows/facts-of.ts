/** What the scheduler has to know of the world about one occurrence, looked up at that moment. */
import { resolveTargets, type Inventory } from '../../inventory/index.ts';
import type { WindowStore } from '../../journal/index.ts';
import { skippedBy, type ExecutionFact, type Facts, type Occurrence } from '../../windows/index.ts';
import { contentsOf } from './task-content.ts';
import type { ReadRunbook } from './task-runbooks.ts';
import { unattended } from './unattended.ts';
import { approvalsIn } from './window-approvals.ts';
import { knownParameters, limitsOf, limitsOfCheck } from './worst-case.ts';

export interface FactSources {
  readonly store: WindowStore;
  readonly inventory: () => Inventory | null;
  readonly document: ReadRunbook;
  readonly execution: (id: string) => Promise<ExecutionFact | undefined>;
  readonly newExecutionId: () => string;
}

export async function factsOf(
  { id, window, tasks, approval, approved }: Occurrence,
  { store, execution, newExecutionId, inventory, document }: FactSources,
): Promise<Facts> {
  const words = store.words(id);
  const known = new Map<string, ExecutionFact | undefined>();
  for (const { executionId } of tasks.flatMap(({ invocations }) => invocations))
    known.set(executionId, await execution(executionId));
  const isAboutContents = approval !== null && (approved !== undefined || words.length > 0);
  const contents = isAboutContents
    ? await contentsOf(
        tasks.map(({ task }) => task),
        { read: document, inventory: inventory() },
      )
    : {};
  return {
    // What is begun from here on has nothing to tell yet.
    execution: (of) => known.get(of),
    newExecutionId,
    approvals: () => approvalsIn(words, contents),
    contents: () => contents,
    skipped: () => {
      const skip = words.find(({ kind }) => kind === 'skip');
      return skip === undefined ? null : skippedBy({ by: skip.by, why: skip.value });
    },
    // Who starts it now knows that it is paused.
    isPaused: () =>
      !words.some(({ kind }) => kind === 'run-now') &&
      store.words(window).some(({ kind }) => kind === 'pause'),
    isCancelled: () => words.some(({ kind }) => kind === 'cancel'),
    isForced: () => words.some(({ kind }) => kind === 'force'),
    targets: ({ targets }) => {
      if (targets.length === 0) return { kind: 'targets', targets: [''] };
      const found = resolveTargets(inventory(), targets);
      return found.kind === 'hosts'
        ? { kind: 'targets', targets: asWritten(found.hosts, targets, inventory()) }
        : { kind: 'unknown', message: found.message };
    },
    refusal: (task, { approval }) => {
      // Whoever starts it now is there, and answers.
      if (task.check !== undefined || words.some(({ kind }) => kind === 'run-now')) return null;
      const read = document(task.runbook);
      if ('problem' in read) return null;
      const parameters = knownParameters(task, read.document);
      const { problems } = unattended(task, read.document, {
        approval,
        inventory: inventory(),
        parameters,
        read: document,
      });
      return problems[0] === undefined ? null : { code: 'NEEDS_A_PERSON', message: problems[0].message };
    },
    worstCase: (task) => {
      if (task.check !== undefined) return limitsOfCheck(task).worstCase;
      const read = document(task.runbook);
      return 'problem' in read
        ? { kind: 'unknown', message: read.problem }
        : limitsOf(task, read.document, inventory()).worstCase;
    },
  };
}

/** A host that a task names by its instance id stays that: what AWS has as TARGET_ID. */
function asWritten(
  hosts: readonly string[],
  selectors: readonly string[],
  inventory: Inventory | null,
): readonly string[] {
  return hosts.map((host) => {
    const id = inventory?.address(host)?.instanceId;
    return id !== undefined && selectors.includes(id) && !selectors.includes(host) ? id : host;
  });
}
