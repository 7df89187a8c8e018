/** `groups:` of belay.yaml: names for lists of hosts, ranges of hosts and other groups, written out to hosts. */
import {
  describeNode,
  quoteHint,
  type Entry,
  type Report,
  type Span,
  type TreeNode,
} from '../document/index.ts';
import { reportInventory } from './errors.ts';
import { namePattern, type WrittenHost } from './written-host.ts';
import { expandName } from './range.ts';

/** Group → its hosts by name, each once, in the order written. */
export type Groups = ReadonlyMap<string, readonly string[]>;

export function readGroups(
  entries: ReadonlyMap<string, Entry>,
  hosts: readonly WrittenHost[],
  report: Report,
): Groups {
  const hostNamed = new Map(hosts.map(({ name }) => [name, name]));
  for (const { name, address } of hosts) {
    if (address.instanceId !== undefined) hostNamed.set(address.instanceId, name);
  }
  for (const { key, keySpan } of entries.values()) {
    if (!namePattern.test(key)) {
      const message = `a group is named with letters, digits, dots, dashes and underscores, not ${JSON.stringify(key)}`;
      reportInventory(report, 'HOST_NAME', keySpan, message);
    } else if (hostNamed.has(key)) {
      const message = `${key} is a host already, so no group can be called so`;
      reportInventory(report, 'GROUP_CLASH', keySpan, message);
    }
  }
  const groups = new Map<string, readonly string[]>();
  const path: string[] = [];
  const visit = (group: Entry): readonly string[] => {
    const known = groups.get(group.key);
    if (known !== undefined) return known;
    path.push(group.key);
    const members = new Set<string>();
    for (const { name, span } of membersOf(group, report)) {
      const host = hostNamed.get(name);
      const inner = entries.get(name);
      if (host !== undefined) members.add(host);
      else if (inner === undefined) {
        const message = `group ${group.key} names ${name}, which is neither a host nor a group of belay.yaml`;
        const hint = report.suggest(name, () => [...hostNamed.keys(), ...entries.keys()]);
        reportInventory(report, 'UNKNOWN_MEMBER', span, message, hint);
      } else if (path.includes(name)) {
        const circle = [...path.slice(path.indexOf(name)), name].join(' → ');
        reportInventory(report, 'GROUP_CYCLE', span, `these groups hold each other: ${circle}`);
      } else for (const member of visit(inner)) members.add(member);
    }
    path.pop();
    groups.set(group.key, [...members]);
    return [...members];
  };
  for (const group of entries.values()) visit(group);
  return groups;
}

interface Member {
  readonly name: string;
  readonly span: Span;
}

function membersOf({ key, keySpan, value }: Entry, report: Report): Member[] {
  if (value.kind !== 'list') {
    const message = `group ${key} must be a list of hosts, ranges and groups, but is ${describeNode(value)}`;
    report.error('WRONG_TYPE', keySpan, message, `${key}: ['${key}{01..04}']`);
    return [];
  }
  if (value.items.length === 0) {
    reportInventory(report, 'EMPTY_GROUP', keySpan, `group ${key} has no members`);
  }
  return value.items.flatMap((node) => namesOf(node, key, report));
}

function namesOf(node: TreeNode, group: string, report: Report): Member[] {
  if (node.kind !== 'scalar' || typeof node.value !== 'string') {
    const message = `a member of group ${group} must be the name of a host or group, but is ${describeNode(node)}`;
    report.error('WRONG_TYPE', node.span, message, quoteHint(node));
    return [];
  }
  const expansion = expandName(node.value);
  if (expansion.kind === 'wrong') {
    reportInventory(report, 'BAD_HOST_RANGE', node.span, expansion.message);
    return [];
  }
  const names = expansion.kind === 'plain' ? [node.value] : expansion.texts;
  return names.map((name) => ({ name, span: node.span }));
}
