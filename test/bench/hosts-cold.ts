/**
 * One command on many hosts, no connection open: Belay beside OpenSSH with the same key exchange, round by round, and what the whole
 * tree of Belay's processes holds in memory meanwhile.
 */
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Lab } from '../lab/hosts/lab.ts';
import { Accounts, interleaved } from './accounts.ts';
import { coldSides, coldText, kex, ratioMax } from './cold-sides.ts';
import { commitNow } from './report.ts';

export interface Cold {
  readonly text: string;
  readonly holds: boolean;
}

const rounds = 3;
/** MB of the whole tree, each page counted once. */
const treeMax = 150;
const root = join(import.meta.dirname, '..', '..');

/** `belay.yaml` and the file `names` are in the folder already. */
export function benchCold(lab: Lab, names: readonly string[], folder: string): Cold {
  const ssh = `ssh -F ${lab.sshConfig} -l ops -o ControlPath=none -o KexAlgorithms=${kex}`;
  const program = join(root, 'dist', 'belay.js');
  const loop = (command: string): string => `xargs -P20 -I{} ${ssh} {} ${command} <${folder}/names`;
  const sides = coldSides(program, folder, names, loop);
  const accounts = new Accounts(names.map((name) => `belay${lab.id}-${name}`));
  interleaved(accounts, Object.values(sides), rounds);
  accounts.close();
  const tree = treeMegabytes([program, 'run', 'cold.yaml', '-y', '--state', join(folder, 'memory')], folder);
  const { text: told, ratio } = coldText(sides);
  const text = `One command on ${names.length} hosts, no connection open, ${kex} on both sides, medians of ${rounds} rounds at commit ${commitNow()} (load of the machine: ${(loadavg()[0] ?? 0).toFixed(0)}). Belay's whole tree of processes held at most
${tree} MB meanwhile (pages that are shared counted once), at most ${treeMax}. ${told}`;
  console.log(text);
  return { text, holds: ratio <= ratioMax && tree <= treeMax };
}

/** The most that the program and all below it hold together, looked at ten times a second by another process. */
function treeMegabytes(args: readonly string[], cwd: string): number {
  const watcher = `import(${JSON.stringify(import.meta.filename)}).then((m) => m.watchTree(${JSON.stringify(args)}, ${JSON.stringify(cwd)}))`;
  const { stdout } = spawnSync(process.execPath, ['-e', watcher], { cwd: tmpdir(), encoding: 'utf8' });
  return Number(stdout.trim());
}

/** Prints it in MB. */
export function watchTree(args: readonly string[], cwd: string): void {
  const child = spawn(process.execPath, args, { cwd, stdio: 'ignore' });
  let most = 0;
  const timer = setInterval(() => {
    most = Math.max(
      most,
      below(child.pid ?? 0).reduce((sum, pid) => sum + proportional(pid), 0),
    );
  }, 100);
  child.on('exit', () => {
    clearInterval(timer);
    console.log(Math.round(most / 1024));
  });
}

/** It and all its descendants; ssh leaves its parent, so a whole session counts. */
function below(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = read(`/proc/${name}/stat`);
    parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  const found = [pid];
  for (const one of found) for (const [child, parent] of parents) if (parent === one) found.push(child);
  return found;
}

/** Kilobytes of this process, its share of what it has in common with others. */
function proportional(pid: number): number {
  return Number(/^Pss: +(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0);
}

/** Empty where the process has gone meanwhile. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
