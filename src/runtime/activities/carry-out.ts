/** What a call of each kind means to actions and transports. */
import {
  ActionFailure,
  secretInputsOf,
  type ActionContext,
  type AnyAction,
} from '../../actions/define-action.ts';
import type { ActivityCallOf, ActivityKind, AnswerOf, OutcomeResult, Work } from '../../engine/index.ts';
import { beginTimeoutMs, prepareTimeoutMs } from '../../engine/index.ts';
import { mayHoldSecret } from '../../document/index.ts';
import type { JsonObject } from '../../json.ts';
import type { KnownMachines } from '../known-machines.ts';
import type { ApprovalJudge } from '../approvals/approval-judge.ts';
import { childIdOf } from '../child-id.ts';
import type { ChildRunbooks } from '../child-runbooks.ts';
import type { LockKeeper } from '../locks/keeper.ts';
import type { Vault } from '../secrets/vault.ts';
import { adopt } from './adopt.ts';
import { readCaptures } from './capture.ts';
import { boundEffect, type BoundEffect } from './bound-effect.ts';
import { checkedInputs } from './inputs.ts';
import { untilTaken } from './later.ts';
import { findTargets } from './find-targets.ts';
import type { Pause } from './pause.ts';
import { wait } from './wait.ts';

/** What an activity is carried out with. */
export interface Means {
  readonly actions: ReadonlyMap<string, AnyAction>;
  readonly locks: LockKeeper;
  readonly approvals: ApprovalJudge;
  readonly machines: Pick<KnownMachines, 'mayBecomeOthers'>;
  readonly vault: Vault;
  readonly runbooks: ChildRunbooks;
  /** Whether people are told of what the journal holds, by the outbox: then nothing is sent from here. */
  readonly hasOutbox?: boolean;
  readonly context: ActionContext;
  readonly cancel: AbortSignal;
  /** Milliseconds since 1970. */
  readonly deadlineAt: number;
  /** How time passes while something is waited for; left out: by itself. */
  readonly pause?: Pause;
}

type CarryOut<K extends ActivityKind> = (call: ActivityCallOf<K>, means: Means) => Promise<OutcomeResult<K>>;

const byKind: { readonly [K in ActivityKind]: CarryOut<K> } = {
  identity: async (_call, { context }) => {
    const { account, arn, region, partition } = await context.aws.identity(context.signal);
    return ok<'identity'>({ account, arn, region, partition });
  },
  lock: async ({ input }, { locks, context }) => ok<'lock'>(await locks.take(input.locks, context.signal)),
  decision: async ({ input, step }, { approvals }) => ok<'decision'>(await approvals.judge(step, input)),
  unlock: async (_call, { locks, context }) => ok<'unlock'>(await locks.release(context.signal)),
  prepare: async ({ input }, means) => {
    const { action, inputs } = checked(input, means);
    const observed = (await action.observe?.(inputs, means.context)) ?? null;
    const captures =
      input.captures === undefined ? {} : await readCaptures(input.captures, action, inputs, means.context);
    return ok<'prepare'>({ observed, captures });
  },
  observe: async ({ input }, means) => {
    const { action, inputs } = checked(input, means);
    return ok<'observe'>((await action.observe?.(inputs, means.context)) ?? null);
  },
  begin: async ({ input }, means) => {
    const { effect, inputs, before } = (await acting(input, means)).bound();
    return ok<'begin'>(effect.kind === 'begun' ? await effect.begin(inputs, before, means.context) : null);
  },
  adopt: async ({ input, step }, means) => {
    const { action, inputs, bound } = checked(input, means);
    return adopt({ ...means, action, inputs, bound: bound(), work: input, step });
  },
  wait: async (call, means) => {
    await acting(call.input, means);
    return wait({ ...checkedCall(call, means), handle: call.input.handle, ...means });
  },
  stop: async ({ input }, means) => {
    const { action, bound } = checked(input, means);
    const { effect, inputs } = bound();
    if (effect.kind !== 'begun') return ok<'stop'>('stopped');
    if (effect.stop === undefined) return notStoppable(action);
    await effect.stop(input.handle, inputs, means.context);
    return ok<'stop'>('stopped');
  },
  stillRuns: async ({ input: { processes, ...work } }, means) => {
    const { action, inputs } = checked(work, means);
    return ok<'stillRuns'>((await action.stillRuns?.(inputs, processes, means.context)) ?? processes);
  },
  findRunbook: async ({ input: { name, version, over } }, { runbooks, context }) =>
    ok<'findRunbook'>(
      over === undefined ? await runbooks.find(name, version, context.aws) : runbooks.over(name, over),
    ),
  findTargets: async ({ input }, { context }) => ok<'findTargets'>(await findTargets(input, context)),
  fitParameters: async ({ input: { call, ...asked } }, { runbooks, context }) =>
    ok<'fitParameters'>(
      await runbooks.fit({ ...asked, childId: childIdOf(context.executionId, call) }, context.aws),
    ),
  notify: async ({ input: { topic, subject, message }, step }, means) => {
    if (means.hasOutbox === true)
      return ok<'notify'>({ outputs: {}, changes: [], restorePoints: [], targets: [topic], note: '' });
    // People read it, and they may be shown no secret.
    const [Subject, Message] = [means.vault.masked(subject), means.vault.masked(message)];
    const inputs = { TopicArn: topic, Subject, Message };
    const work: Work = { action: 'sns:publish', inputs, before: null };
    return wait({ ...checkedCall({ input: work, step }, means), handle: null, ...means });
  },
};

