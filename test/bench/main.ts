/** `npm run bench`: measures, prints, and fails when a stated ratio does not hold. */
import { benchCompliance } from './compliance.ts';
import { benchDocuments } from './documents.ts';
import { benchSchedule } from './schedule.ts';
import { benchHosts } from './hosts.ts';
import { benchList } from './list.ts';
import { benchRetention } from './retention.ts';
import { benchSimulator } from './simulator.ts';
import { benchStartUp } from './start-up.ts';
import { writeEngineReport } from './report.ts';
import { benchTargets } from './targets.ts';
import { benchSteps } from './steps.ts';

const results = [
  await benchSteps(),
  benchStartUp(),
  await benchList(),
  await benchTargets(),
  benchSimulator(),
  benchSchedule(),
  benchDocuments(),
  await benchHosts(),
  await benchCompliance(),
  await benchRetention(),
];
writeEngineReport();
process.exitCode = results.every(Boolean) ? 0 : 1;
