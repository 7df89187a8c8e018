/**
 * Selectors → hosts. A selector is the name of a host, its instance id, a range (`minio{01..04}`), `group:NAME` or
 * `tag:KEY=VALUE`. All or nothing: whatever matches no host is a problem, for a step on fewer hosts than were meant would
 * pass for one on all of them.
 */
import { didYouMean, makeSuggester } from '../document/suggest.ts';
import { expandName } from './range.ts';

/** What an inventory, or the sandbox, knows of targets. */
export interface Targets {
  /** Hosts in the order of the file. */
  readonly names: readonly string[];
  readonly groups: ReadonlyMap<string, readonly string[]>;
  /** By name or by instance id. */
  address(
    nameOrInstanceId: string,
  ): { readonly name: string; readonly tags: Readonly<Record<string, string>> } | undefined;
}

export type ResolvedTargets =
  | { readonly kind: 'hosts'; readonly hosts: readonly string[] }
  | { readonly kind: 'problem'; readonly message: string };

/** Each host once, in the order of the selectors; within a tag in the order of the file. Null: there is no inventory. */
export function resolveTargets(targets: Targets | null, selectors: readonly string[]): ResolvedTargets {
  if (selectors.length === 0) return problem('there are no targets: the list is empty');
  const known = targets ?? { names: [], groups: new Map(), address: () => undefined };
  const hosts = new Set<string>();
  for (const selector of selectors) {
    const found = select(known, selector);
    if (typeof found === 'string') {
      return problem(targets === null ? `${found}; there is no belay.yaml here that names hosts` : found);
    }
    for (const host of found) hosts.add(host);
  }
  return { kind: 'hosts', hosts: [...hosts] };
}

function select(targets: Targets, selector: string): readonly string[] | string {
  if (selector.startsWith('group:')) return ofGroup(targets, selector.slice('group:'.length));
  if (selector.startsWith('tag:')) return ofTag(targets, selector);
  const expansion = expandName(selector);
  if (expansion.kind === 'wrong') return expansion.message;
  const names = expansion.kind === 'plain' ? [selector] : expansion.texts;
  const hosts: string[] = [];
  for (const name of names) {
    const host = targets.address(name)?.name ?? (isInstanceId(name) ? name : undefined);
    if (host === undefined) return unknownHost(targets, name, selector);
    hosts.push(host);
  }
  return hosts;
}

/** What stands in no inventory is reached over SSM. */
function isInstanceId(name: string): boolean {
  return /^m?i-[0-9a-f]{8,17}$/.test(name);
}

function unknownHost(targets: Targets, name: string, selector: string): string {
  if (targets.groups.has(name)) return `${name} is a group, no host; write group:${name}`;
  const of = name === selector ? '' : ` of ${selector}`;
  return withHint(`no host is called ${name}${of}`, nearestHint(name, targets.names));
}

/** What somebody who wrote this for the name of a host may have meant. */
export function hostHint(targets: Targets, name: string): string | undefined {
  if (targets.groups.has(name)) return `${name} is a group`;
  return nearestHint(name, targets.names);
}

function ofGroup(targets: Targets, name: string): readonly string[] | string {
  const hosts = targets.groups.get(name);
  if (hosts !== undefined) {
    const missing = hosts.find((host) => targets.address(host) === undefined);
    if (missing === undefined) return hosts;
    return `group ${name} has ${missing}, which is not a host here; known are ${targets.names.join(', ')}`;
  }
  if (targets.address(name) !== undefined) return `${name} is a host, no group; write ${name}`;
  return withHint(`no group is called ${name}`, nearestHint(name, [...targets.groups.keys()]));
}

function ofTag(targets: Targets, selector: string): readonly string[] | string {
  const [, key = '', value = ''] = /^tag:([^=]*)=(.*)$/s.exec(selector) ?? [];
  if (key === '') return `${selector} is not a selector by tag; write tag:KEY=VALUE`;
  const tagsOf = targets.names.map((name) => ({ name, tags: targets.address(name)?.tags ?? {} }));
  const hosts = tagsOf.filter(({ tags }) => Object.hasOwn(tags, key) && tags[key] === value);
  if (hosts.length > 0) return hosts.map(({ name }) => name);
  const values = tagsOf.flatMap(({ tags }) => (Object.hasOwn(tags, key) ? [tags[key] ?? ''] : []));
  if (values.length > 0) {
    return withHint(
      `no host has the tag ${key} with the value ${value}`,
      nearestHint(value, [...new Set(values)]),
    );
  }
  const keys = new Set(tagsOf.flatMap(({ tags }) => Object.keys(tags)));
  return withHint(`no host has a tag ${key}`, nearestHint(key, [...keys]));
}

function nearestHint(name: string, known: readonly string[]): string | undefined {
  return didYouMean(makeSuggester(), name, known);
}

function withHint(message: string, hint: string | undefined): string {
  return hint === undefined ? message : `${message}. ${hint}`;
}

function problem(message: string): ResolvedTargets {
  return { kind: 'problem', message };
}
