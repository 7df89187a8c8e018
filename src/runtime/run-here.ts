/** Runs an execution in this process to its end, or as far as it goes: the lock, the ports, the interpreter. */
import { hostname } from 'node:os';
import { embeddedText, resolveInputs } from '../document/index.ts';
import type { RecordedEvent } from '../engine/index.ts';
import type { AlarmSetting, ExecutionRow } from '../journal/index.ts';
import { own } from '../json.ts';
import type { Aws } from '../transports/aws.ts';
import { AlarmWatch } from './alarm-watch.ts';
import { watchInbox } from './approvals/watch-inbox.ts';
import { configurationFiles, type Configurations } from './configuration.ts';
import { interpret, type Secrets } from './interpret.ts';
import { KnownMachines } from './known-machines.ts';
import { runnersIn } from './liveness.ts';
import { refuseChild } from './refuse-child.ts';
import { refuseClosed } from './retention/closing.ts';
import { parameterScope } from './parameter-scope.ts';
import { openTransports, type Transports } from './transports.ts';
import { Refusal } from './refusal.ts';
import type { Ports, RunEnding, RunOptions } from './run-options.ts';
import { hasFingerprint } from './secrets/fingerprint.ts';
import { readSecrets } from './secrets/read-all.ts';
import { stateTrouble } from './state-trouble.ts';

const usualPorts: Ports = { openTransports, activityHost: (usual) => usual };

/** Throws Refusal (somebody runs it already, a secret is missing) and JournalFailure. */
export async function runHere(id: string, options: RunOptions): Promise<RunEnding> {
  const { journal, stateDir, now, runners = runnersIn(stateDir) } = options;
  const lock = await runners.take(id);
  if (lock === undefined) {
    const runner = (await journal.execution(id))?.runner;
    const who =
      runner === null || runner === undefined ? 'another process' : `pid ${runner.pid} on ${runner.host}`;
    throw new Refusal('refused', 'ALREADY_RUNNING', `${id} is being run by ${who}`, {
      hint: `belay logs -f ${id} follows it`,
    });
  }
  try {
    const row = await journal.execution(id);
    if (row === undefined) throw new Refusal('usage', 'UNKNOWN_EXECUTION', `there is no execution ${id}`);
    refuseChild(row);
    refuseClosed(row);
    const ports = { ...usualPorts, ...options.ports };
    const machines = new KnownMachines({
      executionId: id,
      journal,
      tell: options.onTold ?? (() => undefined),
      now,
    });
    const { inventoryFile } = row.settings;
    const configurations = configurationsOf(options);
    const inventory = inventoryFile === null ? null : configurations.read(inventoryFile).inventory;
    const transports = await ports.openTransports({
      sandbox: row.settings.sandbox,
      inventory,
      stateDir,
      executionId: id,
      verifyHost: machines.verify,
      now,
      ...roleOf(row),
    });
    try {
      const secrets = await openSecrets(row, transports, options);
      await journal.setRunner(id, { pid: process.pid, host: hostname(), startedAt: now() });
      const shared = {
        transports,
        secrets,
        machines,
        approvals: inventory?.approvals ?? null,
        runbookFolders: inventory?.runbookFolders ?? [],
        ...ports,
      };
      await using _inbox = await inboxOfRun(row, configurations, options);
      const { alarm } = row.settings;
      if (alarm === undefined) return await interpret(row, shared, options);
      return await watched(row, { aws: transports.aws, alarm }, options, (onEvent) =>
        interpret(row, shared, { ...options, onEvent }),
      );
    } finally {
      await transports.close();
    }
  } catch (error) {
    throw stateTrouble(stateDir, error);
  } finally {
    lock.release();
  }
}

/** An execution names its belay.yaml absolutely. */
function configurationsOf({ configurations, env }: RunOptions): Configurations {
  return configurations ?? configurationFiles('/', env);
}

/** Where approvals are signed, other accounts may have laid theirs into the inbox. */
async function inboxOfRun(
  { input }: ExecutionRow,
  configurations: Configurations,
  { journal, stateDir, env, now, onTold: tell = () => undefined }: RunOptions,
): Promise<AsyncDisposable | null> {
  return input.signedApprovals === true
    ? watchInbox({ journal, stateDir, configurations, env, now, tell })
    : null;
}

/** Runs it with an eye on its alarm, as long as its steps go on. */
async function watched(
  row: ExecutionRow,
  { aws, alarm }: { readonly aws: Aws; readonly alarm: AlarmSetting },
  { journal, onEvent, onTold = () => undefined, now }: RunOptions,
  run: (onEvent: (event: RecordedEvent) => void) => Promise<RunEnding>,
): Promise<RunEnding> {
  const { assumeRole } = roleOf(row);
  await using watch = new AlarmWatch({
    executionId: row.id,
    journal,
    aws: assumeRole === undefined ? aws : aws.assume(assumeRole),
    alarm,
    tell: onTold,
    now,
  });
  const hasEnded = (await journal.events(row.id, 0)).some(({ event }) => event.type === 'ForwardEnded');
  if (!hasEnded) await watch.start();
  return await run((recorded) => {
    if (recorded.event.type === 'ForwardEnded') watch.stop();
    onEvent?.(recorded);
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
async function openSecrets(row: ExecutionRow, transports: Transports, options: RunOptions): Promise<Secrets> {
  const { parameters } = row.input;
  const { document } = row.program;
  const from = { env: options.env, stdin: options.stdin, aws: () => Promise.resolve(transports.aws) };
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
  return { all: secrets, changed };
}
