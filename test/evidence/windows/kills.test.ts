/** The daemon is killed at each of its writes, really: the next one starts what is due, once, and loses nothing. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isThorough, seed } from '../sample.ts';
import { Project } from './project.ts';

const minuteMs = 60_000;
/** Of the scheduler for one occurrence; held by the first test. */
const writesMin = 5;
/** More than any daemon makes here: what is not reached kills nobody. */
const writesMax = 16;
const caseMs = 120_000;
const all = Array.from({ length: writesMax }, (_each, index) => index + 1).flatMap((at) => [
  { at, side: 'before' as const },
  { at, side: 'after' as const },
]);
/** One in eight in CI, from the seed on; all with BELAY_FAULTS=all. */
const cases = isThorough ? all : all.filter((_each, index) => (index + seed) % 8 === 0);

let project: Project;
beforeEach(() => {
  project = new Project();
  project.runbook('count', 0);
  project.window('count', Date.now() - 2 * minuteMs);
});
afterEach(() => project[Symbol.dispose]());

test(
  'a daemon that nobody kills writes before it acts, and runs what is due once',
  async () => {
    const { stdout, stderr } = await project.daemon().ended;
    expect(stderr).not.toContain('trouble');
    const { writes } = JSON.parse(stdout) as { writes: number };
    expect(writes).toBeGreaterThanOrEqual(writesMin);
    expect(writes).toBeLessThanOrEqual(writesMax);
    expect(project.lines).toEqual(['count begin', 'count end']);
  },
  caseMs,
);

test.each(cases)(
  `killed $side write $at, it is followed by one that starts each due occurrence once (BELAY_SEED=${seed})`,
  async (kill) => {
    const killed = await project.daemon(kill).ended;
    const { stdout } = await project.daemon().ended;
    expect(JSON.parse(stdout)).toMatchObject({ ending: { kind: 'idle' } });
    expect(project.history('count')).toMatchObject([{ status: 'SUCCESS' }]);
    expect(project.history('count')[0]?.tasks[0]?.invocations).toHaveLength(1);
    expect(project.lines).toEqual(['count begin', 'count end']);
    // The last of them lie behind what a daemon writes here, and are reached by none.
    expect([null, 'SIGKILL']).toContain(killed.signal);
  },
  caseMs,
);
