/** The host contract's part on polling and forgetting. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Suite } from '../host.ts';
import {
  collect,
  failureOf,
  never,
  newToken,
  pollUntilEnd,
  read,
  run,
  stateOf,
  untilEnd,
  untilOnHost,
} from './command.ts';

/** A script that ends when its first argument has come to exist, or after two minutes where a test failed. */
const untilFile = 'i=0; while ! [ -e "$1" ] && [ $i -lt 1200 ]; do sleep 0.1; i=$((i+1)); done';
const start = { stdout: 0, stderr: 0 };

export function followContract({ capabilities, timeoutMs, opened, folder }: Suite): void {
  describe.concurrent('poll', () => {
    it('says absent for a token that never began', { timeout: timeoutMs }, async () => {
      expect(await stateOf(opened().host, newToken())).toBe('absent');
    });

    it(
      'hands output on while the command runs, and goes on from an offset',
      { timeout: timeoutMs },
      async () => {
        const { host } = opened();
        const token = newToken();
        const text =
          'echo one; echo first >&2; while ! [ -e "$1" ]; do sleep 0.1; done; echo two; echo second >&2; exit 4';
        await host.start(token, { text, args: [`${folder()}/go-on`] }, { signal: never });
        const early = collect();
        let state = await host.poll(token, { from: start, sink: early.sink, waitMs: 1500, signal: never });
        expect(state).toEqual({ kind: 'running', next: { stdout: 4, stderr: 6 } });
        expect([early.text('stdout'), early.text('stderr')]).toEqual(['one\n', 'first\n']);

        await read(host, { text: ': >"$1"', args: [`${folder()}/go-on`] });
        const late = collect();
        const from = { stdout: 4, stderr: 6 };
        do state = await host.poll(token, { from, sink: late.sink, waitMs: 5000, signal: never });
        while (state.kind === 'running' && late.bytes.stdout === 0);
        expect(state).toEqual({ kind: 'exited', exitCode: 4, next: { stdout: 8, stderr: 13 } });
        expect([late.text('stdout'), late.text('stderr')]).toEqual(['two\n', 'second\n']);

        const middle = collect();
        await host.poll(token, {
          from: { stdout: 2, stderr: 13 },
          sink: middle.sink,
          waitMs: 0,
          signal: never,
        });
        expect([middle.text('stdout'), middle.text('stderr')]).toEqual(['e\ntwo\n', '']);
        await host.forget(token, { signal: never });
      },
    );

    it('waits no longer than asked, and not after the end', { timeout: timeoutMs }, async () => {
      const { host } = opened();
      const token = newToken();
      const end = `${folder()}/end-of-wait`;
      await host.start(token, { text: untilFile, args: [end] }, { signal: never });
      const poll = (waitMs: number) =>
        host.poll(token, { from: start, sink: collect().sink, waitMs, signal: never });
      expect((await poll(0)).kind).toBe('running');
      const begunAt = Date.now();
      expect((await poll(1000)).kind).toBe('running');
      expect(Date.now() - begunAt).toBeGreaterThanOrEqual(900);
      const last = poll(30_000);
      await read(host, { text: ': >"$1"', args: [end] });
      const endedAt = Date.now();
      expect((await last).kind).toBe('exited');
      expect(Date.now() - endedAt).toBeLessThan(20_000);
      await host.forget(token, { signal: never });
    });

    it('can be given up', { timeout: timeoutMs }, async () => {
      const { host } = opened();
      const token = newToken();
      await host.start(token, { text: 'sleep 4; echo survived' }, { signal: never });
      const controller = new AbortController();
      const failed = failureOf(
        host.poll(token, { from: start, sink: collect().sink, waitMs: 20_000, signal: controller.signal }),
      );
      setTimeout(() => {
        controller.abort();
      }, 300);
      expect((await failed).code).toBe('CANCELLED');
      expect((await untilEnd(host, token)).stdout).toBe('survived\n');
      await host.forget(token, { signal: never });
    });

    it('hands over the error of a sink that refuses', { timeout: timeoutMs }, async () => {
      const { host } = opened();
      const token = newToken();
      await host.start(token, { text: 'echo output' }, { signal: never });
      const sink = {
        write: () => {
          throw new RangeError('the log is full');
        },
      };
      await expect(host.poll(token, { from: start, sink, waitMs: 5000, signal: never })).rejects.toThrow(
        'the log is full',
      );
      expect((await untilEnd(host, token)).stdout).toBe('output\n');
      await host.forget(token, { signal: never });
    });

    it('says vanished when the command was killed from outside', { timeout: timeoutMs }, async () => {
      const { host } = opened();
      const token = newToken();
      const text =
        'echo begun; read wrapper rest <"$BELAY_COMMAND/begun"; echo "$wrapper $$" >"$1"; exec sleep 300';
      await host.start(token, { text, args: [`${folder()}/killed`] }, { signal: never });
      await untilOnHost(host, 'test -s "$1"', `${folder()}/killed`);
      await read(host, { text: 'kill -KILL $(cat "$1")', args: [`${folder()}/killed`] });
      const ending = await untilEnd(host, token);
      expect(ending.stdout).toBe('begun\n');
      expect(ending.state).toMatchObject({ kind: 'vanished', next: { stdout: 6, stderr: 0 } });
      expect(ending.state.kind === 'vanished' && ending.state.reason).toContain('killed from outside');
      await host.start(token, { text: 'echo again' }, { signal: never });
      expect((await untilEnd(host, token)).stdout).toBe('begun\n');
      await host.forget(token, { signal: never });
    });

    it('says running while the script outlives its killed wrapper', { timeout: timeoutMs }, async () => {
      const { host } = opened();
      const token = newToken();
      const text = 'read wrapper rest <"$BELAY_COMMAND/begun"; kill -KILL $wrapper; : >"$2"; '.concat(
        untilFile,
        '; echo last',
      );
      const [end, killed] = [`${folder()}/end-of-script`, `${folder()}/wrapper-killed`];
      await host.start(token, { text, args: [end, killed] }, { signal: never });
      await untilOnHost(host, 'test -e "$1"', killed);
      expect(await stateOf(host, token)).toBe('running');
      await read(host, { text: ': >"$1"', args: [end] });
      const ending = await untilEnd(host, token);
      expect(ending.stdout).toBe('last\n');
      expect(ending.state.kind).toBe('vanished');
      await host.forget(token, { signal: never });
    });

    it('says vanished when the host was rebooted', { timeout: timeoutMs }, async () => {
      const { host } = opened();
      const token = newToken();
      await host.start(
        token,
        {
          text: 'echo "$BELAY_COMMAND" >"$1"; i=0; while ! [ -e "$1.end" ] && [ $i -lt 1200 ]; do sleep 0.1; i=$((i+1)); done',
          args: [`${folder()}/boot`],
        },
        { signal: never },
      );
      await untilOnHost(host, 'test -s "$1"', `${folder()}/boot`);
      // What is left of a command after a reboot: its records, with the id of the boot before.
      const text =
        'cd "$(cat "$1")" && read pid time boot <begun && echo "$pid $time 00000000-0000-0000-0000-000000000000" >begun';
      await read(host, { text, args: [`${folder()}/boot`] });
      const { state } = await untilEnd(host, token);
      expect(state.kind === 'vanished' && state.reason).toContain('rebooted');
      await read(host, { text: ': >"$1.end"', args: [`${folder()}/boot`] });
      await host.stop(token, { signal: never });
      await host.forget(token, { signal: never });
    });

    it('cuts output at its limit and says so in a closing line', { timeout: timeoutMs * 5 }, async () => {
      const limit = capabilities.streamBytesMax;
      if (limit === undefined) return;
      const { host } = opened();
      const { stdout, state } = await run(host, `head -c ${limit + 5000} /dev/zero | tr '\\0' y; exit 6`);
      expect(stdout.slice(0, limit)).toBe('y'.repeat(limit));
      expect(stdout.slice(limit)).toMatch(/^\n\[belay: 5000 more bytes were not fetched over .*\]\n$/);
      expect(state).toEqual({ kind: 'exited', exitCode: 6, next: { stdout: limit + 5000, stderr: 0 } });
    });
  });

  describe('output', () => {
    it('streams 20 MB with every byte in its place', { timeout: timeoutMs * 3 }, async () => {
      if (capabilities.streamBytesMax !== undefined) return;
      await stream(opened().host, 20, 64);
    });

    it.skipIf(process.env['BELAY_TEST_GIGABYTE'] === undefined)(
      'streams 1 GB in bounded memory (runs when BELAY_TEST_GIGABYTE is set)',
      { timeout: 600_000 },
      async () => {
        if (capabilities.streamBytesMax !== undefined) return;
        await stream(opened().host, 1024, 256);
      },
    );
  });

  describe.concurrent('forget', () => {
    it('removes every trace, and is harmless when there is none', { timeout: timeoutMs }, async () => {
      const { host } = opened();
      const token = newToken();
      await host.forget(token, { signal: never });
      await host.start(token, { text: 'echo "$BELAY_COMMAND"' }, { signal: never });
      const { stdout } = await untilEnd(host, token);
      await host.forget(token, { signal: never });
      await host.forget(token, { signal: never });
      expect((await read(host, { text: 'ls -d "$1"', args: [stdout.trim()] })).exitCode).not.toBe(0);
      expect(await stateOf(host, token)).toBe('absent');
    });

    it('refuses while the command runs', { timeout: timeoutMs }, async () => {
      const { host } = opened();
      const token = newToken();
      await host.start(token, { text: 'sleep 60' }, { signal: never });
      expect((await failureOf(host.forget(token, { signal: never }))).code).toBe('STILL_RUNNING');
      expect(await stateOf(host, token)).toBe('running');
      await host.stop(token, { signal: never });
      await host.forget(token, { signal: never });
    });
  });
}

