/**
 * What runs on the host for a connection is killed, part by part and at each step of a command; so is the limit on processes
 * reached. The command runs once or not at all, and what became of it is found again.
 */
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
  existsSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import type { HostAddress } from '../../../src/transports/host.ts';
import { HostFailure, type Host } from '../../../src/transports/host.ts';
import { localHost } from '../../../src/transports/hosts/local.ts';
import { defaultShell } from '../../../src/transports/hosts/protocol/shell.ts';
import { drawn, isThorough } from '../../evidence/sample.ts';
import { collect, failureOf, never, newToken, read, run, untilEnd } from '../../contract/host/command.ts';

const address: HostAddress = { name: 'here', transport: 'local', become: 'none', tags: {} };
const folder = mkdtempSync(join(tmpdir(), 'belay-deaths-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
}

function processes(): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const fields = readFileSync(`/proc/${name}/stat`, 'utf8')
          .replace(/^.*\) /s, '')
          .split(' ');
        return [{ pid: Number(name), parent: Number(fields[1]), session: Number(fields[3]) }];
      } catch {
        return [];
      }
    });
}

/** Who is who: the worker says who it is, and the others are found from there. */
async function partsOf(host: Host): Promise<Record<string, number[]>> {
  const { stdout } = await run(host, 'read worker rest <"$BELAY_COMMAND/begun"; echo "$worker"');
  const all = processes();
  const worker = Number(stdout);
  const main = all.find(({ pid }) => pid === worker)?.parent ?? 0;
  const parts = all.filter(({ parent }) => parent === main).map(({ pid }) => pid);
  const first = all
    .filter(({ parent, pid }) => parent === process.pid && pid !== main)
    .filter(({ pid }) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('eval "$p"'));
  // As they stand in the pipeline: a worker, the keeper, the last worker.
  const [one = 0, keeper = 0, last = 0] = parts;
  return {
    keeper: [keeper],
    workers: [one, last],
    'what sshd started': first.map(({ pid }) => pid).slice(-1),
    'the leader of the session': [main],
    'all of them': [...first.map(({ pid }) => pid).slice(-1), main, ...parts],
  };
}

function kill(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
}

const victims = [
  'keeper',
  'workers',
  'what sshd started',
  'the leader of the session',
  'all of them',
] as const;
const outlived = new Set<string>(['keeper', 'what sshd started', 'the leader of the session']);

