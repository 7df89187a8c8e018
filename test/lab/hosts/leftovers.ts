/**
 * What of a lab is still on this machine: after `down` the answer is nothing. Asks the kernel, not the lab's notes.
 * Processes count when they are the lab's own; a viewer or an ssh of somebody else's does not. That no process of a
 * host lives is shown by its control group being gone.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { stateFolder, type LabId } from './command.ts';

const ownProgram = /systemd-nspawn|supervise\.sh|forward\.py/;

function commandLines(): readonly string[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .flatMap((pid) => {
      try {
        return [`${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`];
      } catch {
        return [];
      }
    });
}

function groups(): readonly string[] {
  if (!existsSync('/sys/fs/cgroup')) return [];
  const top = readdirSync('/sys/fs/cgroup', { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const second = top.flatMap(({ name }) =>
    readdirSync(`/sys/fs/cgroup/${name}`, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `${name}/${entry.name}`),
  );
  return [...top.map(({ name }) => name), ...second];
}

function lines(file: string, ...args: readonly string[]): readonly string[] {
  return execFileSync(file, args, { encoding: 'utf8' }).split('\n').filter(Boolean);
}

/** One line per process, mount, network namespace or interface, loop device, control group and folder. */
export function leftovers(id: LabId): readonly string[] {
  const state = stateFolder(id);
  const mark = new RegExp(`${state}(/|\\b(?!\\.lock))|\\b(belay|bly)${id}(-|\\b)|\\bblyup${id}\\b`);
  const found = (kind: string, candidates: readonly string[]) =>
    candidates.filter((line) => mark.test(line)).map((line) => `${kind}: ${line.trim()}`);
  return [
    ...found(
      'process',
      commandLines().filter((line) => ownProgram.test(line)),
    ),
    ...found('mount', readFileSync('/proc/mounts', 'utf8').split('\n')),
    ...found('namespace', lines('ip', 'netns', 'list')),
    ...found('interface', lines('ip', '-o', 'link')),
    ...found('loop device', lines('losetup', '--list', '--noheadings', '--output', 'NAME,BACK-FILE')),
    ...found('control group', groups()),
    ...(existsSync(state) ? [`folder: ${state}`] : []),
  ];
}
