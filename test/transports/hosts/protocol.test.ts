/** The parts of the protocol that need no host: replies however they arrive, quoting, names, places in a queue. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { interpreterWords } from '../../../src/transports/hosts/protocol/command.ts';
import { shellExports, shellQuote } from '../../../src/transports/hosts/protocol/quote.ts';
import { ReplyReader } from '../../../src/transports/hosts/protocol/reply.ts';
import { GarbledReply } from '../../../src/transports/hosts/protocol/words.ts';
import { defaultShell, openingWords } from '../../../src/transports/hosts/protocol/shell.ts';
import { folderOf } from '../../../src/transports/hosts/protocol/token.ts';
import { Semaphore } from '../../../src/transports/hosts/semaphore.ts';
import { sharedConfig } from '../../../src/transports/hosts/ssh-config.ts';
import { checkKeyExchange } from '../../../src/transports/hosts/ssh-offers.ts';
import type { SshPaths } from '../../../src/transports/hosts/ssh-paths.ts';
import { makeSshFolder } from '../../../src/transports/hosts/ssh-folder.ts';

describe('a reply', () => {
  const bytes = Buffer.from('Welcome!\nnonce\no 5\nab\n=ce 3\nxyzo 2\n= s 7 3\n= exited 4\n');

  it('reads the same wherever it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 60 }),
        async (sizes) => {
          const output = { stdout: '', stderr: '' };
          const reader = new ReplyReader('nonce', {
            write: (stream, chunk) => {
              output[stream] += Buffer.from(chunk).toString();
            },
          });
          for (let at = 0, turn = 0; at < bytes.byteLength; turn += 1) {
            const size = sizes[turn % sizes.length] ?? 1;
            await reader.take(bytes.subarray(at, at + size));
            at += size;
          }
          expect(output).toEqual({ stdout: 'ab\n=c= ', stderr: 'xyz' });
          expect(reader.reply).toEqual({
            words: 'exited 4',
            stdout: 7,
            stderr: 3,
            sizes: { stdout: 7, stderr: 3 },
          });
        },
      ),
    );
  });

  it('is not complete before its last line, and begins only after the nonce', async () => {
    const reader = new ReplyReader('nonce');
    await reader.take(Buffer.from('Last login: today\n= exited 0\n'));
    expect([reader.begun, reader.reply]).toEqual([false, undefined]);
    await reader.take(Buffer.from('nonce\n= exi'));
    expect([reader.begun, reader.reply]).toEqual([true, undefined]);
    await reader.take(Buffer.from('ted 4\nand whatever follows'));
    expect(reader.reply).toEqual({ words: 'exited 4', stdout: 0, stderr: 0 });
  });

  it('that does not follow the format is refused', async () => {
    const reader = new ReplyReader('nonce');
    await expect(reader.take(Buffer.from('nonce\nsegmentation fault\n'))).rejects.toThrow(GarbledReply);
    await expect(new ReplyReader('nonce').take(Buffer.from(`nonce\n${'x'.repeat(20_000)}`))).rejects.toThrow(
      GarbledReply,
    );
  });
});

describe('quoting', () => {
  it('gives the shell back exactly what was quoted', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.string({ unit: 'grapheme' }).filter((word) => !word.includes('\0')),
          { maxLength: 5 },
        ),
        (words) => {
          const text = `for w in ${words.map(shellQuote).join(' ')}; do printf '%s\\001' "$w"; done`;
          const said = execFileSync('/bin/sh', ['-c', text], { encoding: 'utf8' });
          expect(said).toBe(words.map((word) => `${word}\u0001`).join(''));
        },
      ),
      { numRuns: 30 },
    );
  });

  it('refuses what no shell can carry', () => {
    expect(() => shellQuote('a\0b')).toThrow('NUL');
    expect(() => shellExports({ 'A;id': '1' })).toThrow('"A;id" cannot be the name');
  });

  it('opens with words that survive any login shell between single quotes', () => {
    for (const become of ['none', 'sudo'] as const) {
      for (const word of openingWords(defaultShell, become)) expect(word).not.toMatch(/['\\!\n]/);
    }
  });
});

describe('names on the host', () => {
  it('keep a plain token readable and never leave the state folder', () => {
    expect(folderOf('01JD3K7Q-Patch-1')).toBe('01JD3K7Q-Patch-1');
    for (const token of ['', '..', '../x', '.hidden', '-rf', 'a/b', 'a b', 'x'.repeat(81), 'read.1']) {
      expect(folderOf(token)).toMatch(/^sha256\.[0-9a-f]{64}$/);
    }
  });

  it.each([
    ['echo', '"$b_sh"'],
    ['#!/bin/bash\n', "'/bin/bash'"],
    ['#! /usr/bin/env  -S python3 -u \necho', "'/usr/bin/env' '-S python3 -u'"],
    ['#!\n', '"$b_sh"'],
  ])('the interpreter of %j is %s', (text, words) => {
    expect(interpreterWords(text)).toBe(words);
  });
});

describe('places in a queue', () => {
  it('are given in order, given back once, and lost by who gives up', async () => {
    const semaphore = new Semaphore(1);
    const order: string[] = [];
    const release = await semaphore.acquire();
    const controller = new AbortController();
    const gaveUp = semaphore.acquire(controller.signal).catch(() => order.push('gave up'));
    const second = semaphore.acquire().then((free) => {
      order.push('second');
      free();
    });
    controller.abort();
    await gaveUp;
    expect(order).toEqual(['gave up']);
    release();
    release();
    await second;
    const [first, other] = [await semaphore.acquire(), semaphore.acquire()];
    const early = await Promise.race([
      other.then(() => 'both'),
      new Promise((resolve) => setTimeout(resolve, 20, 'one')),
    ]);
    expect(early).toBe('one');
    first();
    (await other)();
  });
});

describe('the folder of control sockets', () => {
  it('is private, short, and sweeps up after processes that are gone', () => {
    const base = mkdtempSync(join(tmpdir(), 'belay-run-'));
    const [gone, alive] = [join(base, 'belay-ssh-4194303-abc'), join(base, `belay-ssh-${process.ppid}-abc`)];
    for (const folder of [gone, alive]) mkdirSync(folder);
    const before = process.env['XDG_RUNTIME_DIR'];
    process.env['XDG_RUNTIME_DIR'] = base;
    try {
      const folder = makeSshFolder();
      expect(folder.startsWith(join(base, `belay-ssh-${process.pid}-`))).toBe(true);
      expect(statSync(folder).mode & 0o777).toBe(0o700);
      expect([existsSync(gone), existsSync(alive)]).toEqual([false, true]);

      process.env['XDG_RUNTIME_DIR'] = join(base, 'x'.repeat(80));
      const short = makeSshFolder();
      expect(Buffer.byteLength(short)).toBeLessThanOrEqual(70);
      rmSync(short, { recursive: true });
    } finally {
      if (before === undefined) delete process.env['XDG_RUNTIME_DIR'];
      else process.env['XDG_RUNTIME_DIR'] = before;
      rmSync(base, { recursive: true });
    }
  });
});

describe('the key exchanges that are asked for', () => {
  const paths = { plain: (path: string) => path } as unknown as SshPaths;
  const asked = (offered: readonly string[], wanted: readonly string[] = []) =>
    /KexAlgorithms (?<names>\S+)/
      .exec(sharedConfig([], paths, { wanted, offered }))
      ?.groups?.['names']?.split(',');

  it('are the fast ones first, and then all that are safe', () => {
    const known = [
      'diffie-hellman-group14-sha1',
      'diffie-hellman-group16-sha512',
      'sntrup761x25519-sha512',
      'curve25519-sha256',
    ];
    expect(asked(known)).toEqual([
      'curve25519-sha256',
      'diffie-hellman-group16-sha512',
      'sntrup761x25519-sha512',
    ]);
    expect(asked([...known, 'mlkem768x25519-sha256'])?.[0]).toBe('mlkem768x25519-sha256');
  });

  it('are those of belay.yaml where it names some, before every file of the user', () => {
    const own = ['sntrup761x25519-sha512', 'curve25519-sha256'];
    expect(asked(['curve25519-sha256'], own)).toEqual(own);
    const kex = { wanted: own, offered: own };
    expect(sharedConfig(['/etc/passwd'], paths, kex)).toMatch(/KexAlgorithms sntrup[\s\S]*Include/);
    expect(() => checkKeyExchange(kex)).not.toThrow();
    expect(() => checkKeyExchange({ ...kex, offered: [] })).not.toThrow();
    expect(() => checkKeyExchange({ wanted: ['old', ...own], offered: own })).toThrow(
      /does not know old, which keyExchange of belay.yaml names; it knows sntrup761x25519-sha512, curve25519-sha256/,
    );
  });

  it('are left to ssh where it knows none of the fast ones', () => {
    expect(asked([])).toBeUndefined();
    expect(asked(['diffie-hellman-group16-sha512'])).toBeUndefined();
  });
});
