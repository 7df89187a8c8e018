/** The scheduler's hands on executions: what is known of one, starting it under its id, stopping it, taking it over. */
import { isTerminal } from '../../engine/index.ts';
import { DamagedExecution, type WindowStore } from '../../journal/index.ts';
import type { Effect, ExecutionFact, Occurrence, Task } from '../../windows/index.ts';
import type { Belay } from '../belay.ts';
import type { ListedExecution } from '../execution-view.ts';
import { Woken, type WokenExecution } from '../woken.ts';
import { cameTo } from './came-to.ts';
import type { Need } from './messages.ts';
import { wordObject } from './stored.ts';
import type { RunnerExit, TaskRunner } from './task-runner.ts';

/** Pause before an execution that could not go on is tried again; doubles up to the second. */
const retryMs = { first: 10_000, longest: 600_000 } as const;

/** What a runner says when the state folder is in trouble, and nothing else is. */
const stateTroubles = ['DISK_FULL', 'JOURNAL_UNUSABLE'];
/** It cannot go on, although what it waited for has come. */
const missingSecret = 'MISSING_SECRET';
/** How many executions of others are run at once; those behind them have their turn when one has ended. */
const othersAtOnceMax = 16;
/** From this exit code on somebody has stopped the process. */
const interrupted = 128;

const inJournal = (says: string): Need => ({ says, isInJournal: true });

interface CheckEnd {
  /** Null: it was stopped. */
  readonly code: number | null;
  readonly said: string;
}

export class WindowExecutions {
  readonly #belay: Belay;
  readonly #store: WindowStore;
  readonly #runner: TaskRunner;
  readonly #now: () => number;
  readonly #exits: RunnerExit[] = [];
  /** Executions that their last process could not take further, and what it said. */
  readonly #stuck = new Map<string, string>();
  /** Checks that were told to stop. */
  readonly #cancelled = new Set<string>();
  /** What is woken in this turn. */
  #woken: readonly WokenExecution[] = [];
  /** What the journal said when it was last written; nobody runs these, so nothing else changes what they are. */
  readonly #idle = new Map<string, { readonly version: number; readonly listed: ListedExecution }>();
  #version = -1;
  readonly #lookOut: Woken;
  readonly #retries = new Map<string, { readonly at: number; readonly pauseMs: number }>();

  constructor(belay: Belay, store: WindowStore, runner: TaskRunner, now: () => number) {
    this.#belay = belay;
    this.#store = store;
    this.#runner = runner;
    this.#now = now;
    this.#lookOut = new Woken(() => belay.journal, now);
  }

