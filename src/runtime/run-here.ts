/** Runs an execution in this process to its end, or as far as it goes: the lock, the ports, the interpreter. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { actions } from '../actions/index.ts';
import { foldEvents, runExecution, type ExecutionResult, type RecordedEvent } from '../engine/index.ts';
import { embeddedText, resolveInputs } from '../document/index.ts';
import type { ExecutionRow, Journal } from '../journal/index.ts';
import { own } from '../json.ts';
import { ActionHost, type ActivityHost } from './activity-host.ts';
import { readConfiguration } from './configuration.ts';
import { EmbeddedRuntime, Left } from './embedded.ts';
import { failingAt } from './failing-at.ts';
import { KnownMachines } from './known-machines.ts';
import { acquireLock } from './lock.ts';
import { LockKeeper } from './locks/keeper.ts';
import { LogFolder } from './logs.ts';
import { refuseClosed } from './retention/closing.ts';
import { parameterScope } from './parameter-scope.ts';
import { programFiles } from './program-files.ts';
import { openPlace, type Place, type PlaceOptions } from './places.ts';
import { Refusal } from './refusal.ts';
import { hasFingerprint } from './secrets/fingerprint.ts';
import { readSecrets } from './secrets/read-all.ts';
import type { SecretSources } from './secrets/references.ts';
import { maskPlaceholders } from './secrets/placeholder.ts';
import { Vault } from './secrets/vault.ts';
import { executionDir } from './state-dir.ts';
import { stateTrouble } from './state-trouble.ts';

export interface RunOptions {
  readonly journal: Journal;
  readonly stateDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: SecretSources['stdin'];
  readonly onEvent?: (event: RecordedEvent) => void;
  /** What a step waits for just now. */
  readonly onNotice?: (step: string, text: string) => void;
  /** What a person should know and no event says: a host was rebooted. */
  readonly onTold?: (text: string) => void;
  /** `leaveUndecided`: stay, but leave where `rollback: ask` has nobody to ask. */
  readonly onWait: 'stay' | 'leave' | 'leaveUndecided';
  /** Aborted to leave before the next step. */
  readonly leave?: AbortSignal;
  /** Whether somebody gathers what the journal holds and tells people. */
  readonly hasOutbox?: boolean;
  /** What stands between the engine and the world; left out, the usual. */
  readonly ports?: Partial<Ports>;
}

/** Real, sandboxed, recorded and faulty runs differ only in the ports handed over; the journal is the third of them. */
export interface Ports {
  /** The world that the execution acts on. */
  readonly openPlace: (options: PlaceOptions) => Promise<Place>;
  /** Who carries out its activities, given who usually does. */
  readonly activityHost: (usual: ActivityHost) => ActivityHost;
}

const usualPorts: Ports = { openPlace, activityHost: (usual) => usual };

export type RunEnding =
  | { readonly kind: 'ended'; readonly result: ExecutionResult }
  | { readonly kind: 'left'; readonly reason: 'asked' | 'waiting' };

/** Throws Refusal (somebody runs it already, a secret is missing) and JournalFailure. */
export async function runHere(id: string, options: RunOptions): Promise<RunEnding> {
  const { journal, stateDir } = options;
  const lock = acquireLock(stateDir, id);
  if (lock === undefined) {
    const runner = journal.execution(id)?.runner;
    const who =
      runner === null || runner === undefined ? 'another process' : `pid ${runner.pid} on ${runner.host}`;
    throw new Refusal('refused', 'ALREADY_RUNNING', `${id} is being run by ${who}`, {
      hint: `belay logs -f ${id} follows it`,
    });
  }
  try {
    const row = journal.execution(id);
    if (row === undefined) throw new Refusal('usage', 'UNKNOWN_EXECUTION', `there is no execution ${id}`);
    refuseClosed(row);
    const ports = { ...usualPorts, ...options.ports };
    const machines = new KnownMachines({
      executionId: id,
      journal,
      tell: options.onTold ?? (() => undefined),
      now: Date.now,
    });
    const place = await ports.openPlace({
      sandbox: row.settings.sandbox,
      inventory:
        row.settings.inventoryFile === null
          ? null
          : readConfiguration(row.settings.inventoryFile, options.env).inventory,
      stateDir,
      executionId: id,
      verifyHost: machines.verify,
      ...roleOf(row),
    });
    try {
      const vault = await openVault(row, place, options);
      journal.setRunner(id, { pid: process.pid, host: hostname(), startedAt: Date.now() });
      return await interpret(row, { place, vault, machines, ports }, options);
    } finally {
      await place.close();
    }
  } catch (error) {
    throw stateTrouble(stateDir, error);
  } finally {
    lock.release();
  }
}

