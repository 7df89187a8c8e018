/** What a run of a program takes of the whole machine: seconds, CPU, processes. The benchmarks of hosts measure with it. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Figure {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly forks: number;
}

/** The whole machine is measured: controller and hosts share it. */
export function measured(act: () => void): Figure {
  const [before, began] = [machine(), performance.now()];
  act();
  const [after, ended] = [machine(), performance.now()];
  return {
    seconds: (ended - began) / 1000,
    cpuSeconds: after.cpuSeconds - before.cpuSeconds,
    forks: after.forks - before.forks,
  };
}

function machine(): { readonly cpuSeconds: number; readonly forks: number } {
  const stat = readFileSync('/proc/stat', 'utf8');
  const [user = 0, nice = 0, system = 0] = (/^cpu +(.*)$/m.exec(stat)?.[1] ?? '').split(' ').map(Number);
  return { cpuSeconds: (user + nice + system) / 100, forks: Number(/^processes (\d+)$/m.exec(stat)?.[1]) };
}

/** What makes a Node program write its CPU time to that file when it ends, in ms: arguments that come before the program. */
export function writingCpuMs(file: string): readonly string[] {
  const atEnd = `import { writeFileSync } from 'node:fs';
process.on('exit', () => { const { user, system } = process.cpuUsage(); writeFileSync(${JSON.stringify(file)}, String((user + system) / 1000)); });`;
  return ['--import', `data:text/javascript,${encodeURIComponent(atEnd)}`];
}

export function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? NaN;
}

export function isThere(program: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((path) => existsSync(join(path, program)));
}

export function shell(text: string): void {
  must('/bin/sh', ['-c', text], tmpdir());
}

export function must(file: string, args: readonly string[], cwd: string): void {
  const { status, stderr } = spawnSync(file, args, {
    cwd,
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  if (status !== 0)
    throw new Error(`${file} ${args.join(' ')} ended with ${status}: ${stderr.slice(-2_000)}`);
}
