/** The host contract's part on stopping: nothing of the command lives afterwards, and nothing else is touched. */
import { describe, expect, it } from 'vitest';
import type { Host } from '../../../src/transports/host.ts';
import type { Suite } from '../host.ts';
import { livingOf, never, newToken, read, stateOf, untilEnd, untilOnHost } from './command.ts';

export function stopContract({ timeoutMs, opened, folder }: Suite): void {
  describe.concurrent('stop', () => {
    it('lets a command clean up and records how it ended', { timeout: timeoutMs }, async () => {
      const { host } = opened();
      const token = newToken();
      const text = 'trap "echo cleaned; exit 3" TERM; : >"$1"; while :; do sleep 0.1; done';
      await host.start(token, { text, args: [`${folder()}/trap`] }, { signal: never });
      await untilOnHost(host, 'test -e "$1"', `${folder()}/trap`);
      await host.stop(token, { signal: never });
      const ending = await untilEnd(host, token);
      expect(ending.stdout).toBe('cleaned\n');
      expect(ending.state).toMatchObject({ kind: 'exited', exitCode: 3 });
      await host.forget(token, { signal: never });
    });

    it(
      'kills grandchildren that ignore TERM, that left the process group, and that left the session',
      { timeout: timeoutMs },
      async () => {
        const { host } = opened();
        const token = newToken();
        const pids = `${folder()}/pids`;
        const text = `
        trap '' TERM
        PIDS=$1; export PIDS
        sh -c 'trap "" TERM; echo $$ >>"$PIDS"; while :; do sleep 1; done' &
        setsid sh -c 'trap "" TERM; echo $$ >>"$PIDS"; while :; do sleep 1; done' &
        setsid sh -c 'setsid sh -c "trap \\"\\" TERM; echo \\$\\$ >>\\"\\$PIDS\\"; while :; do sleep 1; done" & exit 0' &
        env -i PIDS="$PIDS" PATH="$PATH" setsid sh -c 'trap "" TERM; echo $$ >>"$PIDS"; while :; do sleep 1; done' &
        while [ "$(wc -l <"$1")" -lt 4 ]; do sleep 0.1; done
        echo $$ >>"$1"
        while :; do sleep 1; done`;
        await host.start(token, { text, args: [pids] }, { signal: never });
        await untilOnHost(host, '[ "$(wc -l <"$1")" -ge 5 ]', pids);
        await host.stop(token, { signal: never });
        expect(await livingOf(host, pids)).toEqual([]);
        const { state } = await untilEnd(host, token);
        expect(state).toMatchObject({ kind: 'exited', exitCode: 137 });
        await host.stop(token, { signal: never });
        await host.forget(token, { signal: never });
      },
    );

    it('stops what is left of a command whose wrapper was killed', { timeout: timeoutMs }, async () => {
      const { host } = opened();
      const token = newToken();
      const pid = `${folder()}/orphan`;
      const text =
        'read wrapper rest <"$BELAY_COMMAND/begun"; kill -KILL $wrapper; echo $$ >"$1"; while :; do sleep 1; done';
      await host.start(token, { text, args: [pid] }, { signal: never });
      await untilOnHost(host, 'test -s "$1"', pid);
      await host.stop(token, { signal: never });
      expect(await livingOf(host, pid)).toEqual([]);
      const { state } = await untilEnd(host, token);
      expect(state.kind === 'vanished' && state.reason).toContain('was stopped');
      await host.forget(token, { signal: never });
    });

    it(
      'sees and stops what left the session, whose wrapper is gone, and that runs itself anew all the time',
      { timeout: timeoutMs },
      async () => {
        const { host } = opened();
        const token = newToken();
        const pid = `${folder()}/again`;
        // The kernel shows no environment of a process between one program and the next.
        const text = `
        read wrapper rest <"$BELAY_COMMAND/begun"
        echo 'n=\${2:-0}; [ $n != 0 ] || echo $$ >"$1"; [ $n -ge 60000 ] || exec sh "$0" "$1" $((n + 1))' >"$1.sh"
        setsid sh "$1.sh" "$1" >/dev/null 2>&1 &
        while ! [ -s "$1" ]; do sleep 0.1; done
        kill -KILL $wrapper`;
        await host.start(token, { text, args: [pid] }, { signal: never });
        await untilOnHost(host, 'test -s "$1"', pid);
        for (let look = 0; look < 60; look += 1) expect(await stateOf(host, token)).toBe('running');
        await host.stop(token, { signal: never });
        expect(await livingOf(host, pid)).toEqual([]);
        await host.forget(token, { signal: never });
      },
    );

    it('calls no command a success that ended because it was stopped', { timeout: timeoutMs }, async () => {
      const { host } = opened();
      const token = newToken();
      const text = 'trap "exit 0" TERM; : >"$1"; while :; do sleep 0.1; done';
      await host.start(token, { text, args: [`${folder()}/calm`] }, { signal: never });
      await untilOnHost(host, 'test -e "$1"', `${folder()}/calm`);
      await host.stop(token, { signal: never });
      const { state } = await untilEnd(host, token);
      expect(state).toMatchObject({ kind: 'vanished' });
      await host.forget(token, { signal: never });
    });

    it('touches nothing once the command has ended', { timeout: timeoutMs }, async () => {
      const { host } = opened();
      const token = newToken();
      const pid = `${folder()}/daemon`;
      await host.start(token, { text: 'sleep 40 & echo $! >"$1"', args: [pid] }, { signal: never });
      await untilEnd(host, token);
      await host.stop(token, { signal: never });
      expect((await read(host, { text: 'kill $(cat "$1")', args: [pid] })).exitCode).toBe(0);
      expect((await untilEnd(host, token)).state).toMatchObject({ kind: 'exited', exitCode: 0 });
      await host.forget(token, { signal: never });
    });

    it('touches no other command', { timeout: timeoutMs }, async () => {
      const { host } = opened();
      const [stopped, running] = [newToken(), newToken()];
      for (const token of [stopped, running])
        await host.start(token, { text: 'sleep 30' }, { signal: never });
      await host.stop(stopped, { signal: never });
      expect(await stateOf(host, running)).toBe('running');
      await end(host, running);
      await host.forget(stopped, { signal: never });
    });

    it(
      'closes a token that never began: a start on its way comes to nothing',
      { timeout: timeoutMs },
      async () => {
        const { host } = opened();
        const token = newToken();
        await host.stop(token, { signal: never });
        await host.start(token, { text: 'echo ran >"$1"', args: [`${folder()}/late`] }, { signal: never });
        const { state } = await untilEnd(host, token);
        expect(state.kind === 'vanished' && state.reason).toContain('before it began');
        expect((await read(host, { text: 'test -e "$1"', args: [`${folder()}/late`] })).exitCode).toBe(1);
        await host.forget(token, { signal: never });
      },
    );
  });
}

async function end(host: Host, token: string): Promise<void> {
  await host.stop(token, { signal: never });
  await host.forget(token, { signal: never });
}
