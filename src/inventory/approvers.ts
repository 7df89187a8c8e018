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
  /** AWS identities: ARNs of users, roles, and sessions of roles. */
  readonly arns: readonly string[];
  /** The operating-system users who are the same person. */
  readonly users: readonly string[];
}

export interface ApprovalPolicy {
  readonly people: ReadonlyMap<string, Approver>;
  /** Group → names of people. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
  /** Whoever started an execution may not approve its steps. */
  readonly separate: boolean;
  /** A file as ssh-keygen(1), ALLOWED SIGNERS, describes it; its principals are people too. Null: none. */
  readonly allowedSigners: string | null;
  /** Where STS is asked who an AWS identity is. Null: where AWS has it. */
  readonly stsEndpoint: string | null;
  /** Other accounts of this machine lay their decisions into the inbox of the state folder. */
  readonly inbox: boolean;
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
const arnExample = "alice: { arns: ['arn:aws:iam::111122223333:user/alice'] }";
/** Users, roles and sessions of roles; names as IAM allows them. */
const arnPattern =
  /^arn:aws[a-z-]{0,16}:(?:iam::\d{12}:(?:user|role)\/(?:[A-Za-z0-9_+=,.@-]+\/)*|sts::\d{12}:(?:assumed-role|federated-user)\/(?:[A-Za-z0-9_+=,.@-]+\/)?)[A-Za-z0-9_+=,.@-]+$/;

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
    checkKeys(inner, ['keys', 'arns', 'user', 'members']);
    const members = entryOf(inner, 'members');
    if (members !== undefined) {
      listed.set(name, { entry, members: members.value });
      continue;
    }
    const keys = entryOf(inner, 'keys');
    const arns = entryOf(inner, 'arns');
    if (keys === undefined && arns === undefined) {
      const message = `approver ${name} has neither keys nor arns`;
      reportInventory(report, 'BAD_APPROVER', keySpan, message, keyExample);
      continue;
    }
    people.set(name, {
      name,
      keys: keys === undefined ? [] : readKeys(name, keys, report),
      arns: arns === undefined ? [] : readArns(name, arns, report),
      users: readUsers(inner) ?? [name],
    });
  }
  refuseShared(approvers?.value.entries.values() ?? [], people, report);
  const groups = new Map<string, readonly string[]>();
  for (const [name, { entry, members }] of listed)
    groups.set(name, readMembers(entry, members, people, report));
  const inner: MapReader | undefined =
    approvals === undefined ? undefined : { node: approvals.value, what: 'approvals', report };
  if (inner !== undefined) checkKeys(inner, ['separate', 'allowedSigners', 'stsEndpoint', 'inbox']);
  const file = inner === undefined ? undefined : readText(inner, 'allowedSigners');
  if (approvals !== undefined && people.size === 0 && file === undefined) {
    const message = 'approvals: says how people approve, and no approver is named, so nobody ever could';
    reportInventory(report, 'BAD_APPROVER', approvals.keySpan, message, `approvers: { ${keyExample} }`);
  }
  return {
    people,
    groups,
    separate: inner === undefined ? false : (readBoolean(inner, 'separate') ?? false),
    allowedSigners: file === undefined ? null : resolvePath(file),
    stsEndpoint: inner === undefined ? null : readEndpoint(inner),
    inbox: inner === undefined ? false : (readBoolean(inner, 'inbox') ?? false),
  };
}

/** HTTPS; without it, this machine alone, for trying. Undefined: it is none. */
export function stsEndpointOf(text: string): string | undefined {
  const url = URL.parse(text);
  if (url?.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '') return undefined;
  const isHere = url.protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname);
  return url.protocol === 'https:' || isHere ? url.href : undefined;
}

function readEndpoint(inner: MapReader): string | null {
  const entry = entryOf(inner, 'stsEndpoint');
  const text = readText(inner, 'stsEndpoint');
  if (entry === undefined || text === undefined) return null;
  const endpoint = stsEndpointOf(text);
  if (endpoint !== undefined) return endpoint;
  const message = `stsEndpoint must be an address of HTTPS without a path, not ${JSON.stringify(text)}`;
  reportInventory(
    inner.report,
    'BAD_APPROVER',
    entry.keySpan,
    message,
    'https://sts.eu-west-1.amazonaws.com',
  );
  return null;
}

function readUsers(inner: MapReader): readonly string[] | undefined {
  const entry = entryOf(inner, 'user');
  if (entry?.value.kind !== 'list') {
    const user = readText(inner, 'user');
    return user === undefined ? undefined : [user];
  }
  const names = entry.value.items.flatMap((item) =>
    item.kind === 'scalar' && typeof item.value === 'string' && item.value !== '' ? [item.value] : [],
  );
  if (names.length > 0 && names.length === entry.value.items.length) return names;
  const message = `user of ${inner.what} must be a name, or a list of names`;
  reportInventory(inner.report, 'BAD_APPROVER', entry.keySpan, message);
  return undefined;
}

/** Who has two names would count twice. */
function refuseShared(entries: Iterable<Entry>, people: ReadonlyMap<string, Approver>, report: Report): void {
  const owners = new Map<string, string>();
  for (const { key: name, keySpan } of entries) {
    const person = people.get(name);
    for (const one of new Set([...(person?.keys ?? []), ...(person?.arns ?? [])])) {
      const owner = owners.get(one);
      const what = one.startsWith('arn:') ? `the identity ${one}` : 'a key';
      if (owner === undefined) owners.set(one, name);
      else
        reportInventory(
          report,
          'BAD_APPROVER',
          keySpan,
          `approvers ${owner} and ${name} have ${what} in common, so one person would count as two`,
        );
    }
  }
}

function readArns(name: string, { keySpan, value }: Entry, report: Report): string[] {
  const nodes = value.kind === 'list' ? value.items : [value];
  if (nodes.length === 0)
    reportInventory(report, 'BAD_APPROVER', keySpan, `approver ${name} has no arns`, arnExample);
  return nodes.flatMap((node) => {
    const arn = node.kind === 'scalar' ? node.value : undefined;
    if (typeof arn === 'string' && arnPattern.test(arn)) return arn;
    const message = `an identity of approver ${name} must be the ARN of a user, of a role, or of a role's session (assumed-role), without wildcards`;
    reportInventory(report, 'BAD_APPROVER', node.span, message, arnExample);
    return [];
  });
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
        ? `group ${group} of approvers names ${name}, who is not an approver of this file`
        : `a member of group ${group} must be the name of an approver, but is ${describeNode(member)}`;
    const hint = typeof name === 'string' ? report.suggest(name, [...people.keys()]) : undefined;
    reportInventory(report, 'BAD_APPROVER', member.span, message, hint);
    return [];
  });
}
