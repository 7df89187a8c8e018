/** What people say to an execution: approve, reject, continue. Written into its inbox, whether or not it is running. */
import { nextStepSignal, type Waiting } from '../engine/index.ts';
import type { Journal } from '../journal/index.ts';
import type { Answer, Sign } from './approvals/answer.ts';
import { isIdentity } from './approvals/aws-caller.ts';
import type { Person } from './approvals/person.ts';
import { recordSigned, waitStartedAt } from './approvals/record-signed.ts';
import type { PersonWait } from './below.ts';
import { rootOf } from './child-id.ts';
import type { ExecutionView } from './execution-view.ts';
import { sinceText } from './locks/holders.ts';
import { Refusal } from './refusal.ts';
import { shellWord } from './visible.ts';

export type { AnswerOptions } from './approvals/answer.ts';

/** Answers the wait. `sign` is called where only a signature counts. Throws Refusal. */
export async function decide(
  journal: Journal,
  { view, at, waiting }: PersonWait,
  person: Person,
  answer: Answer,
  sign: Sign,
  now: number,
): Promise<void> {
  const id = view.executionId;
  await refuseLate(journal, view, at, waiting, now);
  const mayBeRejected = waiting.kind === 'unknownOutcome' || waiting.kind === 'pause';
  if (mayBeRejected && answer.decision === 'reject') {
    await answerOnce(journal, view, at, { answer: 'didNotHappen', by: person.user }, now);
    return;
  }
  if (waiting.kind !== 'approval')
    throw notThis(view, at, waiting, `belay continue ${id} --step ${shellWord(at)}`);
  if (waiting.signed === true) {
    const signed = await sign(at, waiting);
    if (!(await recordSigned(journal, { ...view, at }, signed, now)))
      throw new Refusal('refused', 'ALREADY_DECIDED', `${signed.person} has answered ${at} already`);
    return;
  }
  if (waiting.separate === true && person.isStarter) {
    const text = `you have started ${id}, and ${at} wants somebody else to approve`;
    throw new Refusal('refused', 'STARTED_IT', text, { hint: 'nothing was recorded' });
  }
  const approver = waiting.approvers.find((entry) => isSame(entry, person));
  if (approver === undefined) {
    throw new Refusal(
      'refused',
      'NOT_AN_APPROVER',
      `${person.arn ?? person.user} is not among the approvers of ${at}: ${waiting.approvers.join(', ')}`,
      {
        hint: 'nothing was recorded',
      },
    );
  }
  const value = {
    approver,
    decision: answer.decision,
    comment: answer.comment,
    by: person.arn ?? person.user,
  };
  const since = waitStartedAt({ ...view, at });
  if (!(await journal.signal(id, `approve:${at}`, value, `${approver} since ${since}`, now, value.by))) {
    throw new Refusal('refused', 'ALREADY_DECIDED', `${approver} has answered ${at} already`);
  }
}

/** Goes on behind the wait. Throws Refusal. */
export async function proceed(
  journal: Journal,
  { view, at, waiting }: PersonWait,
  by: string,
  now: number,
): Promise<void> {
  const id = view.executionId;
  if (waiting.kind !== 'pause' && waiting.kind !== 'unknownOutcome')
    throw notThis(view, at, waiting, `belay approve ${id} --step ${shellWord(at)}`);
  await refuseLate(journal, view, at, waiting, now);
  await answerOnce(journal, view, at, { answer: 'happened', by }, now);
}

/**
 * The first word counts. A second one would count for nothing, or answer the next wait of the step, which nobody has seen yet.
 * Throws Refusal.
 */
async function answerOnce(
  journal: Journal,
  { executionId: id, isLive }: ExecutionView,
  at: string,
  { answer, by }: { readonly answer: 'happened' | 'didNotHappen'; readonly by: string },
  now: number,
): Promise<void> {
  const asked = (await journal.events(id, 0)).findLast(
    ({ event }) => event.type === 'StepWaiting' && event.step === at,
  );
  if (await journal.signal(id, `continue:${at}`, answer, `wait ${asked?.seq ?? 0}`, now, by)) return;
  throw new Refusal('refused', 'ALREADY_DECIDED', `${at} of ${id} has been answered already`, {
    hint: isLive ? `belay show ${id}` : `nobody is running it: belay resume ${rootOf(id)}`,
  });
}

/** Interactive mode: SSM's signal StartStep. Without a name the step that the flow leads to. Returns its name. Throws Refusal. */
export async function startStep(
  journal: Journal,
  { executionId: id }: ExecutionView,
  { steps, number }: Extract<Waiting, { kind: 'nextStep' }>,
  step: string | undefined,
  by: string,
  now: number,
): Promise<string> {
  const [next = ''] = steps;
  const chosen = step ?? next;
  if (!steps.includes(chosen))
    throw new Refusal('refused', 'NOT_NEXT', `${id} cannot go on with ${chosen} now`, {
      hint: `what can come now: ${steps.join(', ')}`,
    });
  const value = { wait: number, step: chosen };
  if (await journal.signal(id, nextStepSignal, value, `wait ${number}`, now, by)) return chosen;
  throw new Refusal('refused', 'ALREADY_DECIDED', `which step comes before ${next} is decided already`, {
    hint: `belay show ${id}`,
  });
}

/** An answer to a wait whose time ended while nobody ran the execution would be recorded and count for nothing. */
async function refuseLate(
  journal: Journal,
  view: ExecutionView,
  at: string,
  waiting: Waiting,
  now: number,
): Promise<void> {
  const { executionId: id } = view;
  if (view.isLive || (waiting.kind !== 'approval' && waiting.kind !== 'pause')) return;
  const since = (await waitingSince(journal, id, at)) ?? now;
  const until = since + waiting.timeoutSeconds * 1000;
  if (now <= until) return;
  throw new Refusal(
    'refused',
    'TOO_LATE',
    `${at} waited ${waiting.timeoutSeconds} s, until ${sinceText(until, now)}; an answer does not count any more`,
    { hint: `belay resume ${rootOf(id)} goes on: the step is TimedOut` },
  );
}

/** When the present attempt of the step began to wait, in ms since 1970; undefined: it did not. */
async function waitingSince(journal: Journal, id: string, at: string): Promise<number | undefined> {
  const events = await journal.events(id, 0);
  const started = events.findLastIndex(({ event }) => event.type === 'StepStarted' && event.step === at);
  const waits = events
    .slice(Math.max(0, started))
    .find(({ event }) => event.type === 'StepWaiting' && event.step === at);
  return waits?.at;
}

function notThis(view: ExecutionView, at: string, waiting: Waiting, hint: string): Refusal {
  return new Refusal(
    'refused',
    'NOT_WAITING',
    `${at} of ${view.executionId} waits for something else: ${waiting.kind}`,
    { hint },
  );
}

/**
 * Approvers as AWS names them: a user name, a user ARN, a role ARN or an assumed-role ARN
 * (SSM User Guide, automation-action-approve).
 */
function isSame(entry: string, { user, arn }: Person): boolean {
  if (arn === null) return entry === user;
  if (entry === arn) return true;
  const userName = /:user\/(?:.*\/)?([^/]+)$/.exec(arn)?.[1];
  return userName === undefined ? isIdentity(entry, arn) : entry === userName;
}
