/**
 * What runs on a host uses nothing that Enterprise Linux 7 does not have: bash 4.2, coreutils 8.22, util-linux 2.23, grep
 * 2.20, gawk 4.0. Every tool, and every option that it is given, is on this list, with the release that brought it where that matters.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
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
const limits = { bytesMax: 1_000, offsetMax: 1_000 };
const texts: readonly [string, Buffer | string][] = [
  ['opening line', identityLine('nonce', openingWords(defaultShell, 'sudo'))],
  ['keeper', openingRequest(defaultShell, 'nonce', 1_000)],
  ['command', `${commandSettings(script)}\n`],
  ['start by a worker', startByWorker(1, 7, command)],
  ['start by a wrapper', startByWrapper(1, defaultShell, 'nonce', command)],
  ['look', lookRequest(1, 'f', { stdout: 0, stderr: 0 }, 9)],
  ['stop', stopRequest(1, 'f')],
  ['forget', forgetRequest(1, ['f', 'g'])],
  ['read', readRequest(1, script)],
  ['own settings over SSM', oneShot.ownBlock({ nonce: 'nonce', folder: 'f', token: 't', forget: ['g'] })],
  ['start over SSM', oneShot.startRequest(defaultShell, script, limits)],
  ['read over SSM', oneShot.readDetachedRequest(defaultShell, script, limits)],
  ['poll over SSM', oneShot.pollRequest(defaultShell, limits)],
  ['stop over SSM', oneShot.stopRequest(defaultShell)],
  ['forget over SSM', oneShot.forgetRequest(defaultShell)],
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

/** What came later, with the release that brought it, in everything else that Belay writes for hosts. */
const newer: readonly (readonly [RegExp, string])[] = [
  [/(?:systemctl|timedatectl) show[^|\n]* --value\b/, 'systemd 230: show --value'],
  [/\bcurl [^\n]* -H "?@/, 'curl 7.55: -H @file'],
  [
    /\bcurl [^\n]*--(?:fail-with-body|retry-connrefused|connect-to|json|no-progress-meter)\b/,
    'curl 7.49 and later',
  ],
  [/\b(?:lsblk|findmnt) [^\n]*(?:-J|--json)\b/, 'util-linux 2.27: --json'],
  [/\bfindmnt [^\n]*-[MT]\b/, 'util-linux 2.27: findmnt -M, and -T for what lies below a mount'],
  [/\bsetsid (?:-w|--wait)\b/, 'util-linux 2.24: setsid --wait'],
  [/\bflock (?:-E|[^\n]*--conflict-exit-code)\b/, 'util-linux 2.25: flock -E'],
  [/\benv (?:-S|-C|--chdir|--split-string)\b/, 'coreutils 8.28 and later: env -C, -S'],
  [/\bsystemd-run [^\n]*(?:--wait|--pipe)\b/, 'systemd 232: systemd-run --wait'],
  [/\bopenssl [^\n]*(?:-addext|-ext )\b/, 'OpenSSL 1.1.1'],
  [/\bwait -n\b|\breadarray -d\b|\$\{\w+@[QUL]\}/, 'bash 4.3 and later'],
  [/\b(?:b2sum|basenc)\b/, 'coreutils 8.26 and later'],
  // Before coreutils 8.24 sync takes no names; it says so and is asked again without.
  [/\bsync (?:--|-d|-f) [^|\n]*$/m, 'coreutils 8.24: sync FILE without a way around'],
];

describe('the scripts of actions, checks and locks', () => {
  const root = join(import.meta.dirname, '..', '..', '..', 'src');
  const files = ['actions/scripts', 'actions/check']
    .flatMap((folder) => readdirSync(join(root, folder)).map((name) => join(folder, name)))
    .concat(join('runtime', 'locks', 'lock-entry.ts'));

  it.each(files)('use nothing that Enterprise Linux 7 has not: %s', (file) => {
    const text = readFileSync(join(root, file), 'utf8');
    expect(newer.filter(([pattern]) => pattern.test(text)).map(([, what]) => what)).toEqual([]);
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
