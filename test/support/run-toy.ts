/** Runs a runbook of toy actions on the embedded host, as often as its runner dies. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AnyAction } from '../../src/actions/define-action.ts';
import { describeUndo } from '../../src/actions/describe-step.ts';
import type { Document, Step } from '../../src/document/index.ts';
import {
  foldEvents,
  plan,
  runExecution,
  type ExecutionInput,
  type ExecutionResult,
  type StepDescriptor,
} from '../../src/engine/index.ts';
import { openSqliteJournal, type ExecutionRow, type Journal } from '../../src/journal/index.ts';
import { ActionHost } from '../../src/runtime/activity-host.ts';
import type { Above } from '../../src/runtime/children.ts';
import { rootOf } from '../../src/runtime/child-id.ts';
import type { ChildRunbooks } from '../../src/runtime/child-runbooks.ts';
import { EmbeddedRuntime } from '../../src/runtime/embedded.ts';
import { Left } from '../../src/runtime/left.ts';
import { runnersIn } from '../../src/runtime/liveness.ts';
import { LockKeeper } from '../../src/runtime/locks/keeper.ts';
import { LogFolder } from '../../src/runtime/logs.ts';
import { programFiles } from '../../src/runtime/program-files.ts';
import { Vault } from '../../src/runtime/secrets/vault.ts';
import type { Host } from '../../src/transports/host.ts';
import type { Json } from '../../src/json.ts';
import { Crash, ToyWorld, toyActions } from './toy-world.ts';

type StepText = Partial<Step> & { readonly name: string; readonly action: string };

/** A step with the defaults that the document gives it. */
export function step(text: StepText): Step {
  const onFailure = text.onFailure ?? { kind: 'Abort' };
  return {
    inputs: {},
    outputs: [],
    maxAttempts: 1,
    onCancel: { kind: 'Abort' },
    isCritical: onFailure.kind !== 'Continue',
    isEnd: false,
    undo: { kind: 'auto' },
    capture: {},
    ...text,
    onFailure,
  };
}

export function runbook(mainSteps: readonly Step[], more: Partial<Document> = {}): Document {
  return {
    schemaVersion: '0.3',
    parameters: {},
    mainSteps,
    outputs: [],
    rollback: { when: 'onFailure', timeoutSeconds: 60 },
    additions: [],
    ...more,
  };
}

export interface ToyRun {
  readonly result: ExecutionResult;
  readonly world: ToyWorld;
  readonly journal: Journal;
  readonly crashes: number;
  readonly state: ReturnType<typeof foldEvents>;
  /** Names of the locks that it holds after its end. */
  readonly held: readonly string[];
}

export interface ToyOptions {
  readonly world?: ToyWorld;
  readonly input?: Partial<ExecutionInput>;
  readonly secrets?: ReadonlyMap<string, string>;
  /** Wraps the journal of every runner; throws Crash to kill it. */
  readonly wrap?: (journal: Journal) => Journal;
  /** Called when a runner has begun, to signal or cancel. */
  readonly during?: (journal: Journal, world: ToyWorld) => unknown;
  /** The clock of every runner; left out, the real one. */
  readonly now?: () => number;
  /** The hosts that locks are held on; left out, there are none. */
  readonly host?: (name: string) => Host;
  /** Started before restore points went last. */
  readonly isOfEarlierVersion?: boolean;
  /** Runbooks that steps start, by name. */
  readonly runbooks?: Readonly<Record<string, Document>>;
  /** Hosts by selector: `group:minio`. */
  readonly groups?: Readonly<Record<string, readonly string[]>>;
}

export const executionId = 'TOY000000001';
const runnersMax = 50;