/** How long one try of these may take, in ms; the rest of their time is for waiting until AWS takes it. */
const tryMs: Partial<Record<ActivityKind, number>> = { begin: beginTimeoutMs, prepare: prepareTimeoutMs };

/** Throws what actions and transports throw. */
export async function carryOut<K extends ActivityKind>(
  call: ActivityCallOf<K>,
  means: Means,
): Promise<OutcomeResult<K>> {
  const limitMs = tryMs[call.kind];
  const act = async (): Promise<OutcomeResult<K>> => {
    if (limitMs === undefined) return byKind[call.kind](call, means);
    using limited = within(means.context.signal, limitMs);
    return await byKind[call.kind](call, { ...means, context: { ...means.context, signal: limited.signal } });
  };
  const { context, deadlineAt } = means;
  const until = call.laterMs === undefined ? deadlineAt : Math.min(deadlineAt, context.now() + call.laterMs);
  const result = await untilTaken(act, { ...means, deadlineAt: until });
  return result === 'cancelled' ? { status: 'cancelled' } : result;
}

/** The signal, or the end of the time. Its timer goes with it. */
function within(signal: AbortSignal, ms: number): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), ms);
  return {
    signal: AbortSignal.any([signal, controller.signal]),
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}

/** After its outcome is journaled: what an effect left behind to be found by may go. */
export async function release(
  call: ActivityCallOf<'wait'> | ActivityCallOf<'stop'>,
  means: Means,
): Promise<void> {
  const { effect, inputs } = checked(call.input, means).bound();
  if (effect.kind === 'begun') await effect.release?.(call.input.handle, inputs, means.context);
}

interface Checked {
  readonly action: AnyAction;
  /** Revealed, and fit for the action. */
  readonly inputs: JsonObject;
  readonly bound: () => BoundEffect;
}

/** Throws ActionFailure. */
function checked(work: Work, { actions, vault }: Means): Checked {
  const action = actions.get(work.action);
  if (action === undefined) {
    throw new ActionFailure({
      code: 'UNKNOWN_ACTION',
      message: `this Belay has no action ${work.action}; the execution was started by another version`,
    });
  }
  refuseSecrets(action, work, vault);
  const { inputs: revealed } = vault.reveal(work.inputs);
  const inputs = checkedInputs(action, revealed);
  return { action, inputs, bound: () => boundEffect(action, inputs, work) };
}

/** Again what was checked at validation: outputs may have brought a secret here. What was begun is taken back in any case. */
function refuseSecrets(action: AnyAction, { inputs, undo }: Work, vault: Vault): void {
  if (undo !== undefined) return;
  const allowed = secretInputsOf(action, inputs);
  const place = vault.secretPlace(inputs, (path) => mayHoldSecret(path, allowed));
  if (place === undefined) return;
  const may = allowed.length === 0 ? 'none may' : `only ${allowed.join(', ')} may`;
  throw new ActionFailure({
    code: 'SECRET_NOT_ALLOWED',
    message: `a secret is in ${place.join('.')} of ${action.name}, where others could read it (${may} hold one); nothing was done`,
  });
}

/** The same for what acts: which machines may become others by it is on record before it does. */
async function acting(work: Work, means: Means): Promise<Checked> {
  const found = checked(work, means);
  const replaced = found.action.replacesRootOf?.(found.inputs, work.before) ?? [];
  await means.machines.mayBecomeOthers(replaced);
  return found;
}

function checkedCall({ input, step }: { readonly input: Work; readonly step: string }, means: Means) {
  const { action, inputs, bound } = checked(input, means);
  return { action, inputs, bound: bound(), work: input, step };
}

function ok<K extends ActivityKind>(value: AnswerOf[K]): OutcomeResult<K> {
  return { status: 'ok', value };
}

function notStoppable(action: AnyAction): OutcomeResult<'stop'> {
  return {
    status: 'failed',
    code: 'NOT_STOPPABLE',
    message: `${action.name} cannot be stopped`,
    retryable: false,
    effect: 'known',
  };
}