  async fact(id: string): Promise<ExecutionFact | undefined> {
    if (!(await this.#isWritten(id))) {
      const words = this.#store.words(id);
      const refused = words.find(({ kind }) => kind === 'refused');
      if (refused !== undefined) return { kind: 'refused', message: refused.value };
      const checked = words.find(({ kind }) => kind === 'checked');
      return checked === undefined ? undefined : checkFact(checked.value, checked.at);
    }
    const listed = await this.#listed(id);
    if (listed === undefined) return this.#damagedFact(id);
    const { status, endedAt, rollbackStatus } = listed;
    if (endedAt === null || !isTerminal(status)) return { kind: 'runs' };
    const view = await this.#belay.view(id);
    const known = status === 'Success' || status === 'TimedOut' || status === 'Cancelled' ? status : 'Failed';
    return { kind: 'ended', status: known, rollbackStatus, at: endedAt, ...cameTo(view) };
  }

  /** False when it is being started already, or was just now and could not begin. */
  start(effect: Extract<Effect, { kind: 'start' }>, window: string): boolean {
    const { executionId } = effect;
    if (this.#runner.isLive(executionId) || !this.#mayTry(`start ${executionId}`)) return false;
    this.#runner.start(effect, window);
    return true;
  }

  /** False where that was said before, or cannot be said yet. */
  async cancel({ executionId }: Extract<Effect, { kind: 'cancel' }>): Promise<boolean> {
    if (await this.#isWritten(executionId)) {
      if (await this.#belay.journal.isCancelRequested(executionId)) return false;
      await this.#belay.journal.requestCancel(executionId);
      return true;
    }
    if (this.#runner.interruptCheck(executionId)) {
      const isNew = !this.#cancelled.has(executionId);
      this.#cancelled.add(executionId);
      return isNew;
    }
    if (this.#runner.isLive(executionId)) return false;
    this.#refuse(executionId, 'it was cancelled before it began');
    return true;
  }

  /** A process that this daemon had started has ended. What that means is written down in the next turn, which may fail and be made again. */
  exited(exit: RunnerExit): void {
    this.#exits.push(exit);
  }

  /** Begins a turn. Throws JournalFailure; what was not written down is tried again. */
  async settle(): Promise<void> {
    this.#version = await this.#belay.journal.version();
    this.#woken = await this.#lookOut.look();
    for (let exit = this.#exits[0]; exit !== undefined; exit = this.#exits[0]) {
      await this.#settle(exit);
      this.#exits.shift();
    }
  }

  async #settle({ executionId, kind, exitCode, said }: RunnerExit): Promise<void> {
    // Nothing is known to be wrong with it: the state folder was, or the process was killed.
    const isNobodysFault = exitCode === null || stateTroubles.some((code) => said.includes(code));
    if (await this.#isWritten(executionId)) {
      const isLeft = !said.includes(missingSecret) && (await this.#belay.journal.isLeft(executionId));
      if (exitCode === 0 || isLeft) {
        this.#stuck.delete(executionId);
        this.#retries.delete(executionId);
      } else if (!isNobodysFault && exitCode < interrupted)
        this.#stuck.set(executionId, said === '' ? `its process ended with ${exitCode}` : said);
      return;
    }
    if (kind === 'check' && this.#cancelled.has(executionId))
      this.#checked(executionId, { code: null, said });
    else if (kind === 'check' && exitCode !== null && [0, 8, 9].includes(exitCode))
      this.#checked(executionId, { code: exitCode, said });
    // Another check of the file goes on, perhaps one that the daemon before had started: this one comes behind it.
    else if (isNobodysFault || (kind === 'check' && exitCode !== 2)) return;
    else this.#refuse(executionId, said === '' ? `it ended with ${exitCode}` : said);
  }

  #checked(executionId: string, came: CheckEnd): void {
    this.#store.say(executionId, {
      kind: 'checked',
      by: 'belay',
      value: JSON.stringify(came),
      at: this.#now(),
    });
  }

  /** Resumes it where nobody runs it, and what it waits for has come; one that cannot go on is tried again later and later. */
  async takeOver(executionId: string, task: Task): Promise<boolean> {
    if (this.#runner.isLive(executionId) || !(await this.#isWritten(executionId))) return false;
    const listed = await this.#listed(executionId);
    if (listed === undefined || listed.isLive || listed.endedAt !== null) return false;
    const isWoken = this.#woken.some(({ id }) => id === executionId);
    if (!isWoken && (await this.#belay.journal.isLeft(executionId))) return false;
    if (!this.#mayTry(executionId)) return false;
    this.#runner.resume(executionId, task.identity);
    return true;
  }

  /** Resumes what was left to the daemon by others than windows, as the daemon's own user. Gives their ids. */
  takeUp(): string[] {
    const taken: string[] = [];
    for (const { id, leftTo } of this.#woken) {
      if (this.#runner.liveCount >= othersAtOnceMax) break;
      if (leftTo !== 'daemon' || this.#runner.isLive(id) || this.#runner.isOfWindow(id)) continue;
      if (!this.#mayTry(id)) continue;
      this.#runner.resume(id, {});
      taken.push(id);
    }
    return taken;
  }

  /** Of one that is written. Without a look at its events where nobody runs it; undefined: it cannot be read. */
  async #listed(id: string): Promise<ListedExecution | undefined> {
    const known = this.#idle.get(id);
    if (known?.version === this.#version) return known.listed;
    const listed = await this.#belay.leftOut.sound(() => this.#belay.listed(id));
    const isIdle = listed?.isLive === false && listed.status !== 'Interrupted' && listed.endedAt === null;
    if (isIdle) this.#idle.set(id, { version: this.#version, listed });
    else this.#idle.delete(id);
    return listed;
  }

  /** At once, and then later and later, each time that it has said yes. */
  #mayTry(what: string): boolean {
    const retry = this.#retries.get(what);
    const now = this.#now();
    if (retry !== undefined && now < retry.at && retry.at - now <= retryMs.longest) return false;
    const pauseMs = retry === undefined ? retryMs.first : Math.min(retry.pauseMs * 2, retryMs.longest);
    this.#retries.set(what, { at: now + pauseMs, pauseMs });
    return true;
  }

  /**
   * Who said yes to the occurrence has said yes to what its runs ask on their way forward. What a rollback asks is asked at night, of a
   * person: nobody knew of it beforehand. Written once for each wait and person, whoever asks how often. True: something was answered now,
   * and nobody needs to be told of the question.
   */
  async answer(executionId: string, occurrence: Occurrence, approvers: readonly string[]): Promise<boolean> {
    const { journal } = this.#belay;
    if (approvers.length === 0 || !(await this.#isWritten(executionId))) return false;
    const view = await this.#belay.soundView(executionId);
    if (view === undefined) return false;
    let isAnswered = false;
    for (const { at, waiting } of view.waits) {
      if (waiting.kind !== 'approval' || waiting.signed === true || at.includes('/undo/')) continue;
      const since = view.steps.findLast(({ name }) => name === at)?.startedAt ?? null;
      for (const by of approvers) {
        if (!waiting.approvers.includes(by)) continue;
        const comment = `said beforehand, for ${occurrence.id}`;
        const value = { approver: by, decision: 'approve', comment, by };
        const once = `${by} since ${since}`;
        if (await journal.signal(executionId, `approve:${at}`, value, once, this.#now(), by))
          isAnswered = true;
      }
    }
    for (const child of await journal.childIds(executionId))
      if (await this.answer(child, occurrence, approvers)) isAnswered = true;
    return isAnswered;
  }

  /** What a person has to do for it; undefined while it needs nobody. */
  async needOf(executionId: string): Promise<Need | undefined> {
    if (!(await this.#isWritten(executionId))) return undefined;
    const listed = await this.#listed(executionId);
    if (listed === undefined) return { says: this.#belay.leftOut.why(executionId) ?? '', isInJournal: true };
    const { waiting, at, endedAt, rollbackStatus, isLive } = listed;
    if (endedAt !== null) {
      const isOpen = rollbackStatus === 'partial' || rollbackStatus === 'failed';
      return isOpen ? inJournal(`its rollback is ${rollbackStatus}: belay show ${executionId}`) : undefined;
    }
    const stuck = isLive ? undefined : this.#stuck.get(executionId);
    if (stuck !== undefined)
      return { says: `it cannot go on: ${stuck}; belay resume ${executionId}`, isInJournal: false };
    switch (waiting?.kind) {
      case 'unknownOutcome':
        return inJournal(`nobody knows what became of ${at}: ${waiting.message}`);
      case 'approval':
        return inJournal(`${at} waits for approval: belay approve ${executionId}`);
      case 'pause':
        return inJournal(`${at} waits: belay continue ${executionId}`);
      case 'nextStep':
        return inJournal(`it waits before ${waiting.steps[0]}: belay continue ${executionId}`);
      case 'rollbackDecision':
        return inJournal(
          `it asks whether to roll back: belay rollback ${executionId}, or belay cancel ${executionId}`,
        );
      case 'sleep':
      case 'lock':
      case undefined:
        return undefined;
      default:
        return waiting satisfies never;
    }
  }

  /** Whether the journal has it, readable or not. */
  async #isWritten(executionId: string): Promise<boolean> {
    if (this.#idle.get(executionId)?.version === this.#version) return true;
    try {
      return (await this.#belay.journal.execution(executionId)) !== undefined;
    } catch (error) {
      if (error instanceof DamagedExecution) return true;
      throw error;
    }
  }

  /** Nobody can tell how it stands: it is over for its window, and a person has to look. */
  #damagedFact(id: string): ExecutionFact {
    if (this.#runner.isLive(id)) return { kind: 'runs' };
    return { kind: 'ended', status: 'Failed', rollbackStatus: 'failed', at: this.#now() };
  }

  /** Its runner said no before it had written anything down. */
  #refuse(executionId: string, message: string): void {
    this.#store.say(executionId, { kind: 'refused', by: 'belay', value: message, at: this.#now() });
  }
}

/** What is nothing that this Belay wrote is an end of which nobody knows anything. */
function checkEndIn(value: string): CheckEnd {
  const { code, said } = wordObject(value);
  const isCode = code === null || (typeof code === 'number' && Number.isInteger(code));
  return isCode && typeof said === 'string'
    ? { code, said }
    : { code: -1, said: 'what windows.db has of it is damaged' };
}

function checkFact(value: string, at: number): ExecutionFact {
  const { code, said } = checkEndIn(value);
  const ended = { kind: 'ended', rollbackStatus: 'notRequested', at } as const;
  switch (code) {
    case 0:
      return { ...ended, status: 'Success' };
    case null:
      return { ...ended, status: 'Cancelled' };
    case 8:
      return { ...ended, status: 'Failed', reason: { code: 'NON_COMPLIANT', message: said } };
    default:
      return { ...ended, status: 'Failed', reason: { code: 'UNDETERMINED', message: said } };
  }
}
