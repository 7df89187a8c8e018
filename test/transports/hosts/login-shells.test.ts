/**
 * Accounts with other login shells than a POSIX one, over a real sshd: what a session is opened with goes through `SHELL -c`, as sshd
 * does it. And state folders on file systems that run no program, or that are full.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HostAddress } from '../../../src/transports/host.ts';
import { localHost } from '../../../src/transports/hosts/local.ts';
import { defaultShell } from '../../../src/transports/hosts/protocol/shell.ts';
import { SshNetwork } from '../../../src/transports/hosts/ssh.ts';
import {
  failureOf,
  livingOf,
  never,
  newToken,
  read,
  run,
  untilEnd,
  untilOnHost,
} from '../../contract/host/command.ts';
import { makeSshLab, noSshd, type SshLab } from './sshd.ts';

const shells = ['sh', 'dash', 'bash', 'busybox sh', 'csh', 'fish'];
const title = `accounts with other login shells${noSshd === undefined ? '' : ` (skipped: ${noSshd})`}`;

describe.skipIf(noSshd !== undefined)(title, () => {
  let lab: SshLab;
  beforeAll(() => {
    lab = makeSshLab();
  });
  afterAll(() => lab?.close());

  const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
  for (const shell of shells) {
    const [program = '', ...words] = shell.split(' ');
    const path = `/usr/bin/${program}`;
    const isHere = existsSync(path);
    const name = isHere ? shell : `${shell} (skipped: it is not installed)`;
    test.skipIf(!isHere)(name, { timeout: 120_000 }, async () => {
      const server = await lab.start([
        `ForceCommand ${[path, ...words].join(' ')} -c "$SSH_ORIGINAL_COMMAND"`,
      ]);
      lab.know(server);
      const stateBase = mkdtempSync(join(lab.folder, 'state-'));
      const network = new SshNetwork({
        shell: { ...defaultShell, stateBase },
        config: lab.config,
        stateDir: stateBase,
      });
      const host = network.host(lab.address(server));
      const args = ['a b', "it's", '$(id) `id` !x !!', '"\\', 'line\nbreak', '~', '*'];
      const script = {
        text: 'printf "<%s>" "$@"; printf "%s" "$V" >&2; cat | od -An -v -tu1 | tr -d " \\n" | wc -c; exit 7',
        args,
      };
      const ending = await run(host, { ...script, env: { V: "va'l\n$HOME" }, stdin: bytes });
      expect(ending.state).toMatchObject({ kind: 'exited', exitCode: 7 });
      expect(ending.stdout.startsWith(args.map((arg) => `<${arg}>`).join(''))).toBe(true);
      expect(ending.stderr).toBe("va'l\n$HOME");
      expect((await read(host, 'echo "$0 $PWD" | wc -l')).stdout.trim()).toBe('1');
      const pids = join(stateBase, 'pids');
      const token = newToken();
      const loop = 'echo $$ >>"$1"; ( sleep 60; : ) & echo $! >>"$1"; echo >"$1.ready"; wait';
      await host.start(token, { text: loop, args: [pids] }, { signal: never });
      await untilOnHost(host, 'test -e "$1"', `${pids}.ready`);
      await host.stop(token, { signal: never });
      expect(await livingOf(host, pids)).toEqual([]);
      await host.forget(token, { signal: never });
      await host.close();
      await network.close();
    });
  }
});

const address: HostAddress = { name: 'here', transport: 'local', become: 'none', tags: {} };
const folder = mkdtempSync(join(tmpdir(), 'belay-mounts-'));

/** Why no file system can be mounted here. */
function noMount(): string | undefined {
  const probe = join(folder, 'probe');
  try {
    mkdirSync(probe);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', probe], { stdio: 'ignore' });
    execFileSync('umount', [probe], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'nothing can be mounted';
  }
}
const reason = noMount();

describe.skipIf(reason)(
  `state folders on other file systems${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    const mounted: string[] = [];
    afterAll(() => {
      for (const place of mounted) execFileSync('umount', ['-l', place]);
      rmSync(folder, { recursive: true, force: true });
    });
    const mount = (options: string): string => {
      const place = mkdtempSync(join(folder, 'm-'));
      execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', place]);
      mounted.push(place);
      return place;
    };

    test(
      'one that runs no program keeps commands of every interpreter all the same',
      { timeout: 60_000 },
      async () => {
        const stateBase = mount('size=4m,noexec,nosuid,nodev');
        const host = localHost(address, { ...defaultShell, stateBase });
        for (const text of [
          'echo ran',
          '#!/bin/sh\necho ran',
          '#!/bin/bash\necho ran',
          '#!/usr/bin/env bash\necho ran',
        ])
          expect((await run(host, text)).stdout).toBe('ran\n');
        expect((await read(host, '#!/bin/bash\necho read')).stdout).toBe('read\n');
        await host.close();
      },
    );

    test(
      'one that is full refuses a command before anything of it runs, and takes it once there is room',
      { timeout: 60_000 },
      async () => {
        const stateBase = mount('size=256k');
        const host = localHost(address, { ...defaultShell, stateBase });
        expect((await run(host, 'echo ran')).stdout).toBe('ran\n');
        const ballast = join(stateBase, 'ballast');
        execFileSync('sh', ['-c', 'cat /dev/zero >"$1" 2>/dev/null; true', 'sh', ballast]);
        const token = newToken();
        const mark = join(folder, 'mark');
        const script = { text: 'echo ran >>"$1"', args: [mark] };
        const failure = await failureOf(host.start(token, script, { signal: never }));
        expect(failure).toMatchObject({ code: 'STATE_UNUSABLE', effect: 'none' });
        expect(failure.message).toContain('is the disk full?');
        expect(existsSync(mark)).toBe(false);
        rmSync(ballast);
        await host.start(token, script, { signal: never });
        expect((await untilEnd(host, token)).state).toMatchObject({ kind: 'exited', exitCode: 0 });
        await host.forget(token, { signal: never });
        await host.close();
      },
    );

    test('one that fills up under a command keeps its exit code', { timeout: 60_000 }, async () => {
      const stateBase = mount('size=512k');
      const host = localHost(address, { ...defaultShell, stateBase });
      const token = newToken();
      const text = 'cat /dev/zero >"$1" 2>/dev/null; echo much; exit 5';
      writeFileSync(join(stateBase, 'note'), '');
      await host.start(token, { text, args: [join(stateBase, 'ballast')] }, { signal: never });
      expect((await untilEnd(host, token)).state).toMatchObject({ kind: 'exited', exitCode: 5 });
      await host.forget(token, { signal: never });
      await host.close();
    });
  },
);
