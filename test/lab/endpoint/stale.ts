/**
 * The fault `stale`: after a change, the next readings of that kind of resource answer from before it, as an eventually
 * consistent service may. What the change made is hidden; what it changed is shown as it was.
 */
import { isJsonObject, type JsonObject } from '../../../src/json.ts';
import { textParam, type ApiCall } from './api-call.ts';
import type { Cell } from './cell.ts';
import { idsIn } from './journal.ts';
import { ApiError, jsonReply, type Reply } from './reply.ts';
import { child, parseXml, printXml, textAt, type Element } from './xml.ts';

/** A kind of resource: how its readings are called and where its items stand. */
interface Kind {
  readonly name: 'instance' | 'volume' | 'snapshot' | 'command';
  readonly idPattern: RegExp;
  readonly readings: readonly string[];
  readonly describe: { readonly operation: string; readonly idParam: string; readonly notFound: string };
}

const kinds: readonly Kind[] = [
  {
    name: 'snapshot',
    idPattern: /^snap-[0-9a-f]+$/,
    readings: ['DescribeSnapshots'],
    describe: { operation: 'DescribeSnapshots', idParam: 'SnapshotId', notFound: 'InvalidSnapshot.NotFound' },
  },
  {
    name: 'volume',
    idPattern: /^vol-[0-9a-f]+$/,
    readings: ['DescribeVolumes'],
    describe: { operation: 'DescribeVolumes', idParam: 'VolumeId', notFound: 'InvalidVolume.NotFound' },
  },
  {
    name: 'instance',
    idPattern: /^i-[0-9a-f]+$/,
    readings: ['DescribeInstances', 'DescribeInstanceStatus'],
    describe: {
      operation: 'DescribeInstances',
      idParam: 'InstanceId',
      notFound: 'InvalidInstanceID.NotFound',
    },
  },
  {
    name: 'command',
    idPattern: /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/,
    readings: ['ListCommands', 'ListCommandInvocations', 'GetCommandInvocation'],
    describe: { operation: 'ListCommands', idParam: 'CommandId', notFound: 'InvocationDoesNotExist' },
  },
];

/** The kind whose readings a change makes stale: a snapshot when one is made, though its volume is named too. */
function kindOf(operation: string, ids: readonly string[]): Kind | undefined {
  const byName = kinds.find(({ name }) => operation.toLowerCase().includes(name));
  return byName ?? kinds.find(({ idPattern }) => ids.some((id) => idPattern.test(id)));
}

interface Staleness {
  readonly kind: Kind;
  /** Ids that did not exist before the change. */
  readonly hidden: Set<string>;
  /** The items as they were, by id. */
  readonly before: ReadonlyMap<string, Element>;
  readsLeft: number;
}

export interface StaleReads {
  /** Remembers how things stand before the call acts; the function given back is called with its answer. */
  remember(call: ApiCall, cell: Cell, reads: number): Promise<(answer: Reply) => void>;
  /** The answer as it would have been before; the same answer when nothing is stale. Throws ApiError for a hidden id. */
  age(call: ApiCall, answer: Reply): Reply;
}

export function createStaleReads(answerFresh: (call: ApiCall) => Promise<Reply>): StaleReads {
  let stale: Staleness[] = [];
  return {
    remember: async (call, cell, reads) => {
      const named = namedIds(call.params);
      const kind = kindOf(call.operation, named);
      if (kind === undefined) return () => undefined;
      const before = new Map<string, Element>();
      for (const id of named.filter((id) => kind.idPattern.test(id))) {
        const item = await itemNow(kind, id, call, answerFresh);
        if (item !== undefined) before.set(id, item);
      }
      return (answer) => {
        const made = idsIn(answer.body).filter((id) => kind.idPattern.test(id) && !named.includes(id));
        stale.push({ kind, hidden: new Set(made), before, readsLeft: reads });
        cell.save();
      };
    },
    age: (call, answer) => {
      const relevant = stale.filter(({ kind }) => kind.readings.includes(call.operation));
      if (relevant.length === 0) return answer;
      for (const one of relevant) one.readsLeft -= 1;
      stale = stale.filter(({ readsLeft }) => readsLeft > 0);
      // A filter that fits nothing gives an empty list; only an id that is asked for by itself is refused.
      const { Filters: _, Filter: __, ...asked } = call.params;
      const named = namedIds(asked);
      for (const { kind, hidden } of relevant) {
        const missing = named.find((id) => hidden.has(id));
        if (
          missing !== undefined &&
          call.operation !== 'ListCommands' &&
          call.operation !== 'ListCommandInvocations'
        )
          throw new ApiError(kind.describe.notFound, `The ${kind.name} '${missing}' does not exist.`);
      }
      if (answer.status !== 200) return answer;
      return call.protocol === 'json' ? ageJson(answer, relevant) : ageXml(answer, relevant);
    },
  };
}

