/** The host contract's part on reading scripts. */
import { describe, expect, it } from 'vitest';
import { readBytesMax } from '../../../src/transports/host.ts';
import type { Suite } from '../host.ts';
import { failureOf, read, untilOnHost } from './command.ts';

const telling = [0, 1, 2, 3, 64, 100, 124, 126, 127, 128, 129, 130, 137, 143, 168, 169, 194, 254, 255];
const oddWords = [
  '',
  ' ',
  'two  words',
  "it's",
  '"quoted"',
  'line\nbreak\n',
  '$(id) `id` $HOME',
  '\\n\\',
  '*',
  '-n',
  '--',
  'ünïcödé ✔ 漢字 🧗',
];

export function readContract({ capabilities, timeoutMs, opened, folder }: Suite): void {
  const all = Array.from({ length: 256 }, (_, code) => code);

  describe.concurrent('read', () => {
    it('gives back the exit code of the script', { timeout: timeoutMs * 3 }, async () => {
      const { host } = opened();
      const codes = capabilities.fast ? all : telling;
      const seen: number[] = [];
      for (let at = 0; at < codes.length; at += 8) {
        const some = codes.slice(at, at + 8);
        const results = await Promise.all(
          some.map((code) => read(host, { text: 'exit "$1"', args: [String(code)] })),
        );
        seen.push(...results.map(({ exitCode }) => exitCode));
      }
      expect(seen).toEqual(codes);
    });

    it('tells a script that a signal ended by 128 and the signal', { timeout: timeoutMs }, async () => {
      const { host } = opened();
      expect((await read(host, 'kill -KILL $$')).exitCode).toBe(137);
      expect((await read(host, 'kill -TERM $$')).exitCode).toBe(143);
    });

    it('keeps standard output and standard error apart, byte for byte', { timeout: timeoutMs }, async () => {
      const { host } = opened();
      const text = `printf 'out'; printf 'err\\n\\n' >&2; printf ' and more\\n\\n'; printf 'end' >&2`;
      expect(await read(host, text)).toEqual({
        exitCode: 0,
        stdout: 'out and more\n\n',
        stderr: 'err\n\nend',
      });
      expect(await read(host, 'true')).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    });

    it('hands arguments over literally', { timeout: timeoutMs }, async () => {
      const { host } = opened();
      const { stdout } = await read(host, {
        text: `for word in "$@"; do printf '<%s>' "$word"; done`,
        args: oddWords,
      });
      expect(stdout).toBe(oddWords.map((word) => `<${word}>`).join(''));
    });

    it('hands the environment over literally', { timeout: timeoutMs }, async () => {
      const { host } = opened();
      const env = Object.fromEntries(oddWords.map((word, index) => [`WORD_${index}`, word]));
      const text = `i=0; while [ $i -lt ${oddWords.length} ]; do eval "printf '<%s>' \\"\\$WORD_$i\\""; i=$((i+1)); done`;
      const { stdout } = await read(host, { text, env });
      expect(stdout).toBe(oddWords.map((word) => `<${word}>`).join(''));
    });

    it(
      'hands every byte to standard input, and an end of file where there is none',
      { timeout: timeoutMs },
      async () => {
        const { host } = opened();
        const stdin = Buffer.from(Array.from({ length: 2048 }, (_, index) => index % 256));
        const { stdout } = await read(host, { text: 'od -An -v -tx1 | tr -d " \\n"', stdin });
        expect(stdout).toBe(stdin.toString('hex'));
        expect(await read(host, 'cat')).toEqual({ exitCode: 0, stdout: '', stderr: '' });
      },
    );

    it('gives a clean, predictable environment', { timeout: timeoutMs }, async () => {
      const { host } = opened();
      const text =
        'echo "$PATH|$LANG|${LC_ALL-unset}|$(umask)"; [ "$HOME" = "$PWD" ] && [ -n "$LOGNAME" ] && echo home';
      const { stdout } = await read(host, text);
      expect(stdout).toMatch(/^[^|]*sbin[^|]*\|C\.UTF-8\|unset\|0?022\nhome\n$/);
    });

    it('honours the interpreter that a script names', { timeout: timeoutMs }, async () => {
      const { host } = opened();
      const bash = await read(host, { text: '#!/bin/bash\necho "${BASH_VERSION:+bash} $1"', args: ['a b'] });
      expect(bash.stdout).toBe('bash a b\n');
      const awk = await read(host, { text: '#!/usr/bin/awk -f\nBEGIN { print 6 * 7; exit 3 }' });
      expect(awk).toEqual({ exitCode: 3, stdout: '42\n', stderr: '' });
      expect((await read(host, '#!/no/such/interpreter\n')).exitCode).toBe(127);
    });

    it('changes to the working directory, or does not run', { timeout: timeoutMs }, async () => {
      const { host } = opened();
      expect((await read(host, { text: 'pwd', workingDirectory: folder() })).stdout).toBe(`${folder()}\n`);
      const missing = await read(host, { text: 'echo ran', workingDirectory: "/no such'folder" });
      expect(missing.exitCode).toBe(126);
      expect(missing.stdout).toBe('');
      expect(missing.stderr).toContain("cannot change to the working directory /no such'folder");
    });

    it('runs texts that no argument list could carry', { timeout: timeoutMs }, async () => {
      const { host } = opened();
      // Repetitive, so that a transport that compresses can carry it.
      const text = `: '${'x'.repeat(300_000)}'\necho "$1 $(cat)"`;
      const result = await read(host, { text, args: ['long'], stdin: Buffer.from('script') });
      expect(result).toEqual({ exitCode: 0, stdout: 'long script\n', stderr: '' });
    });

    it('keeps values out of every argument list', { timeout: timeoutMs }, async () => {
      const { host } = opened();
      const secret = `s3cret-${Math.random().toString(36).slice(2)}`;
      const text = `printf %s "$SECRET" | grep -lF -f - /proc/[0-9]*/cmdline 2>/dev/null; [ "$SECRET" = "$(cat)" ]`;
      const result = await read(host, { text, env: { SECRET: secret }, stdin: Buffer.from(secret) });
      expect(result).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    });

    it('accepts as much output as it says, and no byte more', { timeout: timeoutMs * 3 }, async () => {
      const { host } = opened();
      const print = (stream: 1 | 2, bytes: number): string =>
        `head -c ${bytes} /dev/zero | tr '\\0' x >&${stream}`;
      if (capabilities.streamBytesMax === undefined) {
        const full = await read(host, `${print(1, readBytesMax)}; ${print(2, readBytesMax)}; exit 5`);
        expect([full.exitCode, full.stdout.length, full.stderr.length]).toEqual([
          5,
          readBytesMax,
          readBytesMax,
        ]);
        const failure = await failureOf(read(host, print(2, readBytesMax + 1)));
        expect(failure.code).toBe('OUTPUT_TOO_LARGE');
      }
      const failure = await failureOf(read(host, `${print(1, readBytesMax + 1)}; sleep 60`));
      expect(failure.code).toBe('OUTPUT_TOO_LARGE');
    });

    it('stops a script that takes too long, on the host too', { timeout: timeoutMs }, async () => {
      const { host } = opened();
      const pidFile = `${folder()}/timed-out`;
      const text = 'echo $$ >"$1"; while :; do sleep 1; done';
      const failure = await failureOf(read(host, { text, args: [pidFile] }, 2000));
      expect(failure.code).toBe('TIMED_OUT');
      expect(failure.message).toContain('2 s');
      await untilOnHost(host, '! kill -0 $(cat "$1")', pidFile);
    });

    it('stops a script whose caller gives up', { timeout: timeoutMs }, async () => {
      const { host } = opened();
      const pidFile = `${folder()}/given-up`;
      const controller = new AbortController();
      const text = 'echo $$ >"$1"; while :; do sleep 1; done';
      const reading = host.read({ text, args: [pidFile] }, { signal: controller.signal, timeoutMs: 60_000 });
      const failed = failureOf(reading);
      await untilOnHost(host, 'test -s "$1"', pidFile);
      controller.abort();
      expect((await failed).code).toBe('CANCELLED');
      await untilOnHost(host, '! kill -0 $(cat "$1")', pidFile);
    });

    it('does not wait for what a script leaves behind', { timeout: timeoutMs }, async () => {
      const { host } = opened();
      const begunAt = Date.now();
      const { stdout } = await read(host, 'sleep 15 & echo done');
      expect(stdout).toBe('done\n');
      expect(Date.now() - begunAt).toBeLessThan(12_000);
    });

    it('answers many readers at once', { timeout: timeoutMs }, async () => {
      const { host } = opened();
      const readers = Array.from({ length: 20 }, (_, index) =>
        read(host, { text: 'echo "$1"', args: [String(index)] }),
      );
      const results = await Promise.all(readers);
      expect(results.map(({ stdout }) => stdout)).toEqual(
        Array.from({ length: 20 }, (_, index) => `${index}\n`),
      );
    });
  });
}
