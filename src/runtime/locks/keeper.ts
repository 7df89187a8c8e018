/**
 * Takes and gives back the locks of one execution: first in the journal, where the runs of this state folder meet, then on
 * the targets, where the state folders meet. Locks that are asked for together are taken together, or all given back. Everything
 * here is harmless to repeat: what the execution holds already is its own.
 */
import { hostname } from 'node:os';
import { ActionFailure } from '../../actions/define-action.ts';
import type { LockAnswer, UnlockAnswer } from '../../engine/index.ts';
import type { Journal, LockRow } from '../../journal/index.ts';
import type { Runners } from '../liveness.ts';
import { HostFailure, type Host } from '../../transports/host.ts';
import { giveEntry, ownerOf, takeEntry, type EntryAnswer, type LockEntry } from './lock-entry.ts';
import { heldSentence, holderName, holderOfEntry, holderOfRow, type Holder } from './holders.ts';
import { wantedLocks, type WantedLock } from './lock-names.ts';

export interface LockKeeperPorts {
  readonly executionId: string;
  readonly journal: Journal;
  readonly runners: Pick<Runners, 'isAlive'>;
  readonly isSandbox: boolean;
  /** For people: the runbook and who started it. */
  readonly runbook: string;
  readonly startedBy: string;
  /** Throws ActionFailure UNKNOWN_HOST. */
  readonly host: (name: string) => Host;
  /** Throws ActionFailure UNKNOWN_TARGET. */
  readonly targets: (selectors: readonly string[]) => readonly string[];
  readonly now: () => number;
}

/** Hosts asked at the same time. */
const hostsAtOnceMax = 8;
/** How long giving back may take when the asking was cut off. */
const giveBackTimeoutMs = 30_000;

type Reply =
  | { readonly row: LockRow; readonly kind: 'taken' }
  | { readonly row: LockRow; readonly kind: 'held'; readonly holder: Holder }
  | { readonly row: LockRow; readonly kind: 'unheard'; readonly failure: HostFailure };

export class LockKeeper {
  readonly #ports: LockKeeperPorts;

  constructor(ports: LockKeeperPorts) {
    this.#ports = ports;
  }

  /** Throws ActionFailure: UNKNOWN_TARGET, and LOCK_UNPROVEN where too few hosts answered. Nothing is held then. */
  async take(names: readonly string[], signal: AbortSignal): Promise<LockAnswer> {
    const { journal, executionId } = this.#ports;
    const wanted = this.#wanted(names);
    const inTheWay = await this.#takeRows(wanted);
    if (inTheWay !== undefined) return this.#heldBy(inTheWay.asked, inTheWay);
    const rows = (await journal.locks(executionId)).filter(({ isConfirmed }) => !isConfirmed);
    try {
      const replies = await this.#onHosts(rows, (row) => this.#takeOn(row, signal));
      signal.throwIfAborted();
      const held = replies.find((reply) => reply.kind === 'held');
      if (held !== undefined) {
        await this.#giveBack(rows, AbortSignal.timeout(giveBackTimeoutMs));
        return this.#answer(held.row.asked, held.holder);
      }
      refuseTooFew(wanted, replies);
      await journal.confirmLocks(executionId);
      return {
        kind: 'taken',
        unheard: replies.flatMap(({ kind, row }) => (kind === 'unheard' ? [row.host ?? ''] : [])),
      };
    } catch (error) {
      await this.#giveBack(rows, AbortSignal.timeout(giveBackTimeoutMs));
      throw error;
    }
  }

  /**
   * Before a resumed execution goes on: what it holds by its own record is held still, or held again. Somebody may have
   * freed it while nobody ran it. A host that does not answer keeps nobody from resuming. Null: all is well.
   */
  async assure(names: readonly string[], signal: AbortSignal): Promise<string | null> {
    const { journal, executionId, now } = this.#ports;
    if (names.length === 0) return null;
    const inTheWay = await this.#takeRows(this.#wanted(names));
    if (inTheWay !== undefined) return heldSentence(inTheWay.asked, await this.#holder(inTheWay), now());
    const replies = await this.#onHosts(await journal.locks(executionId), (row) => this.#takeOn(row, signal));
    const held = replies.find((reply) => reply.kind === 'held');
    if (held !== undefined) return heldSentence(held.row.asked, held.holder, now());
    await journal.confirmLocks(executionId);
    return null;
  }

  /** Gives back all that the execution holds. What cannot be given back stays on record. */
  async release(signal: AbortSignal): Promise<UnlockAnswer> {
    const { journal, executionId } = this.#ports;
    return { kept: await this.#giveBack(await journal.locks(executionId), signal) };
  }

  #wanted(names: readonly string[]): WantedLock[] {
    const { isSandbox, targets } = this.#ports;
    return wantedLocks(names, isSandbox, targets);
  }

  /** What executions of this folder hold that have ended is free: they could not say so, but it is known. */
  async #takeRows(wanted: readonly WantedLock[]): Promise<LockRow | undefined> {
    const { journal, executionId, isSandbox, now } = this.#ports;
    const scope = isSandbox ? executionId : '';
    const over: string[] = [];
    for (;;) {
      const inTheWay = await journal.takeLocks(scope, wanted, executionId, now(), over);
      if (inTheWay === undefined || (await this.#holder(inTheWay)).condition !== 'ended') return inTheWay;
      over.push(inTheWay.executionId);
    }
  }

  async #takeOn(row: LockRow, signal: AbortSignal): Promise<Reply> {
    const { journal, executionId, runners } = this.#ports;
    try {
      const host = this.#ports.host(row.host ?? '');
      await journal.markLock(row, true);
      const mine = await this.#entry(row);
      let answer = await takeEntry(host, mine, signal);
      const left = answer.kind === 'held' ? await holderOfEntry(journal, runners, answer.entry) : undefined;
      if (answer.kind === 'held' && left?.condition === 'ended' && left.executionId !== executionId) {
        await giveEntry(host, answer.entry.owner, signal);
        answer = await takeEntry(host, mine, signal);
      }
      return this.#reply(row, answer);
    } catch (error) {
      if (!(error instanceof HostFailure)) throw error;
      if (error.effect === 'none') await journal.markLock(row, false);
      return { row, kind: 'unheard', failure: error };
    }
  }

  async #reply(row: LockRow, answer: EntryAnswer): Promise<Reply> {
    const { journal, runners } = this.#ports;
    if (answer.kind !== 'held') return { row, kind: 'taken' };
    await journal.markLock(row, false);
    return { row, kind: 'held', holder: await holderOfEntry(journal, runners, answer.entry) };
  }

