/** What the command line and, later, the server can ask for. One object per process and state folder. */
import { userInfo } from 'node:os';
import { createCatalog } from '../actions/index.ts';
import {
  checkDocument,
  isCommandDocument,
  type CheckedDocument,
  type Catalog,
  type Document,
  type SourceText,
} from '../document/index.ts';
import {
  foldEvents,
  type ExecutionState,
  type RecordedEvent,
  type RollbackRequest,
} from '../engine/index.ts';
import {
  asJournalFailure,
  openSqliteJournal,
  type ExecutionRow,
  type Journal,
  type NewExecution,
} from '../journal/index.ts';
import { createAwsModels } from '../transports/aws/models.ts';
import { scriptTools } from '../transports/scripts/tools.ts';
import { triggeredAlarm } from './alarm-watch.ts';
import { cancel, complete, requestRollback } from './ask.ts';
import { withAnswers } from './answered.ts';
import { meantWait, waitsFrom, type PersonWait } from './below.ts';
import type { BelayOptions } from './belay-options.ts';
import { configurationFiles, type Configurations } from './configuration.ts';
import { executionView, listedView, type ExecutionView, type ListedExecution } from './execution-view.ts';
import { findExecution } from './find-execution.ts';
import { listSound } from './listing.ts';
import { livenessOf, runnersIn, type Runners } from './liveness.ts';
import { surveyLocks, unlock, type FoundUnlocking, type LockDeskPorts } from './locks/lock-desk.ts';
import type { HostSurvey } from './locks/survey.ts';
import { Notifier } from './notify/notifier.ts';
import { LeftOut } from './left-out.ts';
import { openTransports } from './transports.ts';
import { openExecution } from './open-execution.ts';
import { discard } from './retention/closing.ts';
import { forgetOnHost, openRetention, type Retention, type RetentionOptions } from './retention/retention.ts';
import { readText } from './read-text.ts';
import { runbookOf } from './command-runbook.ts';
import { checkFile, type CheckedFile, type FileLook } from './check-file.ts';
import { Refusal } from './refusal.ts';
import { unchanged } from './program-hash.ts';
import { refuseChild } from './refuse-child.ts';
import { runHere } from './run-here.ts';
import type { EventBelow, RunEnding, RunOptions } from './run-options.ts';
import { signer } from './approvals/give.ts';
import { personAsking } from './approvals/person.ts';
import { decide, proceed, startStep, type AnswerOptions } from './signals.ts';
import { maskPlaceholders } from './secrets/placeholder.ts';
import type { SecretSources } from './secrets/references.ts';
import { startExecution, type Started, type StartRequest } from './start-execution.ts';
import { openStateDir, stateDirOf } from './state-dir.ts';

export type { StartRequest } from './start-execution.ts';

export class Belay {
  readonly stateDir: string;
  readonly leftOut: LeftOut;
  readonly configurations: Configurations;
  readonly #options: BelayOptions;
  readonly #openTransports: typeof openTransports;
  readonly #now: () => number;
  readonly #caller: () => string;
  readonly #runners: Runners;
  #journal: Journal | undefined;
  #catalog: Catalog | undefined;
  #notifier: Notifier | undefined;

  constructor(options: BelayOptions) {
    let read: ReturnType<SecretSources['stdin']> | undefined;
    this.#options = { ...options, stdin: () => (read ??= options.stdin()) };
    this.#openTransports = options.openTransports ?? openTransports;
    this.#now = options.now ?? Date.now;
    this.#caller = options.caller ?? (() => userInfo().username);
    this.configurations = options.configurations ?? configurationFiles(options.cwd, options.env);
    this.leftOut = new LeftOut(options.onDamaged);
    this.stateDir = stateDirOf(options.state, options.env);
    this.#runners = options.runners ?? runnersIn(this.stateDir);
  }

