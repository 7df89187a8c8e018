/**
 * `npm run bench`: measures, prints, and fails when a stated ratio does not hold. `npm run bench -- engine` measures one subject.
 * What a subject noted is written as one section of docs/performance.md, all of it from the same run.
 */
import { benchCompliance } from './compliance.ts';
import { benchDocuments } from './documents.ts';
import { benchSchedule } from './schedule.ts';
import { benchHosts } from './hosts.ts';
import { benchList } from './list.ts';
import { benchRetention } from './retention.ts';
import { benchRollback } from './rollback.ts';
import { benchSimulator } from './simulator.ts';
import { benchStartUp } from './start-up.ts';
import { writeReport, type Section } from './report.ts';
import { benchTargets } from './targets.ts';
import { benchSteps } from './steps.ts';
import { benchWaitingExecutions } from './waiting.ts';

interface Subject {
  readonly benches: readonly (() => boolean | Promise<boolean>)[];
  /** Null: it is only printed, or a bench of it writes its own. */
  readonly section: Section | null;
}

const subjects: Readonly<Record<string, Subject>> = {
  steps: { benches: [benchSteps, benchStartUp], section: null },
  engine: {
    benches: [benchList, benchTargets],
    section: 'The engine and its journal',
  },
  waiting: { benches: [benchWaitingExecutions], section: 'Executions that wait' },
  inputs: {
    benches: [benchSimulator, benchSchedule, benchDocuments, benchCompliance, benchRetention],
    section: 'Large inputs',
  },
  hosts: { benches: [benchHosts], section: null },
  rollback: { benches: [benchRollback], section: null },
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !Object.hasOwn(subjects, name));
if (unknown.length > 0)
  throw new Error(`no subject ${unknown.join(', ')}: there are ${Object.keys(subjects).join(', ')}`);

let holds = true;
for (const [name, { benches, section }] of Object.entries(subjects)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  for (const bench of benches) holds = (await bench()) && holds;
  if (section !== null) writeReport(section);
}
process.exitCode = holds ? 0 : 1;