  async #entry({ asked, since }: LockRow): Promise<LockEntry> {
    const { journal, executionId, runbook, startedBy } = this.#ports;
    const folderId = await journal.folderId();
    return {
      owner: ownerOf(folderId, executionId),
      folderId,
      executionId,
      runbook,
      who: `${startedBy}@${hostname()}`,
      lock: asked,
      since,
    };
  }

  async #giveBack(rows: readonly LockRow[], signal: AbortSignal): Promise<UnlockAnswer['kept']> {
    const { journal, executionId } = this.#ports;
    const owner = ownerOf(await journal.folderId(), executionId);
    const kept: { lock: string; why: string }[] = [];
    const current = new Map((await journal.locks(executionId)).map((row) => [row.name, row]));
    const mine = rows.flatMap(({ name }) => current.get(name) ?? []);
    const ends = await this.#onHosts(
      mine.filter(({ hasEntry }) => hasEntry),
      async (row) => {
        try {
          await giveEntry(this.#ports.host(row.host ?? ''), owner, signal);
          return null;
        } catch (error) {
          if (!(error instanceof HostFailure || error instanceof ActionFailure)) throw error;
          return { row, why: error.message };
        }
      },
    );
    const left = ends.filter((end) => end !== null);
    for (const { row, why } of left) kept.push({ lock: row.name, why });
    const leftNames = new Set(left.map(({ row }) => row.name));
    await journal.dropLocks(mine.filter(({ name }) => !leftNames.has(name)));
    return kept;
  }

  async #onHosts<T>(rows: readonly LockRow[], act: (row: LockRow) => Promise<T>): Promise<T[]> {
    const results: T[] = [];
    const onHosts = rows.filter(({ host }) => host !== null);
    for (let start = 0; start < onHosts.length; start += hostsAtOnceMax)
      results.push(...(await Promise.all(onHosts.slice(start, start + hostsAtOnceMax).map(act))));
    return results;
  }

  #holder(row: LockRow): Promise<Holder> {
    const { journal, runners } = this.#ports;
    return holderOfRow(journal, runners, row);
  }

  async #heldBy(lock: string, row: LockRow): Promise<LockAnswer> {
    return this.#answer(lock, await this.#holder(row));
  }

  #answer(lock: string, holder: Holder): LockAnswer {
    const message = heldSentence(lock, holder, this.#ports.now());
    return { kind: 'held', lock, holder: holderName(holder), since: holder.since, message };
  }
}

function refuseTooFew(wanted: readonly WantedLock[], replies: readonly Reply[]): void {
  const asks = wanted.flatMap((lock) => (lock.host === null ? [] : lock.asks));
  for (const [asked, quorum] of new Map(asks.map((ask) => [ask.asked, ask.quorum]))) {
    const names = new Set(
      wanted.filter((lock) => lock.asks.some((ask) => ask.asked === asked)).map(({ name }) => name),
    );
    const own = replies.filter(({ row }) => names.has(row.name));
    const unheard = own.filter((reply) => reply.kind === 'unheard');
    const [first] = unheard;
    if (first === undefined || own.length - unheard.length >= quorum) continue;
    const few =
      own.length === 1
        ? ''
        : `${own.length - unheard.length} of ${own.length} hosts answered, and it takes ${quorum}; `;
    throw new ActionFailure({
      code: 'LOCK_UNPROVEN',
      message: `${asked} cannot be held: ${few}${first.failure.message}`,
      retryable: unheard.some(({ failure }) => failure.retryable),
      effect: 'none',
    });
  }
}