function namedIds(params: JsonObject): string[] {
  return [...JSON.stringify(params).matchAll(/"([^"]+)"/g)]
    .map((match) => match[1] ?? '')
    .filter((text) => kinds.some(({ idPattern }) => idPattern.test(text)));
}

/** The resource's item as a reading shows it now; undefined when it cannot be read. */
async function itemNow(
  kind: Kind,
  id: string,
  call: ApiCall,
  answerFresh: (call: ApiCall) => Promise<Reply>,
): Promise<Element | undefined> {
  if (kind.name === 'command') return undefined;
  const { operation, idParam } = kind.describe;
  const form = new URLSearchParams({ Action: operation, Version: '2016-11-15', [`${idParam}.1`]: id });
  const request = { ...call.request, body: Buffer.from(form.toString()) };
  const reading: ApiCall = { ...call, operation, params: { [idParam]: [id] }, mutating: false, request };
  try {
    const answer = await answerFresh(reading);
    return answer.status === 200
      ? itemsById(parseXml(answer.body.toString('utf8')), kind).get(id)
      : undefined;
  } catch (error) {
    if (error instanceof ApiError) return undefined;
    throw error;
  }
}

function itemsById(root: Element, kind: Kind): Map<string, Element> {
  const found = new Map<string, Element>();
  const search = (of: Element): void => {
    for (const inner of of.children) {
      const id = inner.name === 'item' ? textAt(inner, `${kind.name}Id`) : '';
      if (kind.idPattern.test(id)) found.set(id, inner);
      else search(inner);
    }
  };
  search(root);
  return found;
}

function ageXml(answer: Reply, relevant: readonly Staleness[]): Reply {
  const root = parseXml(answer.body.toString('utf8'));
  for (const { kind, hidden, before } of relevant) age(root, kind, hidden, before);
  const body = Buffer.from(printXml(root));
  return {
    status: 200,
    headers: ['Content-Type', 'text/xml;charset=UTF-8', 'Content-Length', String(body.length)],
    body,
  };
}

function age(
  of: Element,
  kind: Kind,
  hidden: ReadonlySet<string>,
  before: ReadonlyMap<string, Element>,
): void {
  const idOf = (inner: Element): string => textAt(inner, `${kind.name}Id`);
  of.children = of.children
    .filter((inner) => !hidden.has(idOf(inner)))
    .map((inner) => (inner.name === 'item' ? (before.get(idOf(inner)) ?? inner) : inner));
  for (const inner of of.children) age(inner, kind, hidden, before);
  // A reservation whose instances are hidden is hidden too.
  of.children = of.children.filter((inner) => child(inner, 'instancesSet')?.children.length !== 0);
}

function ageJson(answer: Reply, relevant: readonly Staleness[]): Reply {
  const body = JSON.parse(answer.body.toString('utf8')) as JsonObject;
  const isHidden = (value: unknown): boolean =>
    isJsonObject(value as JsonObject) &&
    relevant.some(({ hidden }) => hidden.has(textParam(value as JsonObject, 'CommandId') ?? ''));
  return jsonReply(
    Object.fromEntries(
      Object.entries(body).map(([name, value]) => [
        name,
        Array.isArray(value) ? value.filter((entry) => !isHidden(entry)) : value,
      ]),
    ),
  );
}
