/** Opens what the window commands work on, and closes it behind them. */
import { WindowDesk } from '../runtime/windows/desk.ts';
import type { Cli } from './cli.ts';
import { textOf, type RawOptions } from './options.ts';

export async function withDesk<T>(
  cli: Cli,
  options: RawOptions,
  work: (desk: WindowDesk) => Promise<T> | T,
): Promise<T> {
  const belay = await cli.belay();
  const desk = new WindowDesk({
    stateDir: belay.stateDir,
    cwd: cli.cwd,
    env: cli.env,
    dir: textOf(options, 'dir'),
    now: cli.now,
    user: cli.caller(),
  });
  try {
    return await work(desk);
  } finally {
    desk.close();
  }
}

/** Nothing of it happens while no daemon runs, and nobody should wait for it in vain. */
export function tellDaemon(cli: Cli, desk: WindowDesk): void {
  if (!desk.hasDaemon)
    cli.talk('No daemon leads this state folder, so nothing starts by itself:', '  belay daemon');
}
