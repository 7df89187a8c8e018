/** `belay doctor`: tools, state, configuration, AWS, hosts, and what executions left behind. Changes nothing. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { JournalFailure, type DamagedExecution, type Journal } from '../../journal/index.ts';
import { createAws } from '../../transports/aws/client.ts';
import { findConfiguration, type Configuration } from '../configuration.ts';
import type { ExecutionView, ListedExecution } from '../execution-view.ts';
import type { Notifier } from '../notify/notifier.ts';
import { runnersIn } from '../liveness.ts';
import { openTransports } from '../transports.ts';
import { Refusal } from '../refusal.ts';
import { checkAws } from './aws.ts';
import { checkChannels } from './channels.ts';
import type { Finding } from './finding.ts';
import { checkHosts } from './hosts.ts';
import { checkMachines, type Answered } from './machines.ts';
import { checkDrained } from './drained.ts';
import { checkKept } from './kept.ts';
import { checkPins } from '../known-machines.ts';
import { checkHostLocks, checkLocks } from './locks.ts';
import { checkState } from './state.ts';
import { checkTools } from './tools.ts';

export interface CheckupOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly stateDir: string;
  readonly now: () => number;
  readonly list: () => Promise<readonly ListedExecution[]>;
  /** Undefined: what the journal has of it cannot be read. */
  readonly view: (id: string) => Promise<ExecutionView | undefined>;
  /** Those that were left out of `list` and `view` so far. */
  readonly damaged: () => readonly DamagedExecution[];
  readonly journal: () => Journal;
  readonly notifier: Notifier | undefined;
}

/** Findings as they come; the quick ones first. */
export async function* checkup({
  cwd,
  env,
  stateDir,
  list,
  view,
  damaged,
  journal,
  notifier,
  now,
}: CheckupOptions): AsyncGenerator<Finding> {
  const { configuration, finding } = readConfiguration(cwd, env);
  const names = configuration?.inventory?.names ?? [];
  const kinds = names.map((name) => configuration?.inventory?.address(name)?.transport);
  yield* await checkTools(kinds.includes('ssh'), configuration?.inventory?.keyExchange);
  yield* await checkState(stateDir, list, now());
  const hasJournal = existsSync(join(stateDir, 'journal.db'));
  if (hasJournal) yield* await checkLocks(journal(), runnersIn(stateDir), now());
  const executions = await known(hasJournal, list);
  yield* await checkDrained(executions, view, now());
  for (const { executionId, message } of damaged())
    yield { area: 'state', what: executionId, verdict: 'bad', says: message };
  yield finding;
  const channels = configuration?.inventory?.channels ?? [];
  yield* await checkChannels({ channels, env, stateDir, notifier, now: now() });
  yield* await checkAws(createAws(), kinds.includes('ssm'), now());
  if (names.length === 0) return;
  const answers = new Map<string, Answered>();
  const transports = await openTransports({
    sandbox: false,
    inventory: configuration?.inventory ?? null,
    stateDir,
    executionId: 'doctor',
    now,
    verifyHost: (address, identity) => {
      checkPins(address, identity);
      answers.set(address.name, { address, identity });
    },
  });
  try {
    const found = await checkHosts(names, (name) => transports.host(name), {
      hasOpen: executions.some(({ endedAt }) => endedAt === null),
    });
    yield* found;
    yield* checkMachines(names.flatMap((name) => answers.get(name) ?? []));
    const reached = found.flatMap(({ area, verdict, what }) =>
      area === 'hosts' && verdict === 'good' ? [what] : [],
    );
    yield* await checkKept(reached, (name) => transports.host(name), executions, now());
    if (hasJournal) yield* await checkHostLocks(journal(), runnersIn(stateDir), names, transports, now());
  } finally {
    await transports.close();
  }
}

/** What is wrong with the journal has been said already. */
async function known(
  hasJournal: boolean,
  list: () => Promise<readonly ListedExecution[]>,
): Promise<readonly ListedExecution[]> {
  try {
    return hasJournal ? await list() : [];
  } catch (error) {
    if (!(error instanceof JournalFailure)) throw error;
    return [];
  }
}

function readConfiguration(
  cwd: string,
  env: NodeJS.ProcessEnv,
): { readonly configuration: Configuration | undefined; readonly finding: Finding } {
  const about = { area: 'configuration', what: 'belay.yaml' } as const;
  try {
    const configuration = findConfiguration(cwd, env);
    const { file, inventory } = configuration;
    const finding: Finding =
      file === null || inventory === null
        ? { ...about, verdict: 'note', says: 'there is none', hint: 'belay init writes one' }
        : {
            ...about,
            verdict: 'good',
            says: `${file}: ${inventory.names.length} ${inventory.names.length === 1 ? 'host' : 'hosts'}`,
          };
    return { configuration, finding };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const says = [
      error.message,
      ...error.diagnostics.map(({ start, message }) => `line ${start.line}: ${message}`),
    ];
    return { configuration: undefined, finding: { ...about, verdict: 'bad', says: says.join('; ') } };
  }
}
