/**
 * Runs the interpreter over an execution and over those that it starts below it, in one process, over the same transports, under the
 * runner's lock of the root.
 */
import { join } from 'node:path';
import { actions, createCatalog } from '../actions/index.ts';
import type { Catalog } from '../document/index.ts';
import { foldEvents, runExecution, type ExecutionResult, type RecordedEvent } from '../engine/index.ts';
import type { ApprovalPolicy } from '../inventory/index.ts';
import type { ExecutionRow, Journal, Summary } from '../journal/index.ts';
import { ActionHost, type ActivityHost } from './activity-host.ts';
import { approvalJudge } from './approvals/approval-judge.ts';
import { prefixOf } from './below.ts';
import { rootOf } from './child-id.ts';
import type { Above, ChildOptions, ChildPorts } from './children.ts';
import { childRunbooks } from './child-runbooks.ts';
import { EmbeddedRuntime } from './embedded.ts';
import { failingAt } from './failing-at.ts';
import type { KnownMachines } from './known-machines.ts';
import { Left } from './left.ts';
import { runnersIn } from './liveness.ts';
import { LockKeeper } from './locks/keeper.ts';
import { LogFolder } from './logs.ts';
import type { Transports } from './transports.ts';
import { unchanged } from './program-hash.ts';
import { programFiles } from './program-files.ts';
import { Refusal } from './refusal.ts';
import type { RunEnding, RunOptions } from './run-options.ts';
import { maskPlaceholders } from './secrets/placeholder.ts';
import type { SealedSecret } from './secrets/seal.ts';
import { Vault } from './secrets/vault.ts';
import { executionDir } from './state-dir.ts';
import { headOf, summaryOf } from './summary.ts';

/** The secrets of the root; a child has no others. */
export interface Secrets {
  readonly all: readonly SealedSecret[];
  /** Names of those that have another value than when the execution began. */
  readonly changed: readonly string[];
}

/** What the root and all below it share. */
export interface Shared {
  readonly transports: Transports;
  readonly secrets: Secrets;
  readonly machines: KnownMachines;
  /** Whose signatures count; null: belay.yaml does not say. */
  readonly approvals: ApprovalPolicy | null;
  /** Where belay.yaml says that runbooks lie, absolute. */
  readonly runbookFolders: readonly string[];
  /** Who carries out activities, given who usually does. */
  readonly activityHost: (usual: ActivityHost) => ActivityHost;
}

export async function interpret(root: ExecutionRow, shared: Shared, options: RunOptions): Promise<RunEnding> {
  const tree = new Tree(root, shared, options);
  const runtime = await tree.open(root);
  const { journal, leave } = options;
  const leaveNow = (): void => runtime.leave();
  leave?.addEventListener('abort', leaveNow, { once: true });
  try {
    const { failAt } = root.input;
    const port = failAt === null ? runtime : failingAt(runtime, failAt);
    const result = await runExecution(port, root.program, root.input);
    await runtime.flush();
    await journal.leave(root.id, await tree.summary(root.id));
    return { kind: 'ended', result };
  } catch (error) {
    if (!(error instanceof Left)) throw error;
    await runtime.flush();
    if (error.reason === 'waiting') {
      const to = options.onWait === 'leaveToDaemon' ? 'daemon' : null;
      await journal.leave(root.id, await tree.summary(root.id), { waits: [...runtime.attention.waits], to });
    }
    return { kind: 'left', reason: error.reason };
  } finally {
    leave?.removeEventListener('abort', leaveNow);
  }
}

/** Of a child: where it belongs, and what it heeds. */
type Below = ChildOptions & { readonly above: Above };

class Tree {
  readonly #root: ExecutionRow;
  readonly #shared: Shared;
  readonly #options: RunOptions;
  readonly #actsOn: (host: string) => Promise<void>;
  /** How the steps of each execution begin when they are named from the root. */
  readonly #prefixes = new Map<string, string>();
  #catalog: Catalog | undefined;

  constructor(root: ExecutionRow, shared: Shared, options: RunOptions) {
    this.#root = root;
    this.#shared = shared;
    this.#options = options;
    this.#actsOn = keptOn(root, options.journal);
  }

