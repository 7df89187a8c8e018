/**
 * The systemd unit of docs/windows.md on a whole systemd host: it is ready, reloads, is ended by the watchdog, drains, and finds
 * everything again behind a reboot. The unit is the one that people copy; a drop-in makes its times short.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Lab } from '../../lab/hosts/lab.ts';
import { builtBelay } from '../../support/built.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const caseMs = 200_000;
const reason = Lab.unavailable();

const unit = /```ini\n(\[Unit\][\s\S]*?)```/.exec(
  readFileSync(join(root, 'docs', 'windows.md'), 'utf8'),
)?.[1];

describe.skipIf(reason)(`the systemd unit${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.up({ hosts: ['h1'] });
    // Lab hosts have no Node: the one that runs this test, and what people install.
    await onHost('cat >/usr/local/bin/node && chmod 755 /usr/local/bin/node', readFileSync(process.execPath));
    const libatomic = /\/\S*libatomic\S*/.exec(
      execFileSync('ldd', [process.execPath], { encoding: 'utf8' }),
    )?.[0];
    if (libatomic !== undefined)
      await onHost(`cat >/usr/lib/$(uname -m)-linux-gnu/libatomic.so.1 && ldconfig`, readFileSync(libatomic));
    const built = execFileSync('tar', ['-C', dirname(builtBelay()), '-c', '.'], {
      maxBuffer: 256 * 1024 * 1024,
    });
    await onHost('mkdir -p /usr/local/lib/belay && tar -C /usr/local/lib/belay -x', built);
    await onHost(
      'chmod 755 /usr/local/lib/belay /usr/local/lib/belay/belay.js && ln -s ../lib/belay/belay.js /usr/local/bin/belay && useradd --create-home belay',
    );
    await onHost(`install -d -o belay /srv/ops /srv/ops/windows`);
    await write('/srv/ops/belay.yaml', 'hosts: { here: { transport: local } }\n');
    await write('/etc/systemd/system/belay.service', unit ?? '');
    await onHost('mkdir -p /etc/systemd/system/belay.service.d');
    await write('/etc/systemd/system/belay.service.d/quick.conf', '[Service]\nWatchdogSec=6\nRestartSec=1\n');
    // Type=notify: it comes back when the daemon has said that it is ready.
    await onHost('systemctl daemon-reload && systemctl enable --now belay');
  }, 400_000);
  afterAll(() => lab?.down(), 60_000);

  async function onHost(script: string, stdin?: string | Uint8Array): Promise<string> {
    const whole = `PATH=/usr/local/bin:$PATH; export PATH; ${script}`;
    const { code, stdout, stderr } = await lab.exec('h1', whole, stdin === undefined ? {} : { stdin });
    if (code !== 0) throw new Error(`${script}\nended with ${code}: ${stderr}${stdout}`);
    return stdout.trim();
  }
  const write = (path: string, text: string): Promise<string> => onHost(`cat >${path}`, text);
  const asBelay = (words: string): Promise<string> =>
    onHost(`cd /srv/ops && runuser -u belay -- belay ${words} 2>&1`);
  const property = (name: string): Promise<string> => onHost(`systemctl show -P ${name} belay`);
  const lines = async (): Promise<string[]> =>
    (await onHost('cat /srv/ops/out 2>/dev/null || true')).split('\n').filter((line) => line !== '');
  const statusOf = async (window: string): Promise<string | undefined> => {
    const { occurrences } = JSON.parse(
      await onHost(`cd /srv/ops && runuser -u belay -- belay window history ${window} --json`),
    ) as { occurrences: { status: string }[] };
    return occurrences[0]?.status;
  };
  async function until(what: string, holds: () => Promise<boolean>, seconds = 90): Promise<void> {
    for (const giveUpAt = Date.now() + seconds * 1_000; !(await holds()); await sleep(300))
      if (Date.now() > giveUpAt)
        throw new Error(
          `${what} did not come within ${seconds} s\n${await onHost('journalctl -u belay -n 40 --no-pager -o cat')}`,
        );
  }

  /** Writes a line, waits by Belay's own clock, and writes another. */
  async function makeWindow(name: string, seconds: number, schedule = 'rate(1 day)'): Promise<void> {
    const append = (line: string): string => `[sh, -c, 'echo ${name} ${line} >>/srv/ops/out']`;
    await write(
      `/srv/ops/${name}.yaml`,
      `schemaVersion: '0.3'
timeoutSeconds: 600
rollback: { when: onFailure, timeoutSeconds: 60 }
mainSteps:
  - { name: Begin, action: 'host:command', inputs: { Host: here, Command: ${append('begin')} }, undo: { none: it only counts } }
  - { name: Wait, action: 'aws:sleep', inputs: { Duration: PT${seconds}S } }
  - { name: End, action: 'host:command', inputs: { Host: here, Command: ${append('end')} }, undo: { none: it only counts } }
`,
    );
    await write(
      `/srv/ops/windows/${name}.yaml`,
      `Name: ${name}\nSchedule: ${schedule}\nDuration: 1\nMissedRuns: { catchUp: PT1H }\nTasks: [{ Name: ${name}, Runbook: ../${name}.yaml }]\n`,
    );
    await onHost('systemctl reload belay');
    await until(`the window ${name}`, async () =>
      (await onHost('journalctl -u belay --no-pager -o cat')).includes(`"${name}"`),
    );
  }

  test(
    'is ready when systemctl comes back, reloads, and answers on its port',
    async () => {
      expect(unit).toContain('Type=notify');
      expect(await property('ActiveState')).toBe('active');
      await until('its status', async () => (await property('StatusText')) === 'leads');
      await makeWindow('reloaded', 0);
      const before = await property('MainPID');
      const ask = `fetch('http://127.0.0.1:9464/healthz').then(async (r) => console.log(r.status, await r.text()))`;
      expect(await onHost(`node -e "${ask}"`)).toBe('200 ok');
      await asBelay('window run reloaded --now');
      await until('its run', async () => (await statusOf('reloaded')) === 'SUCCESS');
      expect(await property('MainPID')).toBe(before);
      expect(await onHost('stat -c %U /srv/ops/out')).toBe('belay');
    },
    caseMs,
  );

  test(
    'ends a daemon that is stopped; the next one leads, runs once what came due meanwhile, and takes over what ran',
    async () => {
      await makeWindow('goes', 15);
      await asBelay('window run goes --now');
      await until('its run', async () => (await lines()).includes('goes begin'));
      const pid = await property('MainPID');
      const due = Number(await onHost('date +%s')) + 12;
      await makeWindow('meanwhile', 0, `at(${new Date(due * 1_000).toISOString().slice(0, 19)})`);
      await until('the moment before', async () => Number(await onHost('date +%s')) >= due - 2);
      await onHost(`kill -STOP ${pid}`);
      await until('the next daemon', async () => {
        const next = await property('MainPID');
        return next !== pid && next !== '0' && (await property('StatusText')) === 'leads';
      });
      expect(await onHost('journalctl -u belay --no-pager -o cat')).toMatch(/watchdog timeout/i);
      await until('both ends', async () =>
        (await Promise.all(['goes', 'meanwhile'].map(statusOf))).every((status) => status === 'SUCCESS'),
      );
      const written = (await lines()).filter((line) => !line.startsWith('reloaded'));
      expect(written.toSorted()).toEqual(['goes begin', 'goes end', 'meanwhile begin', 'meanwhile end']);
    },
    caseMs,
  );

  test(
    'drains at systemctl stop, and what it left goes on where it was at the next start and behind a reboot',
    async () => {
      await makeWindow('drained', 25);
      await asBelay('window run drained --now');
      await until('its run', async () => (await lines()).includes('drained begin'));
      await onHost('systemctl stop belay');
      expect(await property('Result')).toBe('success');
      const listed = JSON.parse(await asBelay('list --json')) as { executions: { status: string }[] };
      expect(listed.executions[0]?.status).toBe('Interrupted');
      await onHost('systemctl start belay');
      await until('its status', async () => (await property('StatusText')) === 'leads');
      await lab.reboot('h1');
      await until('the end', async () => (await statusOf('drained')) === 'SUCCESS');
      expect((await lines()).filter((line) => line.startsWith('drained'))).toEqual([
        'drained begin',
        'drained end',
      ]);
      expect(await property('ActiveState')).toBe('active');
    },
    caseMs,
  );
});