/** A state folder that is gone when the returned object is disposed of. */
export function temporaryJournal(): {
  readonly dir: string;
  readonly journal: Journal;
  [Symbol.dispose](): void;
} {
  const dir = mkdtempSync(join(tmpdir(), 'belay-toy-'));
  const journal = openSqliteJournal(dir);
  return {
    dir,
    journal,
    [Symbol.dispose]: () => {
      journal.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export async function runToy(
  document: Document,
  store: { dir: string; journal: Journal },
  options: ToyOptions = {},
): Promise<ToyRun> {
  const world = options.world ?? new ToyWorld();
  const actions = toyActions(world);
  const planned = plan(document, (each) => describeToy(actions, each));
  const program = options.isOfEarlierVersion === true ? { ...planned, interpreter: 1 as const } : planned;
  const input: ExecutionInput = {
    parameters: {},
    rollbackWhen: document.rollback.when,
    rollbackRequests: [],
    failAt: null,
    ...options.input,
  };
  await store.journal.create({
    id: executionId,
    runbook: 'toy',
    file: 'toy.yaml',
    program,
    sha256: '',
    input,
    settings: { sandbox: false, inventoryFile: null, secrets: {}, startedBy: 'tester', usesAws: false },
    createdAt: 1,
  });
  await options.during?.(store.journal, world);
  for (let crashes = 0; crashes < runnersMax; crashes += 1) {
    try {
      const { result, runtime } = await runOnce(document, store, actions, options);
      await runtime.flush();
      return {
        result,
        world,
        journal: store.journal,
        crashes,
        state: foldEvents(await store.journal.events(executionId, 0)),
        held: (await store.journal.locks(executionId)).map(({ name }) => name),
      };
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
    }
  }
  throw new Error(`the execution did not end within ${runnersMax} runners`);
}

async function runOnce(
  _document: Document,
  store: { dir: string; journal: Journal },
  actions: ReadonlyMap<string, AnyAction>,
  options: ToyOptions,
): Promise<{ result: ExecutionResult; runtime: EmbeddedRuntime }> {
  const row = await store.journal.execution(executionId);
  if (row === undefined) throw new Error('the execution is not there');
  const runtime = open(row, store, actions, options);
  return { result: await runExecution(runtime, row.program, row.input), runtime };
}

/** `below`: of a child. */
function open(
  row: ExecutionRow,
  store: { dir: string; journal: Journal },
  actions: ReadonlyMap<string, AnyAction>,
  options: ToyOptions,
  below: { readonly above?: Above; readonly ignoresCancel?: boolean } = {},
): EmbeddedRuntime {
  const journal = options.wrap?.(store.journal) ?? store.journal;
  const vault = new Vault(
    Array.from(options.secrets ?? [], ([name, value]) => ({
      name,
      value,
      placeholder: row.input.parameters[name] as string,
    })),
    { open: row.program.document },
  );
  const locks = new LockKeeper({
    executionId: rootOf(row.id),
    journal,
    runners: runnersIn(store.dir),
    isSandbox: false,
    runbook: row.runbook,
    startedBy: row.settings.startedBy,
    host: options.host ?? (() => unused('a host')),
    targets: (selectors) => selectors.flatMap((selector) => options.groups?.[selector] ?? [selector]),
    now: options.now ?? Date.now,
  });
  const host = new ActionHost({
    executionId: row.id,
    locks,
    machines: { mayBecomeOthers: () => Promise.resolve(), ofSteps: { acting: (_step, _host, act) => act() } },
    approvals: { judge: () => unused('a judge of approvals') },
    actions,
    aws: unused('AWS'),
    models: unused('the models'),
    fetch: () => unused('the network'),
    host: () => unused('a host'),
    scripts: unused('scripts'),
    files: programFiles(row.program.document, row.file),
    targets: (selectors) => selectors,
    vault,
    runbooks: toyRunbooks(actions, options),
    logs: new LogFolder(join(store.dir, 'logs'), vault.redactor),
    actsOn: () => Promise.resolve(),
    onNotice: () => undefined,
    now: options.now ?? Date.now,
  });
  return new EmbeddedRuntime({
    executionId: row.id,
    journal,
    host,
    onWait: 'leave',
    seal: vault,
    children: {
      file: row.file,
      settings: row.settings,
      hasSignedApprovals: false,
      run: (child, above, heeds) => {
        const runtime = open(child, store, actions, options, { above, ...heeds });
        const ended = async (): Promise<ExecutionResult> => {
          const result = await runExecution(runtime, child.program, child.input);
          await runtime.flush();
          return result;
        };
        return { runtime, result: ended() };
      },
    },
    ...below,
    now: options.now ?? Date.now,
  });
}

function toyRunbooks(actions: ReadonlyMap<string, AnyAction>, { runbooks = {} }: ToyOptions): ChildRunbooks {
  return {
    find: async (name) => {
      const document = runbooks[name];
      if (document === undefined) throw new Error(`the test has no runbook ${name}`);
      const program = plan(document, (each) => describeToy(actions, each));
      return {
        kind: 'runbook',
        runbook: name,
        file: null,
        program: JSON.parse(JSON.stringify(program)) as typeof program,
      };
    },
    over: () => {
      throw new Error('the test goes over no locations');
    },
    fit: async ({ given }) => given,
  };
}

export function describeToy(
  actions: ReadonlyMap<string, AnyAction>,
  { action: name, inputs }: Step,
): StepDescriptor {
  const flow = /^(?:aws:(branch|sleep|pause|approve|loop|updateVariable)|belay:(rolling))$/
    .exec(name)
    ?.slice(1)
    .find(Boolean);
  const action = flow === undefined ? actions.get(name) : undefined;
  if (name === 'aws:executeAutomation') {
    const undo = { kind: 'none', reason: 'the service ran it', leavesChange: true } as const;
    return { ...plain, flow: 'child', effect: 'begun', undo };
  }
  if (action === undefined) {
    return {
      ...plain,
      flow: flow === undefined ? null : (flow as 'branch'),
      effect: 'read',
      undo: { kind: 'notNeeded' },
    };
  }
  const effect = typeof action.effect === 'function' ? action.effect(inputs) : action.effect;
  return {
    ...plain,
    effect: effect.kind,
    ...(action.overHosts === true && inputs['Hosts'] !== undefined ? { overHosts: true } : {}),
    ...(action.settled === undefined ? {} : { settled: action.settled }),
    observes: action.observe !== undefined,
    ...(action.putsBack === undefined ? {} : { putsBack: action.putsBack }),
    undo: describeUndo(action, inputs),
    timeoutSeconds: action.timeoutSeconds ?? null,
    removesRestorePoints: action.removesRestorePoints ?? null,
    usesRestorePoints: action.usesRestorePoints ?? null,
    verdict: action.verdict ?? null,
  };
}

export const plain: StepDescriptor = {
  flow: null,
  effect: 'read',
  observes: false,
  undo: { kind: 'notNeeded' },
  timeoutSeconds: null,
  removesRestorePoints: null,
  usesRestorePoints: null,
  verdict: null,
};

/** A port that this test must not touch. */
function unused(what: string): never {
  const port: object = new Proxy(
    {},
    {
      get: (_, name) => {
        // Whoever passes a port on asks whether it has that.
        if (name === 'environment') return undefined;
        throw new Error(`a toy run touched ${what}`);
      },
    },
  );
  return port as never;
}

export { Left, type Json };
