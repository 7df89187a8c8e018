/** What of the sandbox's world lasts, so that two moments can be compared: taken from the world's own file, not from Belay's words. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { settle } from '../../../src/world/settle.ts';
import type { WorldState } from '../../../src/world/state.ts';

/** One line for each thing that is there: equal lists are equal worlds. What only passes (times, pids, counters) is left out. */
export function footprint(state: WorldState): string[] {
  const lines: string[] = [];
  for (const volume of Object.values(state.volumes)) {
    const { attachment, contents, id } = volume;
    lines.push(`volume ${id} on ${attachment?.instanceId ?? '-'} ${attachment?.device ?? '-'}`);
    for (const [path, file] of Object.entries(contents.files)) {
      const bytes = file.kind === 'file' ? file.base64 : '';
      lines.push(`file ${id} ${path} ${file.kind} ${file.owner}:${file.group} ${file.mode} ${bytes}`);
    }
    for (const [name, { release, held, status }] of Object.entries(contents.system?.packages ?? {}))
      lines.push(`package ${id} ${name} ${release.version} ${status} ${held}`);
    for (const [name, { enablement }] of Object.entries(contents.system?.units ?? {}))
      lines.push(`unit ${id} ${name} ${enablement}`);
  }
  for (const host of Object.values(state.hosts))
    for (const [name, { active }] of Object.entries(host.units))
      lines.push(`runs ${host.name} ${name} ${active}`);
  // EC2 lists a terminated instance for a while, and it is nothing any more.
  const isOver = (id: string): boolean => state.instances[id]?.state === 'terminated';
  for (const { id, state: power } of Object.values(state.instances))
    if (!isOver(id)) lines.push(`instance ${id} ${power}`);
  for (const id of Object.keys(state.snapshots)) lines.push(`snapshot ${id}`);
  for (const id of Object.keys(state.images)) lines.push(`image ${id}`);
  for (const { id, status } of Object.values(state.stacks))
    if (status !== 'DELETE_COMPLETE') lines.push(`stack ${id} ${status}`);
  for (const [id, tags] of Object.entries(state.tags).filter(([of]) => !isOver(of)))
    for (const [key, value] of Object.entries(tags)) lines.push(`tag ${id} ${key}=${value}`);
  for (const [name, { value }] of Object.entries(state.parameters)) lines.push(`parameter ${name}=${value}`);
  return lines.toSorted();
}

export function worldOf(stateDir: string, executionId: string): WorldState {
  const file = join(stateDir, 'executions', executionId, 'world.json');
  const state = JSON.parse(readFileSync(file, 'utf8')) as WorldState;
  // What was passing when it was written has come to its end by now.
  settle(state, Date.now());
  return state;
}

/** Lines that only one of the two has. */
export function difference(before: readonly string[], after: readonly string[]): string[] {
  const [was, is] = [new Set(before), new Set(after)];
  return [
    ...before.filter((line) => !is.has(line)).map((line) => `- ${line}`),
    ...after.filter((line) => !was.has(line)).map((line) => `+ ${line}`),
  ];
}