/** Follows `megabytes` of output with a slow reader and compares the digest with the host's. */
async function stream(
  host: Parameters<typeof run>[0],
  megabytes: number,
  growthMegabytesMax: number,
): Promise<void> {
  const token = newToken();
  const bytes = megabytes * 1024 * 1024;
  const text = `yes 'a line of thirty-two bytes or so' | head -c ${bytes} | tee /dev/fd/2 2>/dev/null | sha256sum >&2
    yes 'a line of thirty-two bytes or so' | head -c ${bytes}`;
  await host.start(token, { text }, { signal: never });
  const digest = createHash('sha256');
  const before = process.memoryUsage().rss;
  let seen = 0;
  let stderr = '';
  let peak = before;
  const sink = {
    write: async (name: 'stdout' | 'stderr', chunk: Uint8Array): Promise<void> => {
      if (name === 'stderr') {
        stderr += Buffer.from(chunk).toString();
        return;
      }
      seen += chunk.byteLength;
      digest.update(chunk);
      peak = Math.max(peak, process.memoryUsage().rss);
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    },
  };
  const state = await pollUntilEnd(host, token, sink, 500_000);
  expect(state).toMatchObject({ kind: 'exited', exitCode: 0, next: { stdout: bytes } });
  expect(seen).toBe(bytes);
  expect(stderr).toContain(digest.digest('hex'));
  expect((peak - before) / 1024 / 1024).toBeLessThan(growthMegabytesMax);
  await host.forget(token, { signal: never });
}
