/** Opens what the compliance commands work on, and closes it behind them. */
import { Compliance } from '../runtime/compliance/compliance.ts';
import type { Cli } from './cli.ts';

export async function withCompliance<T>(
  cli: Cli,
  work: (compliance: Compliance) => Promise<T> | T,
): Promise<T> {
  const { stateDir, notifier } = await cli.belay();
  const compliance = new Compliance({
    stateDir,
    cwd: cli.cwd,
    env: cli.env,
    user: cli.caller(),
    now: cli.now,
    notifier,
  });
  try {
    return await work(compliance);
  } finally {
    compliance.close();
  }
}
