/** What `belay prune` asks for: which executions go, their removal, and telling a host to forget one by its label. */
import { rmSync } from 'node:fs';
import { keepLabel } from '../../actions/scripts/keep-key.ts';
import type { Journal } from '../../journal/index.ts';
import type { Configuration, Configurations } from '../configuration.ts';
import type { ExecutionView } from '../execution-view.ts';
import type { openTransports, Transports } from '../transports.ts';
import { Refusal } from '../refusal.ts';
import { runnersIn } from '../liveness.ts';
import { executionDir } from '../state-dir.ts';
import { fateOf } from './fate.ts';
import {
  forgetLabels,
  judge,
  orphanFolders,
  prune,
  type Judged,
  type Pruned,
  type PrunePorts,
} from './prune.ts';

/** A folder without a row may belong to a run that is just starting. */
const orphanAgeMs = 86_400_000;
const keepMsDefault = 90 * 86_400_000;

export interface RetentionOptions {
  readonly journal: Journal;
  readonly stateDir: string;
  readonly configurations: Configurations;
  /** Undefined: what the journal has of it cannot be read. */
  readonly view: (id: string) => Promise<ExecutionView | undefined>;
  readonly openTransports: typeof openTransports;
  readonly gone: readonly string[];
  readonly now: () => number;
}

export interface Retention {
  readonly keepMs: number;
  readonly judged: readonly Judged[];
  /** Folders of executions that never came to be. */
  readonly orphans: readonly string[];
  /** Hosts that may keep something for one that goes. */
  keptOn(id: string): readonly string[];
  prune(): Promise<Pruned>;
  close(): Promise<void>;
}

/** Throws Refusal for a configuration that is not right. */
export async function openRetention(options: RetentionOptions): Promise<Retention> {
  const { journal, stateDir, configurations, view, now } = options;
  const here = configurations.find();
  const opened = new OpenTransports(options, here);
  const ports: PrunePorts = {
    journal,
    stateDir,
    runners: runnersIn(stateDir),
    keepMs: here.inventory?.keepMs ?? keepMsDefault,
    now,
    view,
    allHosts: async (id) => (await opened.configuration(id)).inventory?.names ?? [],
    host: async (id, name) => (await opened.of(id)).host(name),
    gone: new Set(options.gone),
  };
  const judged = await judge(ports);
  const orphans = await orphanFolders(ports, orphanAgeMs);
  const going = judged
    .filter(({ fate }) => fate.kind === 'goes')
    .map(({ view: { executionId } }) => executionId);
  const keptOn = new Map<string, readonly string[]>();
  for (const id of going) keptOn.set(id, (await journal.keptOn(id)) ?? (await ports.allHosts(id)));
  return {
    keepMs: ports.keepMs,
    judged,
    orphans,
    keptOn: (id) => keptOn.get(id) ?? [],
    prune: async () => {
      await opened.open(going);
      const pruned = await prune(ports, going);
      for (const id of orphans) rmSync(executionDir(stateDir, id), { recursive: true, force: true });
      return pruned;
    },
    close: () => opened.close(),
  };
}

/**
 * Tells a host to forget what it keeps for one execution, also for one of another state folder. Throws Refusal where this
 * state folder knows that it is still needed, or the host did not do it.
 */
export async function forgetOnHost(options: RetentionOptions, id: string, host: string): Promise<void> {
  const { journal, stateDir, configurations, view, now } = options;
  const label = keepLabel(id);
  if (!/^[a-z0-9-]+$/.test(label))
    throw new Refusal('usage', 'BAD_LABEL', `${id} is not an id of an execution; nothing was removed`);
  const known = (await journal.executionIds()).find((one) => keepLabel(one) === label);
  const configuration = configurations.find();
  if (known !== undefined) {
    const keepMs = configuration.inventory?.keepMs ?? keepMsDefault;
    const seen = await view(known);
    if (seen === undefined) {
      const text = `what the journal has of ${known} is damaged, so nobody can tell whether it can still be taken back; nothing was removed`;
      throw new Refusal('refused', 'STILL_NEEDED', text, {
        hint: 'belay prune --state ANOTHER_FOLDER --forget ID --host HOST asks nothing of this journal',
      });
    }
    const fate = fateOf(seen, {
      now: now(),
      keepMs,
      locks: (await journal.locks(known)).length,
    });
    if (fate.kind === 'stays') {
      throw new Refusal(
        'refused',
        'STILL_NEEDED',
        `${known} can still be taken back: ${fate.why}; nothing was removed`,
        {
          hint: `belay discard ${known} --why TEXT, and then  belay prune`,
        },
      );
    }
  }
  const transports = await options.openTransports({
    sandbox: false,
    inventory: configuration.inventory,
    stateDir,
    executionId: 'prune',
    now,
  });
  try {
    const why = await forgetLabels(() => transports.host(host), [label]);
    if (why !== null) throw new Refusal('refused', 'NOT_FORGOTTEN', `${host} did not forget ${id}: ${why}`);
    if (known !== undefined) await journal.dropKeptOn(known, host);
  } finally {
    await transports.close();
  }
}

/** The transports for each belay.yaml that executions were started with; where that is gone, the one that is in force here. */
class OpenTransports {
  readonly #options: RetentionOptions;
  readonly #here: Configuration;
  readonly #configurations = new Map<string | null, Configuration>();
  readonly #open = new Map<Configuration, Transports>();

  constructor(options: RetentionOptions, here: Configuration) {
    this.#options = options;
    this.#here = here;
  }

  async configuration(id: string): Promise<Configuration> {
    const file = (await this.#options.journal.execution(id))?.settings.inventoryFile ?? null;
    const known = this.#configurations.get(file);
    if (known !== undefined) return known;
    const read = this.#read(file);
    this.#configurations.set(file, read);
    return read;
  }

  /** Opens what `of` gives. */
  async open(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const configuration = await this.configuration(id);
      if (this.#open.has(configuration)) continue;
      const transports = await this.#options.openTransports({
        sandbox: false,
        inventory: configuration.inventory,
        stateDir: this.#options.stateDir,
        executionId: 'prune',
        now: this.#options.now,
      });
      this.#open.set(configuration, transports);
    }
  }

  async of(id: string): Promise<Transports> {
    const transports = this.#open.get(await this.configuration(id));
    if (transports === undefined) throw new Error(`no transports were opened for ${id}`);
    return transports;
  }

  async close(): Promise<void> {
    for (const transports of this.#open.values()) await transports.close();
    this.#open.clear();
  }

  #read(file: string | null): Configuration {
    if (file === null || file === this.#here.file) return this.#here;
    try {
      return this.#options.configurations.read(file);
    } catch (error) {
      if (error instanceof Refusal) return this.#here;
      throw error;
    }
  }
}
