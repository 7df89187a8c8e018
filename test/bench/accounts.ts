/**
 * CPU time by control group: of what a benchmark starts, and of the hosts that it talks to, apart from whatever else runs on the
 * machine. Where the machine has no such groups, nothing of it is told.
 */
import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { measured, median, shell } from './machine.ts';

const hierarchies = [
  { base: '/sys/fs/cgroup/cpuacct', file: 'cpuacct.usage', perSecond: 1e9 },
  { base: '/sys/fs/cgroup', file: 'cpu.stat', perSecond: 1e6 },
] as const;

export interface Spent {
  readonly seconds: number;
  /** CPU seconds of what was started, and of the hosts; undefined where nobody counts them. */
  readonly cpu: { readonly controller: number; readonly hosts: number } | undefined;
}

export class Accounts {
  readonly #hierarchy = hierarchies.find(({ base, file }) => existsSync(join(base, file)));
  readonly #hosts: readonly string[];
  readonly #own: string | undefined;

  /** `hosts`: the names of their groups. */
  constructor(hosts: readonly string[]) {
    const base = this.#hierarchy?.base;
    this.#hosts = base === undefined ? [] : hosts.map((name) => join(base, name));
    this.#own = base === undefined ? undefined : join(base, `belay-bench-${process.pid}`);
    for (const group of [this.#own, ...this.#hosts])
      if (group !== undefined) mkdirSync(group, { recursive: true });
  }

  /** Runs a shell text in the group. Throws where it ends with another code than 0. */
  spent(text: string): Spent {
    const before = this.#used();
    const { seconds } = measured(() => shell(this.within(text)));
    // What was still being put away on the hosts belongs to it.
    shell('sleep 0.5');
    const after = this.#used();
    if (before === undefined || after === undefined) return { seconds, cpu: undefined };
    const { controller, hosts } = before;
    return { seconds, cpu: { controller: after.controller - controller, hosts: after.hosts - hosts } };
  }

  /** The text as one that first goes into the group. */
  within(text: string, group: string | undefined = this.#own): string {
    return group === undefined ? text : `echo $$ >'${join(group, 'cgroup.procs')}'; ${text}`;
  }

  /** The group of the first of the hosts, for what stands in their place. */
  get ofHosts(): string | undefined {
    return this.#hosts[0];
  }

  /** Only those that it made are empty. */
  close(): void {
    for (const group of [this.#own, ...this.#hosts]) {
      if (group === undefined || readFileSync(join(group, 'cgroup.procs'), 'utf8') !== '') continue;
      try {
        rmdirSync(group);
      } catch {
        // Something in it is just ending; an empty group is all that is left.
      }
    }
  }

  #used(): Spent['cpu'] {
    if (this.#hierarchy === undefined || this.#own === undefined) return undefined;
    const { file, perSecond } = this.#hierarchy;
    const secondsOfGroup = (group: string): number =>
      Number(/\d+/.exec(readFileSync(join(group, file), 'utf8'))?.[0]) / perSecond;
    return {
      controller: secondsOfGroup(this.#own),
      hosts: this.#hosts.reduce((sum, group) => sum + secondsOfGroup(group), 0),
    };
  }
}

export interface Side {
  readonly name: string;
  readonly text: () => string;
  readonly rounds: Spent[];
}

/** Each side once, so many times over. */
export function interleaved(accounts: Accounts, sides: readonly Side[], rounds: number): void {
  for (let round = 0; round < rounds; round += 1)
    for (const { text, rounds: all } of sides) all.push(accounts.spent(text()));
}

export const secondsOf = ({ rounds }: Side): number => median(rounds.map(({ seconds }) => seconds));

/** CPU seconds of controller and hosts together; NaN where nobody counts them. */
export const cpuOf = ({ rounds }: Side): number =>
  median(rounds.map(({ cpu }) => (cpu === undefined ? NaN : cpu.controller + cpu.hosts)));

/** A table of wall and CPU time, each side beside the first one. */
export function tableOf(sides: readonly Side[]): string {
  const [first] = sides;
  const shown = (value: number): string => (Number.isNaN(value) ? '–' : value.toFixed(2));
  const against = (side: Side, of: (side: Side) => number): string =>
    shown(first === undefined ? NaN : of(side) / of(first));
  const part = ({ rounds }: Side, name: 'controller' | 'hosts'): string =>
    shown(median(rounds.map(({ cpu }) => cpu?.[name] ?? NaN)));
  const rows = sides.map((side) => [
    side.name,
    shown(secondsOf(side)),
    against(side, secondsOf),
    part(side, 'controller'),
    part(side, 'hosts'),
    against(side, cpuOf),
    side.rounds.map(({ seconds }) => seconds.toFixed(2)).join(', '),
  ]);
  const head = [
    '',
    'wall s',
    'against OpenSSH',
    'CPU s, controller',
    'CPU s, hosts',
    'together, against OpenSSH',
    'wall of each round, s',
  ];
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}
