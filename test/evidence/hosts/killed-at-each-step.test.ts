/**
 * The channel of the commands (what sshd runs for it), what waits for them on the host, and the master of ssh are each killed by -9 at every step of the
 * protocol, forward and in undo, against a real sshd. The run ends by itself or asks a person about the one command that was lost,
 * the file is as it was before, and no command ran twice.
 */
import { mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Belay } from '../../../src/runtime/belay.ts';
import { openTransports } from '../../../src/runtime/transports.ts';
import { channelHost } from '../../../src/transports/hosts/channel-host.ts';
import { defaultShell } from '../../../src/transports/hosts/protocol/shell.ts';
import { SshNetwork } from '../../../src/transports/hosts/ssh.ts';
import { keptIn } from '../../support/local-belay.ts';
import { makeSshLab, noSshd, sshProcessesOf, type SshLab, type Sshd } from '../../transports/hosts/sshd.ts';
import { isThorough, seed } from '../sample.ts';
import { protocolSteps, watched, type ProtocolStep } from './killed-at.ts';

const victims = ['the channel', 'what waits on the host', 'the master'] as const;
type Victim = (typeof victims)[number];
const ways = ['forward', 'in undo'] as const;

interface Case {
  readonly victim: Victim;
  readonly step: ProtocolStep;
  readonly way: (typeof ways)[number];
}

const all: readonly Case[] = victims.flatMap((victim) =>
  protocolSteps
    // Before the connection is open nothing waits there.
    .filter((step) => victim !== 'what waits on the host' || step !== '> open')
    .flatMap((step) => ways.map((way) => ({ victim, step, way }))),
);
/** All of them by `npm run lab:faults`; on CI one of each victim, on one of the ways, drawn by the seed. */
const cases = isThorough
  ? all
  : victims.flatMap((victim, index) => {
      const of = all.filter((one) => one.victim === victim);
      return of.slice((seed + 7 * index) % of.length).slice(0, 1);
    });

const title = `killed at a step of the protocol (BELAY_SEED=${seed})${noSshd === undefined ? '' : ` (skipped: ${noSshd})`}`;
describe.skipIf(noSshd !== undefined)(title, () => {
  let lab: SshLab;
  let server: Sshd;
  beforeAll(async () => {
    lab = makeSshLab();
    server = await lab.start();
    lab.know(server);
  });
  afterAll(() => lab?.close());

  test.each(cases)('$victim at $step, $way', { timeout: 180_000 }, async ({ victim, step, way }) => {
    const dir = mkdtempSync(join(tmpdir(), 'belay-killed-at-'));
    const path = (name: string): string => join(dir, name);
    writeFileSync(path('file'), 'before\n');
    writeFileSync(path('marks'), '');
    let isDown = false;
    let hits = 0;
    const network = new SshNetwork({
      shell: { ...defaultShell, stateBase: dir },
      config: lab.config,
      stateDir: dir,
    });
    const address = lab.address(server);
    const channel = watched(network.channel(address), (now) => {
      if (now !== step || hits > 0 || isDown !== (way === 'in undo')) return;
      hits += 1;
      killAll(pidsOf(victim, dir, server));
    });
    const host = keptIn(dir, channelHost(address, 'db1', channel));
    const belay = new Belay({
      state: path('state'),
      cwd: dir,
      env: { ...process.env, HOME: dir },
      stdin: () => Promise.resolve(''),
      openTransports: async (options) => ({ ...(await openTransports(options)), host: () => host }),
    });
    const run = (id: string) =>
      belay.run(id, {
        onWait: 'leave',
        onEvent: ({ event }) => {
          if (event.type !== 'RollbackStarted') return;
          isDown = true;
          // The connection of the way up is gone, so that there is one to be opened on the way down.
          if (step === '> open' || step === '< ready') killAll(pidsOf('the channel', dir, server));
        },
      });
    const marks = (): string[] => readFileSync(path('marks'), 'utf8').split('\n').slice(0, -1);
    /** A command whose result was lost with what waited for it asks a person, who looks. */
    const runToItsEnd = async (id: string): Promise<void> => {
      for (let asked = 0; (await run(id)).kind === 'left'; asked += 1) {
        expect([victim, asked]).toEqual(['what waits on the host', 0]);
        const waiting = (await belay.state(id)).steps.find(({ status }) => status === 'Waiting');
        const hasRun = marks().includes(waiting?.name === 'Mark' ? 'do' : 'undo');
        if (hasRun) await belay.proceed(id, undefined);
        else await belay.decide(id, undefined, { decision: 'reject', comment: '' });
      }
    };
    try {
      writeFileSync(path('r.yaml'), JSON.stringify(runbook(path)));
      const request = { file: path('r.yaml'), texts: {}, values: {}, secrets: {}, sandbox: false };
      const { id } = await belay.start(request);
      await runToItsEnd(id);
      expect(hits).toBe(1);
      let view = await belay.view(id);
      const isAskedAgain = view.rollbackStatus === 'partial';
      if (isAskedAgain) {
        expect(marks().length).toBeLessThanOrEqual(2);
        // It says which undo left no result, and goes on from there when it is asked again.
        expect([victim, way]).toEqual(['what waits on the host', 'in undo']);
        expect(view.rollback.flatMap(({ failure }) => failure?.code ?? [])).toEqual(['COMMAND_VANISHED']);
        await belay.requestRollback(id, { force: false });
        await runToItsEnd(id);
        view = await belay.view(id);
      }
      const said = JSON.stringify([view.steps, view.rollback, marks()]);
      expect(view.rollbackStatus, said).toBe('clean');
      expect(readFileSync(path('file'), 'utf8'), said).toBe('before\n');
      // What fails forward as its result was lost is taken back before Mark is begun, or with it. A list whose result was lost on
      // the way down is run once more where a person asks for that, and not by itself.
      const isCutShort = victim === 'what waits on the host' && way === 'forward';
      const right = isCutShort ? ['', 'do undo'] : ['do undo', ...(isAskedAgain ? ['do undo undo'] : [])];
      expect(right, said).toContain(marks().join(' '));
    } finally {
      await host.close();
      await network.close();
      belay.close();
      rmSync(dir, { recursive: true, force: true });
    }
  });
});

function runbook(path: (name: string) => string): object {
  const mark = (word: string) => ({
    action: 'host:command',
    // Longer than a poll waits before it looks.
    inputs: { Host: 'db1', Script: `echo ${word} >>${path('marks')}; sleep 0.6` },
  });
  return {
    schemaVersion: '0.3',
    rollback: { when: 'onFailure', timeoutSeconds: 120 },
    mainSteps: [
      { name: 'Put', action: 'host:file', inputs: { Host: 'db1', Path: path('file'), Content: 'after\n' } },
      { name: 'Mark', ...mark('do'), undo: [{ name: 'Back', ...mark('undo') }] },
      {
        name: 'Fail',
        action: 'host:command',
        inputs: { Host: 'db1', Command: ['false'] },
        undo: { none: 'it does nothing' },
      },
    ],
  };
}

/** What waits on the host has its working folder in the folder of the commands; commands have another. */
function pidsOf(victim: Victim, dir: string, server: Sshd): number[] {
  switch (victim) {
    case 'the channel':
      return server.sessions();
    case 'the master':
      return sshProcessesOf(process.pid);
    case 'what waits on the host': {
      const own = join(dir, `belay-${process.getuid?.()}`);
      return readdirSync('/proc')
        .filter((name) => /^\d+$/.test(name) && workingFolderOf(name) === own)
        .map(Number);
    }
    default:
      return victim satisfies never;
  }
}

function workingFolderOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
}
