/**
 * Compliance files that are gone. Nobody checks them any more, so their open findings are retired, which does not say fixed, and what
 * they put into SSM is taken away.
 */
import { statSync } from 'node:fs';
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
 * Of the files that were in `folder`, which has been read as a whole. `kept`: sets that are there, wherever their files were before.
 */
export async function retireGone(folder: string, kept: readonly string[], ports: RetirePorts): Promise<Gone> {
  const troubles: string[] = [];
  const files: GoneFile[] = [];
  for (const [set, file] of ports.store.places.files())
    if (dirname(file) === folder && !kept.includes(set) && isMissing(file))
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

function isMissing(path: string): boolean {
  try {
    statSync(path);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT';
  }
}
