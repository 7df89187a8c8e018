/** `npm run bench`: measures, prints, and fails when a stated ratio does not hold. */
import { benchStartUp } from './start-up.ts';
import { benchSteps } from './steps.ts';

const results = [await benchSteps(), benchStartUp()];
process.exitCode = results.every(Boolean) ? 0 : 1;
