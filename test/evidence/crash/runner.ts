/**
 * A runner as `belay run` and `belay resume` are, over the same parts, that can be ended by SIGKILL at a named point:
 *
 *     node runner.ts STATE ID [CUT]
 *
 * CUT is a Cut as JSON. Prints every point that it passes, and at last how the run ended.
 */
import { Belay } from '../../../src/runtime/belay.ts';
import { openTransports } from '../../../src/runtime/transports.ts';
import { runHere } from '../../../src/runtime/run-here.ts';
import { Refusal } from '../../../src/runtime/refusal.ts';
import { Scissors, type Cut } from './scissors.ts';

const [state = '', id = '', cut] = process.argv.slice(2);
const belay = new Belay({ state, cwd: process.cwd(), env: process.env, stdin: () => Promise.resolve('') });
const scissors = new Scissors(cut === undefined ? undefined : (JSON.parse(cut) as Cut));

try {
  const ending = await runHere(id, {
    journal: scissors.journal(belay.journal),
    stateDir: belay.stateDir,
    env: process.env,
    stdin: () => Promise.resolve(''),
    now: Date.now,
    onWait: 'leave',
    ports: {
      openTransports: async (options) => scissors.place(await openTransports(options)),
      activityHost: (usual) => scissors.activities(usual),
    },
  });
  process.stdout.write(`${JSON.stringify(ending)}\n`);
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  process.stdout.write(`${JSON.stringify({ kind: 'refused', code: error.code })}\n`);
}
belay.close();
process.exit(0);