async function interpret(
  row: ExecutionRow,
  {
    place,
    vault,
    machines,
    ports,
  }: {
    readonly place: Place;
    readonly vault: Vault;
    readonly machines: KnownMachines;
    readonly ports: Ports;
  },
  options: RunOptions,
): Promise<RunEnding> {
  const { journal, onEvent, onWait, leave } = options;
  const locks = new LockKeeper({
    executionId: row.id,
    journal,
    stateDir: options.stateDir,
    isSandbox: row.settings.sandbox,
    runbook: row.runbook,
    startedBy: row.settings.startedBy,
    host: (name) => place.host(name),
    targets: (selectors) => place.targets(selectors),
    now: Date.now,
  });
  await assureLocks(row.id, locks, journal);
  const host = new ActionHost({
    executionId: row.id,
    locks,
    machines,
    actions,
    aws: place.aws,
    models: place.models,
    fetch: place.fetch,
    host: (name) => place.host(name),
    targets: (selectors) => place.targets(selectors),
    scripts: place.scripts,
    files: programFiles(row.program.document, row.settings.runbookFile ?? row.file),
    actsOn: keptOn(row, journal),
    vault,
    hasOutbox: options.hasOutbox === true && !row.settings.sandbox,
    logs: new LogFolder(join(executionDir(options.stateDir, row.id), 'logs'), vault.redactor),
    onNotice: options.onNotice ?? (() => undefined),
    now: Date.now,
  });
  const runtime = new EmbeddedRuntime({
    executionId: row.id,
    journal,
    host: ports.activityHost(host),
    onWait,
    seal: vault,
    ...(onEvent === undefined
      ? {}
      : { onEvent: (recorded: RecordedEvent) => onEvent(maskPlaceholders(recorded)) }),
  });
  const leaveNow = (): void => runtime.leave();
  leave?.addEventListener('abort', leaveNow, { once: true });
  try {
    const { failAt } = row.input;
    const port = failAt === null ? runtime : failingAt(runtime, failAt);
    const result = await runExecution(port, row.program, row.input);
    runtime.flush();
    journal.setRunner(row.id, null);
    return { kind: 'ended', result };
  } catch (error) {
    if (!(error instanceof Left)) throw error;
    runtime.flush();
    if (error.reason === 'waiting') journal.setRunner(row.id, null);
    return { kind: 'left', reason: error.reason };
  } finally {
    leave?.removeEventListener('abort', leaveNow);
  }
}

/** Writes down once, before anything begins there, each host that may keep something for the execution's undo. */
function keptOn({ id, settings }: ExecutionRow, journal: Journal): (host: string) => void {
  const known = new Set(journal.keptOn(id) ?? []);
  return (host) => {
    if (settings.sandbox || known.has(host)) return;
    journal.addKeptOn(id, host);
    known.add(host);
  };
}

/** How long a resumed execution looks after its locks, in ms. */
const assureTimeoutMs = 60_000;

/** Throws Refusal where somebody else has what the execution held when its last runner went. */
async function assureLocks(id: string, locks: LockKeeper, journal: Journal): Promise<void> {
  const held = foldEvents(journal.events(id, 0)).locks;
  const trouble = await locks.assure(held, AbortSignal.timeout(assureTimeoutMs));
  if (trouble === null) return;
  throw new Refusal('refused', 'LOCKED', `${id} has lost its lock: ${trouble}`, {
    hint: `nothing was changed; once it is free, belay resume ${id} goes on`,
  });
}

/** `assumeRole` of the document, resolved as the engine resolves it; empty means the caller. */
function roleOf({ program, input }: ExecutionRow): { readonly assumeRole?: string } {
  const role = resolveInputs(program.document.assumeRole ?? '', parameterScope(input.parameters));
  return role.ok && typeof role.value === 'string' && role.value !== '' ? { assumeRole: role.value } : {};
}

/** What the sandbox gets in the place of a secret: its world is a file, in which no secret may stand. */
function standIn(name: string): string {
  return `sandbox-secret-${name}`;
}

/** Reads every secret anew: the journal holds references only. */
async function openVault(row: ExecutionRow, place: Place, options: RunOptions): Promise<Vault> {
  const { parameters } = row.input;
  const { document } = row.program;
  const from = { env: options.env, stdin: options.stdin, aws: () => Promise.resolve(place.aws) };
  const { values, troubles } = await readSecrets(row.settings.secrets, document, from);
  if (troubles.length > 0) {
    throw new Refusal(
      'waiting',
      'MISSING_SECRET',
      `${row.id} waits for a secret\n  ${troubles.join('\n  ')}`,
      {
        hint: `supply it, then: belay resume ${row.id}`,
      },
    );
  }
  const secrets = Array.from(values, ([name, value]) => ({
    name,
    value: row.settings.sandbox ? standIn(name) : value,
    placeholder: embeddedText(own(parameters, name) ?? ''),
  }));
  const { secretPrints = {} } = row.settings;
  const changed = Array.from(values).flatMap(([name, value]) => {
    const known = own(secretPrints, name);
    return known === undefined || hasFingerprint(value, known) ? [] : [name];
  });
  return new Vault(secrets, { open: [document, parameters], changed });
}
