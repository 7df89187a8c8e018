/**
 * A rollback of host:file on many local targets, beside the version before in one run. BELAY_BENCH_BEFORE names the `belay.js` that
 * was built of it; without one only this version is measured.
 */
import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
  openSync,
  closeSync,
} from 'node:fs';
import { homedir, loadavg } from 'node:os';
import { join } from 'node:path';
import { commitNow, writeSection } from './report.ts';

const targets = Number(process.env['BELAY_BENCH_TARGETS'] ?? 1_000);
const atOnce = 20;
/** As fast as the version before, at least. */
const timesMin = 5;
const minutesMax = 30;
const root = join(import.meta.dirname, '..', '..');

interface Rollback {
  readonly seconds: number;
  /** Of the whole run. */
  readonly wholeSeconds: number;
}

/** True when the ratio holds, or where there is nothing to compare with. */
export function benchRollback(): boolean {
  const before = process.env['BELAY_BENCH_BEFORE'];
  const was = before === undefined ? undefined : rollbackBy(before);
  const is = rollbackBy(join(root, 'dist', 'belay.js'));
  const times = was === undefined ? undefined : was.seconds / is.seconds;
  const row = (name: string, one: Rollback): string =>
    `| ${name} | ${one.seconds.toFixed(1)} | ${((one.seconds / targets) * 1000).toFixed(0)} | ${one.wholeSeconds.toFixed(0)} |`;
  const text = `Written by \`npm run bench\` at commit ${commitNow()}: host:file makes a file on each of ${targets} local targets, ${atOnce} in their turn at once, the step behind it fails, and every target is undone.
The load of the machine at the end was ${(loadavg()[0] ?? 0).toFixed(1)}; both ran in one run, one after the other.

| | rollback, s | ms a target | the whole run, s |
| --- | --- | --- | --- |
${was === undefined ? '' : `${row('the version before calls to hosts were reshaped', was)}\n`}${row('now', is)}
${times === undefined ? '' : `\nThe rollback is ${times.toFixed(1)} times as fast; at least ${timesMin} times is asked for.\n`}`;
  console.log(text);
  writeSection('A rollback of local targets', text);
  return times === undefined || times >= timesMin;
}

/** In a folder in which nobody else may write, as those of a host's own settings are. */
function rollbackBy(program: string): Rollback {
  const folder = mkdtempSync(join(homedir(), '.belay-bench-'));
  try {
    const names = Array.from({ length: targets }, (_, index) => `t${index}`);
    const hosts = Object.fromEntries(names.map((name) => [name, { transport: 'local' }]));
    writeFileSync(join(folder, 'belay.yaml'), JSON.stringify({ hosts }));
    mkdirSync(join(folder, 'files'));
    writeFileSync(join(folder, 'r.yaml'), JSON.stringify(runbook(names, join(folder, 'files'))));
    const out = openSync(join(folder, 'events'), 'w');
    const began = performance.now();
    const words = [program, 'run', 'r.yaml', '-y', '--json', '--state', join(folder, 'state')];
    spawnSync(process.execPath, words, {
      cwd: folder,
      stdio: ['ignore', out, 'ignore'],
      timeout: minutesMax * 60_000,
    });
    closeSync(out);
    const left = readdirSync(join(folder, 'files'));
    if (left.length > 0)
      throw new Error(`${left.length} of ${targets} files were not taken back by ${program}`);
    const events = readFileSync(join(folder, 'events'), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('{"'));
    const at = (type: string): number => {
      const found = events
        .map((line) => JSON.parse(line) as { type?: string; at?: string })
        .find((each) => each.type === type);
      return Date.parse(found?.at ?? '');
    };
    return {
      seconds: (at('RollbackEnded') - at('RollbackStarted')) / 1000,
      wholeSeconds: (performance.now() - began) / 1000,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runbook(names: readonly string[], folder: string): object {
  const put = {
    name: 'Put',
    action: 'host:file',
    inputs: {
      Host: '{{ Roll.Target }}',
      Path: `${folder}/{{ Roll.Target }}`,
      Content: 'one\n',
      Mode: '0644',
    },
  };
  const Roll = { Targets: names, MaxUnavailable: atOnce, MaxErrors: names.length, Steps: [put] };
  return {
    schemaVersion: '0.3',
    mainSteps: [
      { name: 'Roll', action: 'belay:rolling', inputs: Roll },
      { name: 'Fails', action: 'host:command', inputs: { Host: names[0], Command: ['false'] } },
    ],
  };
}