  /** Throws Refusal where somebody else has what it held when its last runner went. */
  async open(row: ExecutionRow, below?: Below): Promise<EmbeddedRuntime> {
    const { transports, activityHost } = this.#shared;
    const { journal, stateDir, onWait, env, now } = this.#options;
    const prefix = this.#prefixOf(row);
    unchanged(row);
    const vault = this.#vault(row);
    const locks = this.#locks();
    await assureLocks(row.id, locks, journal);
    const host = new ActionHost({
      executionId: row.id,
      locks,
      machines: this.#shared.machines,
      approvals: approvalJudge(row, this.#shared.approvals, env),
      actions,
      aws: transports.aws,
      models: transports.models,
      fetch: transports.fetch,
      host: (name) => transports.host(name),
      targets: (selectors) => transports.targets(selectors),
      scripts: transports.scripts,
      files: programFiles(row.program.document, row.settings.runbookFile ?? row.file),
      actsOn: this.#actsOn,
      vault,
      runbooks: childRunbooks({
        runBy: this.#root.settings.children ?? 'auto',
        folders: this.#shared.runbookFolders,
        file: fileOf(row),
        chain: await this.#chainOf(row),
        actions,
        catalog: () => (this.#catalog ??= createCatalog(transports.models)),
        now,
      }),
      hasOutbox: this.#options.hasOutbox === true && !this.#root.settings.sandbox,
      logs: new LogFolder(join(executionDir(stateDir, row.id), 'logs'), vault.redactor),
      onNotice: (step, text) => this.#options.onNotice?.(prefix + step, text),
      now,
    });
    return new EmbeddedRuntime({
      executionId: row.id,
      journal,
      host: activityHost(host),
      onWait,
      now,
      seal: vault,
      children: this.#children(row),
      onEvent: (recorded) => this.#tell(row, prefix, recorded),
      ...below,
    });
  }

  /** What a list is to tell of it. */
  async summary(id: string): Promise<Summary> {
    const { journal } = this.#options;
    return summaryOf(headOf(foldEvents(maskPlaceholders(await journal.events(id, 0)))));
  }

  #prefixOf({ id, child }: ExecutionRow): string {
    const prefix = child === null ? '' : (this.#prefixes.get(child.parent) ?? '') + prefixOf(child);
    this.#prefixes.set(id, prefix);
    return prefix;
  }

  #tell({ id, child }: ExecutionRow, prefix: string, recorded: RecordedEvent): void {
    const { onEvent, onBelow } = this.#options;
    if (child === null) return onEvent?.(maskPlaceholders(recorded));
    onBelow?.({ executionId: id, prefix, recorded: maskPlaceholders(recorded) });
  }

  /** The files of the executions from the root to this one. */
  async #chainOf(row: ExecutionRow): Promise<string[]> {
    const { journal } = this.#options;
    const chain: string[] = [];
    for (let at: ExecutionRow | undefined = row; at !== undefined;) {
      chain.unshift(fileOf(at));
      at = at.child === null ? undefined : await journal.execution(at.child.parent);
    }
    return chain;
  }

  #children({ file, settings }: ExecutionRow): ChildPorts {
    return {
      file,
      settings,
      hasSignedApprovals: this.#root.input.signedApprovals === true,
      run: (row, above, options) => {
        let isIdle = (): boolean => false;
        const runHere = async (): Promise<ExecutionResult> => {
          const runtime = await this.open(row, { above, ...options });
          isIdle = () => runtime.isIdle;
          const parameters = this.#vault(row).unsealedArguments(row.input.parameters);
          try {
            const result = await runExecution(runtime, row.program, { ...row.input, parameters });
            await this.#leave(runtime);
            return result;
          } catch (error) {
            if (error instanceof Left && error.reason === 'asked') await runtime.flush();
            else if (error instanceof Left) await this.#leave(runtime);
            throw error;
          }
        };
        const running = {
          get isIdle() {
            return isIdle();
          },
        };
        return { runtime: running, result: runHere() };
      },
    };
  }

  /** Of a child: what it has told and what a list is to tell of it. */
  async #leave(runtime: EmbeddedRuntime): Promise<void> {
    await runtime.flush();
    const { executionId } = runtime;
    await this.#options.journal.leave(executionId, await this.summary(executionId));
  }

  /** What everybody may read: the runbook of the root, and parameters of it that are not secret. A child's may hold what a host said. */
  #vault({ program }: ExecutionRow): Vault {
    const { all, changed } = this.#shared.secrets;
    const { program: above, input } = this.#root;
    return new Vault(all, { open: [above.document, input.parameters, program.document], changed });
  }

  /** What any of them locks, the root holds. */
  #locks(): LockKeeper {
    const { transports } = this.#shared;
    const { journal, stateDir, now, runners = runnersIn(stateDir) } = this.#options;
    const { id, settings, runbook } = this.#root;
    return new LockKeeper({
      executionId: id,
      journal,
      runners,
      isSandbox: settings.sandbox,
      runbook,
      startedBy: settings.startedBy,
      host: (name) => transports.host(name),
      targets: (selectors) => transports.targets(selectors),
      now,
    });
  }
}

/** Of the runbook, as it was found. */
const fileOf = ({ file, settings }: ExecutionRow): string => settings.runbookFile ?? file;

/** Writes down once, before anything begins there, each host that may keep something for the undo of the root or one below it. */
function keptOn({ id, settings }: ExecutionRow, journal: Journal): (host: string) => Promise<void> {
  const root = rootOf(id);
  const noted = new Map<string, Promise<void>>();
  return async (host) => {
    if (settings.sandbox) return;
    const known = noted.get(host) ?? journal.addKeptOn(root, host);
    noted.set(host, known);
    await known;
  };
}

/** How long a resumed execution looks after its locks, in ms. */
const assureTimeoutMs = 60_000;

async function assureLocks(id: string, locks: LockKeeper, journal: Journal): Promise<void> {
  const held = foldEvents(await journal.events(id, 0)).locks;
  const trouble = await locks.assure(held, AbortSignal.timeout(assureTimeoutMs));
  if (trouble === null) return;
  throw new Refusal('refused', 'LOCKED', `${id} has lost its lock: ${trouble}`, {
    hint: `nothing was changed; once it is free, belay resume ${id} goes on`,
  });
}
