/**
 * What runs on a host uses nothing that Enterprise Linux 7 does not have: bash 4.2, coreutils 8.22, util-linux 2.23, grep
 * 2.20, gawk 4.0. Every tool, and every option that it is given, is on this list, with the release that brought it where that matters.
 */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { commandSettings } from '../../../src/transports/hosts/protocol/command.ts';
import { openingRequest } from '../../../src/transports/hosts/protocol/keeper.ts';
import {
  forgetRequest,
  lookRequest,
  readRequest,
  startByWorker,
  startByWrapper,
  stopRequest,
} from '../../../src/transports/hosts/protocol/requests.ts';
import { identityLine } from '../../../src/transports/hosts/identity.ts';
import * as oneShot from '../../../src/transports/hosts/protocol/one-shot.ts';
import { defaultShell, openingWords } from '../../../src/transports/hosts/protocol/shell.ts';

const known: Readonly<Record<string, readonly string[]>> = {
  awk: ['-v', 'session='],
  base64: ['-d'],
  chmod: [],
  // skip_bytes and count_bytes: coreutils 8.16; fullblock: 7.0.
  dd: ['bs=', 'count=', 'iflag=fullblock', 'iflag=skip_bytes,count_bytes', 'skip=', 'if='],
  env: ['-i'],
  grep: ['-H', '-lzF', '-lF'],
  id: ['-u', '-un'],
  ls: ['-ln', '-ldn'],
  mkdir: ['-m'],
  mkfifo: [],
  mktemp: ['-d'],
  mv: ['-f'],
  rm: ['-f', '-rf', '--'],
  // -f: util-linux 2.22; BusyBox without it is told apart. -w came with 2.24 and is not used.
  setsid: ['-f'],
  sleep: [],
  sudo: ['-n', '-H', '--'],
  // With names of files since coreutils 8.24; before, it takes them for nothing and syncs everything, which is as good.
  sync: [],
  tr: ['-dc'],
};

const script = {
  text: '#!/bin/bash\ntrue',
  args: ['a'],
  env: { A: '1' },
  stdin: Buffer.from('in'),
  workingDirectory: '/',
};
const command = { folder: 'f', token: 't', script };
const limits = { from: { stdout: 0, stderr: 0 }, waitMs: 1_000, bytesMax: 1_000, offsetMax: 1_000 };
const texts: readonly [string, Buffer | string][] = [
  ['opening line', identityLine('nonce', openingWords(defaultShell, 'sudo'))],
  ['keeper', openingRequest(defaultShell, 'nonce', 1_000)],
  ['command', `${commandSettings(script)}\n`],
  ['start by a worker', startByWorker(1, 7, command)],
  ['start by a wrapper', startByWrapper(1, defaultShell, 'nonce', command)],
  ['look', lookRequest(1, 'f', limits.from, 9)],
  ['stop', stopRequest(1, 'f')],
  ['forget', forgetRequest(1, ['f', 'g'])],
  ['read', readRequest(1, script)],
  ['start over SSM', oneShot.startRequest(defaultShell, 'f', 'nonce', command)],
  ['poll over SSM', oneShot.pollRequest(defaultShell, 'f', 'nonce', limits)],
  ['stop over SSM', oneShot.stopRequest(defaultShell, 'f', 'nonce')],
  ['forget over SSM', oneShot.forgetRequest(defaultShell, 'f', 'nonce')],
];

/** The shell text without comments, quoted sentences and the lengths between blocks. */
function plain(text: Buffer | string): string {
  return text
    .toString('utf8')
    .split('\n')
    .filter((line) => !/^\s*#|^\d+$/.test(line))
    .join('\n')
    .replaceAll(/'[^'\n]* [^'\n]*'/g, "''");
}

describe('what runs on a host', () => {
  it.each(texts)('asks no tool for what Enterprise Linux 7 has not: %s', (_, text) => {
    const uses = plain(text).matchAll(
      /(?<![\w./$"-])(?<tool>[a-z][a-z0-9]+)(?<words>(?: (?:--?[A-Za-z]*\b|--|[a-z]+=[a-z_,]*))+)/g,
    );
    for (const { groups } of uses) {
      const { tool = '', words = '' } = groups ?? {};
      const allowed = known[tool];
      if (allowed === undefined) {
        expect(builtins, `${tool}${words}`).toContain(tool);
        continue;
      }
      for (const word of words.trim().split(' ')) expect(allowed, `${tool}${words}`).toContain(word);
    }
  });

  it.each(texts)('is plain POSIX shell: %s', (_, text) => {
    const shell = plain(text);
    for (const bashism of [
      /\[\[/,
      /\blocal /,
      /\bfunction /,
      /<<</,
      /<\(/,
      /&>/,
      /\$'/,
      /\bsource /,
      /\bdeclare /,
      /\bmapfile\b/,
      /\$RANDOM/,
      /\bpipefail\b/,
      /==/,
    ]) {
      const lines = shell.split('\n').filter((line) => bashism.test(line) && !/field\[|awk/.test(line));
      expect(lines, String(bashism)).toEqual([]);
    }
  });

  it('is taken by every shell that is here, without being run', () => {
    const program = openingRequest(defaultShell, 'nonce', 1_000)
      .toString('utf8')
      .replace(/^\d+\n/, '');
    const [first = '', main = ''] = program.split(/\n:\d+\n/);
    for (const shell of ['/bin/sh', '/bin/bash']) {
      for (const text of [first, main.replace(/\n:$/, '')]) execFileSync(shell, ['-n'], { input: text });
    }
  });
});

const builtins = [
  'case',
  'cd',
  'command',
  'echo',
  'exec',
  'eval',
  'export',
  'kill',
  'printf',
  'read',
  'set',
  'test',
  'trap',
  'umask',
  'unset',
  'jobs',
  'shift',
  'exit',
];