  /** Throws JournalFailure. */
  get journal(): Journal {
    if (this.#journal !== undefined) return this.#journal;
    asJournalFailure(this.stateDir, () => openStateDir(this.stateDir, this.#options.env));
    return (this.#journal = openSqliteJournal(this.stateDir));
  }

  /** Who tells people. Undefined: this process does not. */
  get notifier(): Notifier | undefined {
    const { words, env } = this.#options;
    if (words === undefined) return undefined;
    const { stateDir, configurations } = this;
    return (this.#notifier ??= new Notifier({
      stateDir,
      configurations,
      env,
      words,
      journal: () => this.journal,
      now: this.#now,
    }));
  }

  get catalog(): Catalog {
    this.#catalog ??= createCatalog(createAwsModels(), scriptTools);
    return this.#catalog;
  }

  /** Throws Refusal when the file cannot be read. */
  check(file: string, look: FileLook): CheckedFile {
    const { catalog, configurations } = this;
    return checkFile(file, look, { catalog, configurations, cwd: this.#options.cwd });
  }

  /** Everything that is right and wrong with what `belay run` would start: of a Command document, the runbook that runs it on its targets. Throws Refusal. */
  checkRun(
    file: string,
    selectors: readonly string[] | undefined,
  ): CheckedDocument & { readonly source: SourceText; readonly isCommand: boolean } {
    const written = readText(file);
    const isCommand = isCommandDocument(written.text);
    const source = isCommand
      ? runbookOf(written, { selectors, hosts: (names) => names, cwd: this.#options.cwd })
      : written;
    return { source, isCommand, ...checkDocument(source, this.catalog) };
  }

  /**
   * Checks everything and writes the execution down. Nothing has begun. Throws Refusal, and what `beforeCreate` throws:
   * it is called when everything was found right, and keeps the execution from being written down.
   */
  start(
    request: StartRequest,
    beforeCreate: (execution: NewExecution) => Promise<void> = () => Promise.resolve(),
  ): Promise<Started> {
    const { cwd, env, stdin } = this.#options;
    asJournalFailure(this.stateDir, () => openStateDir(this.stateDir, env));
    const { journal, stateDir, catalog, configurations } = this;
    const world = { openTransports: this.#openTransports, now: this.#now, caller: this.#caller };
    const parts = { journal, stateDir, catalog, configurations, cwd, env, stdin, beforeCreate };
    return startExecution(request, { ...parts, ...world });
  }

  /** Runs it here: a new one, or one whose runner is gone. Throws Refusal and JournalFailure. */
  async run(
    id: string,
    options: Pick<RunOptions, 'onEvent' | 'onBelow' | 'onNotice' | 'onTold' | 'onWait' | 'leave'>,
  ): Promise<RunEnding> {
    const { env, stdin } = this.#options;
    const ports = { openTransports: this.#openTransports };
    const { notifier, journal, stateDir, configurations } = this;
    using telling = notifier?.during(await this.row(id));
    const onEvent = (recorded: RecordedEvent): void => {
      options.onEvent?.(recorded);
      telling?.hear(recorded.event);
    };
    const onBelow = (event: EventBelow): void => {
      options.onBelow?.(event);
      telling?.hear(event.recorded.event);
    };
    const hasOutbox = notifier !== undefined;
    return await runHere(id, {
      ...options,
      onEvent,
      onBelow,
      hasOutbox,
      journal,
      stateDir,
      configurations,
      env,
      stdin,
      ports,
      now: this.#now,
    });
  }

  /** The id for a unique prefix; the latest one without any. Throws Refusal. */
  find(prefix: string | undefined): Promise<string> {
    return findExecution(this.journal, this.stateDir, prefix);
  }

  /** The latest execution that has not ended and needs a runner most. Throws Refusal. */
  async findOpen(): Promise<string> {
    const woken = await this.journal.woken(this.#now());
    return openExecution(await this.list(), new Set(woken.map(({ id }) => id)), this.stateDir);
  }

  async row(id: string): Promise<ExecutionRow> {
    const row = await this.journal.execution(id);
    if (row === undefined) throw new Refusal('usage', 'UNKNOWN_EXECUTION', `there is no execution ${id}`);
    return row;
  }

  /** As people may see them. */
  async events(id: string, afterSeq = 0): Promise<RecordedEvent[]> {
    return maskPlaceholders(await this.journal.events(id, afterSeq));
  }

  async state(id: string): Promise<ExecutionState> {
    return foldEvents(await this.events(id));
  }

  /** As `list` and `show` give it. */
  async view(id: string): Promise<ExecutionView> {
    const row = await this.row(id);
    const view = executionView(row, await this.state(id), await livenessOf(this.journal, this.#runners, row));
    const alarm = row.settings.alarm === undefined ? undefined : await triggeredAlarm(this.journal, id);
    const seen = alarm === undefined ? view : { ...view, triggeredAlarm: alarm };
    return withAnswers(this.journal, seen);
  }

  /** One of many. Undefined: what the journal has of it cannot be read, and `leftOut` knows why. */
  soundView(id: string): Promise<ExecutionView | undefined> {
    return this.leftOut.sound(() => this.view(id));
  }

  /** Executions that a step of it started, in the order in which it did. */
  async children(id: string): Promise<ExecutionView[]> {
    const children: ExecutionView[] = [];
    for (const child of await this.journal.childIds(id)) children.push(await this.view(child));
    return children;
  }

  /** What waits for a person in it and in those below it. */
  async waits(id: string): Promise<PersonWait[]> {
    return waitsFrom(await this.view(id), this.journal, (below) => this.soundView(below));
  }

  /** Newest first, without children and what cannot be read. */
  async list(countMax: number | null = null): Promise<ListedExecution[]> {
    return listSound(this.journal, await this.journal.listed(countMax), this.leftOut, (id) => this.view(id));
  }

  /** All below a root, in the order in which they were started, without what cannot be read. */
  async listBelow(root: string): Promise<ListedExecution[]> {
    return listSound(this.journal, await this.journal.listedBelow(root), this.leftOut, (id) => this.view(id));
  }

  /** As a list tells it; undefined: there is none of that id. */
  async listed(id: string): Promise<ListedExecution | undefined> {
    const row = await this.journal.listedRow(id);
    return row === undefined ? undefined : (listedView(row) ?? (await this.view(id)));
  }

  /** The document that it runs. Throws Refusal where somebody has changed it. */
  async document(id: string): Promise<Document> {
    return unchanged(await this.row(id)).program.document;
  }

  /** Asks a running execution to stop and climb down; an interrupted one does so when it is resumed. Throws Refusal. */
  async cancel(id: string): Promise<ExecutionView> {
    const view = await this.view(id);
    await cancel(this.journal, await this.row(id), view, this.#caller(), this.#now());
    return view;
  }

  /** Has it end behind what is under way, with nothing undone. Throws Refusal. */
  async complete(id: string): Promise<ExecutionView> {
    const view = await this.view(id);
    await complete(this.journal, await this.row(id), view, this.#caller(), this.#now());
    return view;
  }

  /** `belay approve|reject`, in it or below it. Throws Refusal when nothing waits or the person is not an approver. */
  async decide(
    id: string,
    step: string | undefined,
    answer: AnswerOptions,
  ): Promise<{ readonly view: ExecutionView; readonly step: string; readonly isPrompt: boolean }> {
    const wait = meantWait(await this.view(id), await this.waits(id), step);
    const { view, path, waiting } = wait;
    const row = await this.row(view.executionId);
    const { env } = this.#options;
    const person = await personAsking(row, this.#caller(), env);
    const sign = signer(row, answer, { configurations: this.configurations, env, now: this.#now });
    await decide(this.journal, wait, person, answer, sign, this.#now());
    return { view, step: path, isPrompt: waiting.kind === 'approval' && waiting.signed !== true };
  }

  /** `belay continue`: for aws:pause, for the next step in Interactive mode, and for outcomes that only a person can know. */
  async proceed(
    id: string,
    step: string | undefined,
  ): Promise<{ readonly view: ExecutionView; readonly step: string }> {
    const top = await this.view(id);
    const by = this.#caller();
    if (top.waiting?.kind === 'nextStep')
      return { view: top, step: await startStep(this.journal, top, top.waiting, step, by, this.#now()) };
    const wait = meantWait(top, await this.waits(id), step);
    await proceed(this.journal, wait, by, this.#now());
    return { view: wait.view, step: wait.path };
  }

  /** Asks for the rollback of an execution that has ended. It happens when the execution is run again. Throws Refusal. */
  async requestRollback(id: string, request: RollbackRequest): Promise<void> {
    await requestRollback(
      this.journal,
      await this.row(id),
      await this.view(id),
      request,
      this.#caller(),
      this.#now(),
    );
  }

  /** A person's last word on an execution that nobody runs. Returns locks that could not be given back. Throws Refusal. */
  async discard(id: string, why: string): Promise<{ readonly lock: string; readonly why: string }[]> {
    refuseChild(await this.row(id));
    const { inventoryFile, sandbox } = (await this.row(id)).settings;
    const { configurations: from } = this;
    const inventory = () =>
      (inventoryFile !== null && from.has(inventoryFile) ? from.read(inventoryFile) : from.find()).inventory;
    const said = { at: this.#now(), by: this.#caller(), why };
    return discard(
      { journal: this.journal, runners: this.#runners },
      id,
      said,
      (await this.view(id)).endedAt !== null,
      () =>
        this.#openTransports({
          sandbox,
          inventory: inventory(),
          stateDir: this.stateDir,
          executionId: id,
          now: this.#now,
        }),
    );
  }

  /** What `belay prune` removes and what it leaves. Throws Refusal. The caller closes it. */
  retention(gone: readonly string[]): Promise<Retention> {
    return openRetention(this.#retentionOptions(gone));
  }

  /** Tells a host to forget an execution by its label. Throws Refusal. */
  forgetOnHost(id: string, host: string): Promise<void> {
    return forgetOnHost(this.#retentionOptions([]), id, host);
  }

  #retentionOptions(gone: readonly string[]): RetentionOptions {
    const { journal, stateDir, configurations } = this;
    return {
      journal,
      stateDir,
      configurations,
      view: (id) => this.soundView(id),
      openTransports: this.#openTransports,
      gone,
      now: this.#now,
    };
  }

  /** Who holds what: in this state folder, and with `hosts` by the entries on every host of belay.yaml. */
  locks(where: { readonly hosts: boolean }): Promise<HostSurvey> {
    return surveyLocks(this.#lockDesk, where);
  }

  /** Hands over what would be freed; `free` frees it. Throws Refusal. */
  unlock<T>(lock: string, holder: string, decideThen: (found: FoundUnlocking) => Promise<T>): Promise<T> {
    return unlock(this.#lockDesk, lock, holder, decideThen);
  }

  get #lockDesk(): LockDeskPorts {
    const { journal, stateDir, configurations } = this;
    return {
      journal,
      stateDir,
      configurations,
      runners: this.#runners,
      openTransports: this.#openTransports,
      now: this.#now,
    };
  }

  close(): void {
    this.#notifier?.close();
    this.#journal?.close();
    this.#journal = undefined;
  }
}