describe.each(drawn('killed on the host', victims))('killed: %s', { timeout: 60_000 }, (victim) => {
  const open = () => localHost(address, { ...defaultShell, stateBase: mkdtempSync(join(folder, 'state-')) });

  it('leaves a command found again, begun once', async () => {
    const stateBase = mkdtempSync(join(folder, 'state-'));
    const host = localHost(address, { ...defaultShell, stateBase });
    const parts = await partsOf(host);
    const token = newToken();
    const mark = join(stateBase, 'mark');
    const text = 'echo ran >>"$1"; while ! [ -e "$1.on" ]; do sleep 0.05; done; echo done; exit 9';
    await host.start(token, { text, args: [mark] }, { signal: never });
    await until(() => existsSync(mark));
    kill(parts[victim] ?? []);
    writeFileSync(`${mark}.on`, '');
    const other = localHost(address, { ...defaultShell, stateBase });
    const ending = await untilEnd(other, token);
    expect(readFileSync(mark, 'utf8')).toBe('ran\n');
    expect(ending.stdout).toBe('done\n');
    if (outlived.has(victim)) expect(ending.state).toMatchObject({ kind: 'exited', exitCode: 9 });
    else expect(ending.state).toMatchObject({ kind: 'vanished' });
    await other.forget(token, { signal: never });
    // The host that had the link goes on as well, after one failure at most.
    await host.read({ text: 'true' }, { signal: never, timeoutMs: 5_000 }).catch((error: unknown) => {
      expect(error).toBeInstanceOf(HostFailure);
    });
    expect((await read(host, 'echo again')).stdout).toBe('again\n');
    await Promise.all([host.close(), other.close()]);
  });

  it('at any moment of a start runs the command once or not at all, and never twice', async () => {
    const stateBase = mkdtempSync(join(folder, 'state-'));
    for (const afterMs of isThorough ? [0, 2, 5, 10, 20, 40] : [3, 15]) {
      const host = localHost(address, { ...defaultShell, stateBase });
      const parts = await partsOf(host);
      const token = newToken();
      const mark = join(stateBase, `mark-${afterMs}`);
      const script = { text: 'echo ran >>"$1"', args: [mark] };
      const starting = host.start(token, script, { signal: AbortSignal.timeout(3_000) }).catch(() => {});
      await delay(afterMs);
      kill(parts[victim] ?? []);
      await starting;
      const other = localHost(address, { ...defaultShell, stateBase });
      let { state } = await untilEnd(other, token);
      if (state.kind === 'absent') {
        await other.start(token, script, { signal: never });
        ({ state } = await untilEnd(other, token));
        expect(state).toMatchObject({ kind: 'exited', exitCode: 0 });
      }
      const ran = existsSync(mark) ? readFileSync(mark, 'utf8') : '';
      expect(ran, `${afterMs} ms: ${JSON.stringify(state)}`).toMatch(/^(?:ran\n)?$/);
      if (state.kind === 'exited') expect(ran).toBe('ran\n');
      if (state.kind === 'vanished' && state.reason.includes('before it began')) expect(ran).toBe('');
      await Promise.all([host.close(), other.close()]);
    }
  });

  it('in a stop leaves it to be asked again', async () => {
    const host = open();
    const parts = await partsOf(host);
    const token = newToken();
    await host.start(token, { text: 'trap "" TERM; while :; do sleep 1; done' }, { signal: never });
    const stopping = host.stop(token, { signal: AbortSignal.timeout(3_000) }).catch(() => {});
    await delay(300);
    kill(parts[victim] ?? []);
    await stopping;
    await host.stop(token, { signal: never }).catch(() => host.stop(token, { signal: never }));
    const from = { stdout: 0, stderr: 0 };
    const state = await host.poll(token, { from, sink: collect().sink, waitMs: 2_000, signal: never });
    expect(['exited', 'vanished']).toContain(state.kind);
    await host.close();
  });
});

describe.skipIf(process.getuid?.() !== 0)(
  'a host without processes left (only root can make one)',
  { timeout: 60_000 },
  () => {
    it('says so, runs nothing by half, and is used again once it has some', async () => {
      const base = mkdtempSync(join(folder, 'limited-'));
      const state = join(base, 'state');
      mkdirSync(state);
      for (const path of [folder, base, state]) chmodSync(path, 0o777);
      const sh = join(base, 'sh');
      const account = 64_000 + randomInt(1_000);
      writeFileSync(
        sh,
        // An account of this run alone: the limit counts what earlier runs may have left, too.
        `#!/bin/sh\n[ -w /etc ] || exec /bin/sh "$@"\nexec prlimit --nproc=30 setpriv --reuid ${account} --regid 65534 --clear-groups /bin/sh "$@"\n`,
      );
      chmodSync(sh, 0o755);
      const host = localHost(address, { ...defaultShell, sh, stateBase: state });
      await read(host, 'true');
      // More than the limit, and from outside of it, so that no place becomes free while it is asked.
      const hogs = Array.from({ length: 40 }, () =>
        spawn('sleep', ['60'], { uid: account, gid: 65_534, stdio: 'ignore' }),
      );
      const failures = [];
      for (const ask of [
        () => read(host, 'true', 3_000),
        () => run(host, 'true'),
        () => read(host, 'true', 3_000),
      ]) {
        failures.push(await failureOf(ask()).then(({ code }) => code));
      }
      expect(
        failures.every((code) => code === 'NO_PROCESS' || code === 'CONNECTION_LOST'),
        failures.join(),
      ).toBe(true);
      expect(failures).toContain('NO_PROCESS');
      const gone = hogs.map((hog) => once(hog, 'exit'));
      for (const hog of hogs) hog.kill();
      await Promise.all(gone);
      expect((await run(host, 'echo again')).stdout).toBe('again\n');
      await host.close();
    });
  },
);

async function until(holds: () => boolean, leastMs = 0): Promise<void> {
  await delay(leastMs);
  for (let tries = 0; tries < 400 && !holds(); tries += 1) await delay(10);
}
