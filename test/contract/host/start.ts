/** The host contract's part on starting: what a command is given, and that it runs once. */
import { describe, expect, it } from 'vitest';
import type { Suite } from '../host.ts';
import { failureOf, never, newToken, read, run, stateOf, untilEnd } from './command.ts';

export function startContract({ capabilities, timeoutMs, opened, folder }: Suite): void {
  describe.concurrent('start', () => {
    it(
      'runs a script with its args, env, stdin, interpreter and working directory',
      { timeout: timeoutMs },
      async () => {
        const { host } = opened();
        const ending = await run(host, {
          text: '#!/bin/bash\nprintf "%s|" "${BASH_VERSION:+bash}" "$@" "$VALUE" "$PWD" "$(cat)"; echo err >&2; exit 255',
          args: ['a b', "it's", '$(id)', 'line\nbreak', '✔'],
          env: { VALUE: "va'lue\n2" },
          stdin: Buffer.from('from stdin'),
          workingDirectory: folder(),
        });
        expect(ending.stdout).toBe(`bash|a b|it's|$(id)|line\nbreak|✔|va'lue\n2|${folder()}|from stdin|`);
        expect(ending.stderr).toBe('err\n');
        expect(ending.state).toMatchObject({ kind: 'exited', exitCode: 255 });
      },
    );

    it(
      'gives an end of file where there is no stdin, and the same clean environment as a read',
      { timeout: timeoutMs },
      async () => {
        const { host } = opened();
        const { stdout } = await run(
          host,
          'cat; echo "$LANG $(umask)"; [ "$HOME" = "$PWD" ] && echo home; trap "" INT; echo "$?"',
        );
        expect(stdout).toMatch(/^C\.UTF-8 0?022\nhome\n0\n$/);
      },
    );

    it.skipIf(capabilities.ignoresInterrupt === true)(
      'leaves SIGINT to the script (skipped where setsid has no -f)',
      { timeout: timeoutMs },
      async () => {
        const { host } = opened();
        const { stdout } = await run(
          host,
          'trap "echo interrupted; exit 0" INT; kill -INT $$; sleep 1; echo ignored',
        );
        expect(stdout).toBe('interrupted\n');
      },
    );

    it(
      'tells a script that a signal ended by 128 and the signal, without a word of its own',
      { timeout: timeoutMs },
      async () => {
        const ending = await run(opened().host, 'kill -KILL $$');
        expect(ending).toMatchObject({ state: { kind: 'exited', exitCode: 137 }, stdout: '', stderr: '' });
      },
    );

    it('does not run in a missing working directory', { timeout: timeoutMs }, async () => {
      const ending = await run(opened().host, { text: 'echo ran', workingDirectory: '/no/such' });
      expect(ending.state).toMatchObject({ kind: 'exited', exitCode: 126 });
      expect(ending.stdout).toBe('');
      expect(ending.stderr).toContain('/no/such');
    });

    it('keeps values off the disk and out of every argument list', { timeout: timeoutMs }, async () => {
      const { host } = opened();
      const secret = `s3cret-${Math.random().toString(36).slice(2)}`;
      const text = `
        found() { printf %s "$SECRET" | grep -lF -f - /dev/null "$@" 2>/dev/null; }
        found /proc/[0-9]*/cmdline
        found $(find "$BELAY_COMMAND.." -type f)
        found $(find /tmp /var/tmp /dev/shm -maxdepth 1 -type f -newer "$BELAY_COMMAND/begun")
        [ "$SECRET" = "$(cat)" ] && echo received`;
      const { stdout } = await run(host, { text, env: { SECRET: secret }, stdin: Buffer.from(secret) });
      expect(stdout).toBe('received\n');
    });

    it('closes what it keeps on the host to other users', { timeout: timeoutMs }, async () => {
      const text = `cd "$BELAY_COMMAND" && ls -ld .. . stdout script | cut -c 1-10`;
      const { stdout } = await run(opened().host, text);
      expect(stdout).toMatch(/^drwx------\n(?:drwx------|-rw-------)\n(?:-rw-------\n?|drwx------\n?)*$/);
    });

    it('runs once however often it is started', { timeout: timeoutMs }, async () => {
      const { host } = opened();
      const token = newToken();
      const script = { text: 'echo ran >>"$1"; sleep 1; echo "$2"', args: [`${folder()}/twice`, 'first'] };
      await host.start(token, script, { signal: never });
      await host.start(token, { ...script, args: [`${folder()}/twice`, 'second'] }, { signal: never });
      expect((await untilEnd(host, token)).stdout).toBe('first\n');
      await host.start(token, script, { signal: never });
      expect((await untilEnd(host, token)).stdout).toBe('first\n');
      expect((await read(host, { text: 'cat "$1"', args: [`${folder()}/twice`] })).stdout).toBe('ran\n');
      await host.forget(token, { signal: never });
    });

    it('runs once when runners race to start it', { timeout: timeoutMs }, async () => {
      const { host, other } = opened();
      for (let round = 0; round < (capabilities.fast ? 5 : 2); round += 1) {
        const token = newToken();
        const file = `${folder()}/race-${round}`;
        const racers = Array.from({ length: 8 }, (_, index) =>
          (index % 2 === 0 ? host : other).start(
            token,
            { text: 'echo "$1"; echo ran >>"$2"; sleep 0.3', args: [String(index), file] },
            { signal: never },
          ),
        );
        await Promise.all(racers);
        const [mine, theirs] = await Promise.all([untilEnd(host, token), untilEnd(other, token)]);
        expect(mine.stdout).toMatch(/^\d\n$/);
        expect(theirs.stdout).toBe(mine.stdout);
        expect((await read(host, { text: 'cat "$1"', args: [file] })).stdout).toBe('ran\n');
        await host.forget(token, { signal: never });
      }
    });

    it('never runs with half of its input', { timeout: timeoutMs * 2 }, async () => {
      if (capabilities.streamBytesMax !== undefined) return;
      const { host } = opened();
      const stdin = Buffer.alloc(6 * 1024 * 1024, 'x');
      const script = { text: 'echo ran >>"$1"; wc -c', args: [`${folder()}/half`], stdin };
      const token = newToken();
      for (const afterMs of [1, 20, 60, 150, 300]) {
        const controller = new AbortController();
        const starting = host.start(token, script, { signal: controller.signal });
        const timer = setTimeout(() => {
          controller.abort();
        }, afterMs);
        await starting.catch(() => {});
        clearTimeout(timer);
      }
      await host.start(token, script, { signal: never });
      const { stdout } = await untilEnd(host, token);
      expect(stdout.trim()).toBe(String(stdin.byteLength));
      expect((await read(host, { text: 'cat "$1"', args: [`${folder()}/half`] })).stdout).toBe('ran\n');
      await host.forget(token, { signal: never });
    });

    it('takes any token, and keeps them apart', { timeout: timeoutMs }, async () => {
      const { host } = opened();
      const base = newToken();
      const tokens = [
        `${base}/a b`,
        `${base}/../${base}`,
        `${base}'$(id)`,
        `${base}${'x'.repeat(300)}`,
        `${base}é`,
      ];
      for (const token of tokens)
        await host.start(token, { text: 'printf %s "$BELAY_TOKEN"' }, { signal: never });
      for (const token of tokens) expect((await untilEnd(host, token)).stdout).toBe(token);
      for (const token of tokens) await host.forget(token, { signal: never });
      for (const token of tokens) expect(await stateOf(host, token)).toBe('absent');
    });
  });

  describe('a connection that is cut', () => {
    it(
      'goes on when the connection is cut, and gives the first result to whoever asks next',
      { timeout: timeoutMs },
      async (context) => {
        const { host, other, cut } = opened();
        if (cut === undefined) {
          context.skip('this transport keeps no connection that could be cut');
          return;
        }
        const token = newToken();
        const text =
          'echo ran >>"$1"; echo before; i=0; while ! [ -e "$1.on" ] && [ $i -lt 1200 ]; do sleep 0.1; i=$((i+1)); done; echo after; exit 9';
        await host.start(token, { text, args: [`${folder()}/cut`] }, { signal: never });
        let begin = (): void => {};
        const begun = new Promise<void>((resolve) => {
          begin = resolve;
        });
        const from = { stdout: 0, stderr: 0 };
        const polling = async (): Promise<void> => {
          let kind = 'running';
          // A machine that is slow to cut it may have the wait come to its end first.
          while (kind === 'running')
            ({ kind } = await host.poll(token, {
              from,
              sink: { write: begin },
              waitMs: 30_000,
              signal: never,
            }));
        };
        const failed = failureOf(polling());
        await begun;
        await cut();
        const failure = await failed;
        expect(failure).toMatchObject({ code: 'CONNECTION_LOST', retryable: true, effect: 'unknown' });
        await read(host, { text: ': >"$1.on"', args: [`${folder()}/cut`] });
        const ending = await untilEnd(host, token);
        expect(ending).toMatchObject({ state: { kind: 'exited', exitCode: 9 }, stdout: 'before\nafter\n' });
        expect((await untilEnd(other, token)).stdout).toBe('before\nafter\n');
        expect((await read(host, { text: 'cat "$1"', args: [`${folder()}/cut`] })).stdout).toBe('ran\n');
        await host.forget(token, { signal: never });
      },
    );
  });
}
