/**
 * What was asked of the endpoint and what really happened, in order: the oracle for "done once".
 * One JSON line per entry; the file may be searched for secrets.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Json, JsonObject } from '../../../src/json.ts';

/** A call that could change something, refused ones and those without a reply included. */
export interface CallEntry {
  readonly kind: 'call';
  readonly seq: number;
  readonly at: string;
  readonly service: string;
  readonly operation: string;
  /** Whose access key signed it. Absent in journals of an earlier endpoint. */
  readonly accessKey?: string;
  /** As sent; only the values whose home is AWS (PutParameter's Value, SecretString) read `***`. */
  readonly params: JsonObject;
  readonly clientToken?: string;
  readonly status: number;
  readonly errorCode?: string;
  /** Ids and ARNs in the answer. */
  readonly ids: readonly string[];
  /** `cut`: the caller never got it (lost-reply, reset). */
  readonly reply: 'sent' | 'cut';
  /** The fault that was played, by name. */
  readonly fault?: string;
}

/** What was done to a host or a volume. */
export interface EffectEntry {
  readonly kind: 'effect';
  readonly seq: number;
  readonly at: string;
  readonly effect: EffectName;
  readonly details: JsonObject;
}

export type EffectName =
  | 'commandStarted'
  | 'commandEnded'
  | 'snapshotCopied'
  | 'snapshotDeleted'
  | 'keyPairImported'
  | 'keyPairDeleted'
  | 'volumeCreated'
  | 'volumeDeleted'
  | 'volumeAttached'
  | 'volumeDetached'
  | 'hostStopped'
  | 'hostStarted'
  | 'hostRebooted'
  | 'hostKilled'
  | 'rulesEvaluated'
  | 'messageDelivered'
  | 'messageDropped';

export type JournalEntry = CallEntry | EffectEntry;

export interface Journal {
  readonly file: string;
  entries(): readonly JournalEntry[];
  /** Calls of one operation, refused ones included. */
  calls(operation?: string): CallEntry[];
  effects(effect?: EffectName): EffectEntry[];
  addCall(entry: Omit<CallEntry, 'kind' | 'seq' | 'at'>): void;
  addEffect(effect: EffectName, details: JsonObject): void;
}

/** Opens the journal, going on with what the file holds. */
export function openJournal(file: string): Journal {
  mkdirSync(dirname(file), { recursive: true });
  const entries: JournalEntry[] = existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as JournalEntry)
    : [];
  const add = (entry: JournalEntry): void => {
    entries.push(entry);
    appendFileSync(file, `${JSON.stringify(entry)}\n`);
  };
  const isCall = (entry: JournalEntry): entry is CallEntry => entry.kind === 'call';
  const isEffect = (entry: JournalEntry): entry is EffectEntry => entry.kind === 'effect';
  const head = (): { seq: number; at: string } => ({ seq: entries.length + 1, at: new Date().toISOString() });
  return {
    file,
    entries: () => entries,
    calls: (operation) =>
      entries.filter(isCall).filter((entry) => operation === undefined || entry.operation === operation),
    effects: (effect) =>
      entries.filter(isEffect).filter((entry) => effect === undefined || entry.effect === effect),
    addCall: (entry) =>
      add({ kind: 'call', ...head(), ...entry, params: withoutStoredSecrets(entry.operation, entry.params) }),
    addEffect: (effect, details) => add({ kind: 'effect', ...head(), effect, details }),
  };
}

const storedSecrets: Readonly<Record<string, readonly string[]>> = {
  PutParameter: ['Value'],
  CreateSecret: ['SecretString', 'SecretBinary'],
  PutSecretValue: ['SecretString', 'SecretBinary'],
  UpdateSecret: ['SecretString', 'SecretBinary'],
};

/** A secret that is being stored where secrets belong is not a leak. */
function withoutStoredSecrets(operation: string, params: JsonObject): JsonObject {
  const members = storedSecrets[operation] ?? [];
  const entries: [string, Json][] = Object.entries(params).map(([name, value]) => [
    name,
    members.includes(name) ? '***' : value,
  ]);
  return Object.fromEntries(entries);
}

/** The ids and ARNs that an answer names, requests and owners left out. */
export function idsIn(body: Buffer): string[] {
  const text = body.toString('utf8');
  const ids = new Set<string>();
  for (const match of text.matchAll(/<(\w*(?:Id|Arn))>([^<]+)<|"(\w*(?:Id|Arn))"\s*:\s*"([^"]+)"/g)) {
    const name = match[1] ?? match[3] ?? '';
    if (!/^(?:requestId|RequestId|ownerId|OwnerId|ipOwnerId)$/.test(name))
      ids.add(match[2] ?? match[4] ?? '');
  }
  return [...ids];
}
