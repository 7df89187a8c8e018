/** `approvers:` and `approvals:` of belay.yaml: whose signature counts as an approval, and what one must be. */
import {
  checkKeys,
  describeNode,
  entryOf,
  readBoolean,
  readMap,
  readText,
  type Entry,
  type MapReader,
  type Report,
  type TreeNode,
} from '../document/index.ts';
import { reportInventory } from './errors.ts';
import { namePattern } from './written-host.ts';

export interface Approver {
  readonly name: string;
  /** Public keys as OpenSSH writes them, without comments. */
  readonly keys: readonly string[];
  /** The operating-system user who is the same person. */
  readonly user: string;
}

export interface ApprovalPolicy {
  readonly people: ReadonlyMap<string, Approver>;
  /** Group → names of people. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
  /** Whoever started an execution may not approve its steps. */
  readonly separate: boolean;
  /** A file as ssh-keygen(1), ALLOWED SIGNERS, describes it; its principals are people too. Null: none. */
  readonly allowedSigners: string | null;
}

const keyTypes = [
  'ssh-ed25519',
  'ssh-rsa',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
];
const keyExample = "alice: { keys: ['ssh-ed25519 AAAA… alice@laptop'] }";

/** Null: nothing is said of approvals, and an approval is a prompt. */
export function readApprovals(
  reader: MapReader,
  resolvePath: (path: string) => string,
): ApprovalPolicy | null {
  const { report } = reader;
  const approvers = readMap(reader, 'approvers');
  const approvals = readMap(reader, 'approvals');
  if (approvers === undefined && approvals === undefined) return null;
  const people = new Map<string, Approver>();
  const listed = new Map<string, { readonly entry: Entry; readonly members: TreeNode }>();
  for (const entry of approvers?.value.entries.values() ?? []) {
    const { key: name, keySpan, value } = entry;
    if (!namePattern.test(name)) {
      const message = `an approver is named with letters, digits, dots, dashes and underscores, not ${JSON.stringify(name)}`;
      reportInventory(report, 'BAD_APPROVER', keySpan, message);
      continue;
    }
    if (value.kind !== 'map') {
      const message = `approver ${name} must be a map, but is ${describeNode(value)}`;
      report.error('WRONG_TYPE', keySpan, message, keyExample);
      continue;
    }
    const inner: MapReader = { node: value, what: `approver ${name}`, report };
    checkKeys(inner, ['keys', 'user', 'members']);
    const members = entryOf(inner, 'members');
    if (members !== undefined) {
      listed.set(name, { entry, members: members.value });
      continue;
    }
    const keys = entryOf(inner, 'keys');
    if (keys === undefined) {
      reportInventory(report, 'BAD_APPROVER', keySpan, `approver ${name} has no keys`, keyExample);
      continue;
    }
    people.set(name, { name, keys: readKeys(name, keys, report), user: readText(inner, 'user') ?? name });
  }
  const groups = new Map<string, readonly string[]>();
  for (const [name, { entry, members }] of listed)
    groups.set(name, readMembers(entry, members, people, report));
  const inner: MapReader | undefined =
    approvals === undefined ? undefined : { node: approvals.value, what: 'approvals', report };
  if (inner !== undefined) checkKeys(inner, ['separate', 'allowedSigners']);
  const file = inner === undefined ? undefined : readText(inner, 'allowedSigners');
  return {
    people,
    groups,
    separate: inner === undefined ? false : (readBoolean(inner, 'separate') ?? false),
    allowedSigners: file === undefined ? null : resolvePath(file),
  };
}

function readKeys(name: string, { keySpan, value }: Entry, report: Report): string[] {
  const nodes = value.kind === 'list' ? value.items : [value];
  if (nodes.length === 0)
    reportInventory(report, 'BAD_APPROVER', keySpan, `approver ${name} has no keys`, keyExample);
  return nodes.flatMap((node) => {
    const key = node.kind === 'scalar' && typeof node.value === 'string' ? publicKey(node.value) : undefined;
    if (key !== undefined) return key;
    const message = `a key of approver ${name} must be one line of an OpenSSH public key file (${keyTypes.join(', ')})`;
    reportInventory(report, 'BAD_APPROVER', node.span, message, keyExample);
    return [];
  });
}

/** Type and body; undefined: it is none. The body says its own type (RFC 4253, 6.6). */
function publicKey(text: string): string | undefined {
  const match = /^(?<type>[a-z0-9@.-]{1,64}) (?<body>[A-Za-z0-9+/]{40,4096}={0,2})(?: [^\n]*)?$/.exec(
    text.trim(),
  );
  const { type = '', body = '' } = match?.groups ?? {};
  if (!keyTypes.includes(type)) return undefined;
  const bytes = Buffer.from(body, 'base64');
  const said = bytes.subarray(4, 4 + (bytes.byteLength < 4 ? 0 : bytes.readUInt32BE(0))).toString('latin1');
  return said === type ? `${type} ${body}` : undefined;
}

function readMembers(
  { key: group, keySpan }: Entry,
  node: TreeNode,
  people: ReadonlyMap<string, Approver>,
  report: Report,
): string[] {
  const nodes = node.kind === 'list' ? node.items : [node];
  if (nodes.length === 0) reportInventory(report, 'BAD_APPROVER', keySpan, `group ${group} has no members`);
  return nodes.flatMap((member) => {
    const name = member.kind === 'scalar' ? member.value : undefined;
    if (typeof name === 'string' && people.has(name)) return name;
    const message =
      typeof name === 'string'
        ? `group ${group} of approvers names ${name}, who has no keys in approvers`
        : `a member of group ${group} must be the name of an approver, but is ${describeNode(member)}`;
    const hint = typeof name === 'string' ? report.suggest(name, [...people.keys()]) : undefined;
    reportInventory(report, 'BAD_APPROVER', member.span, message, hint);
    return [];
  });
}
