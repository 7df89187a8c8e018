/**
 * Compliance files that are gone, or have another Name. Nobody checks them any more, so their open findings are retired, which does not say fixed, and what
 * they put into SSM is taken away.
 */
import { dirname } from 'node:path';
import { compare, newsAsJson, newsOf, type RuleSet } from '../../compliance/index.ts';
import type { ComplianceStore } from '../../journal/index.ts';
import { acquireCheckLock } from '../lock.ts';
import type { GoneFile } from './outcome.ts';
import { putItems, type CallPorts } from './report-to.ts';
import { takeAway } from './report-to-ssm.ts';
import { stopped } from './run-check.ts';

export interface Gone {
  readonly files: readonly GoneFile[];
  /** Sentences about what could not be taken away. */
  readonly troubles: readonly string[];
}

export interface RetirePorts extends CallPorts {
  readonly stateDir: string;
  readonly store: ComplianceStore;
  readonly now: () => number;
}

/**
 * `read`: the sets that are there, and the folder that was read as a whole, where one was. What stood in that folder, or in one of their files,
 * under another name is gone.
 */
export async function retireGone(
  read: { readonly folder: string | undefined; readonly sets: readonly Pick<RuleSet, 'name' | 'file'>[] },
  ports: RetirePorts,
): Promise<Gone> {
  const isRead = (file: string): boolean =>
    dirname(file) === read.folder || read.sets.some((each) => each.file === file);
  const troubles: string[] = [];
  const files: GoneFile[] = [];
  for (const [set, file] of ports.store.places.files())
    if (isRead(file) && !read.sets.some(({ name }) => name === set))
      files.push({ set, file, retired: await retire(set, ports, troubles) });
  return { files, troubles };
}

/** How many findings were open. */
async function retire(name: string, ports: RetirePorts, troubles: string[]): Promise<number> {
  const { stateDir, store, now } = ports;
  const lock = acquireCheckLock(stateDir, name);
  if (lock === undefined) return 0;
  try {
    const ruleSet: RuleSet = { name, rules: [], report: {}, channels: [] };
    const at = now();
    const memory = store.findings({ set: name, isOpen: true });
    const acknowledgements = store.acknowledgements();
    const { findings, changes } = compare({
      set: name,
      rules: [],
      looks: [],
      memory,
      acknowledgements,
      isWholeSet: true,
      now: at,
    });
    const checkId = store.begin(name, at, true, (row) => newsAsJson(stopped(row)));
    const events = newsOf(changes, [], []).map(newsAsJson);
    store.finish(checkId, { at, verdict: 'RETIRED', counts: { open: 0 }, findings, events });
    await takeAway(
      store.places.reported(name),
      { ruleSet, checkId, endedAt: at },
      { places: store.places, put: putItems(ports, troubles) },
    );
    // What could not be taken away is tried again by the next check.
    if (store.places.reported(name).length === 0) store.places.forgetFile(name);
    return findings.length;
  } finally {
    lock.release();
  }
}
