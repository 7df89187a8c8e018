/** belay daemon: runs maintenance windows until it is stopped. Logs are JSON lines on stdout. */
import { pino } from 'pino';
import { runDaemon, type DaemonMode } from '../../runtime/windows/daemon.ts';
import { beatOf } from '../../runtime/windows/notify-systemd.ts';
import { windowsFolderOf } from '../../runtime/windows/desk.ts';
import { serveHealth } from '../../runtime/windows/health.ts';
import type { CommandBody } from '../command-spec.ts';
import { exitCodes } from '../exit-codes.ts';
import { flagOf, textOf } from '../options.ts';

export const body: CommandBody = async (cli, _args, options) => {
  const belay = await cli.belay();
  const mode: DaemonMode = flagOf(options, 'once')
    ? { kind: 'once' }
    : {
        kind: 'service',
        standby: flagOf(options, 'standby'),
        onStop: textOf(options, 'onStop') === 'finish' ? 'finish' : 'leave',
      };
  const log = pino(
    { base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 1, sync: true }),
  );
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  let mustReload = false;
  process.on('SIGHUP', () => (mustReload = true));
  const dir = textOf(options, 'dir');
  const where = textOf(options, 'listen');
  const health = where === undefined ? undefined : await serveHealth(belay, where, cli.now);
  const beat = beatOf(cli.env, cli.now);
  try {
    const ending = await runDaemon({
      belay,
      cwd: cli.cwd,
      env: cli.env,
      folder: () => windowsFolderOf({ cwd: cli.cwd, env: cli.env, dir }),
      command: [process.execPath, process.argv[1] ?? ''],
      now: cli.now,
      mode,
      log,
      beat: (now) => {
        beat(now);
        health?.beat(now);
      },
      stop: stop.signal,
      takeReload: () => {
        const must = mustReload;
        mustReload = false;
        return must;
      },
    });
    switch (ending.kind) {
      case 'led':
        cli.talk(
          'Another daemon leads this state folder. Nothing was started.',
          '  belay daemon --standby takes over when it ends',
        );
        return exitCodes.refused;
      case 'idle':
        return ending.failed > 0 ? exitCodes.failed : exitCodes.done;
      case 'stopped':
        return exitCodes.done;
      default:
        return ending satisfies never;
    }
  } finally {
    health?.close();
  }
};
