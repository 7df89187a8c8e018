/**
 * A world of keys and snapshots for tests of the engine: real actions with real effects on a Map, every effect counted
 * under its token. Faults cut replies and fail effects; `Crash` ends a runner as kill -9 would.
 */
import { Type } from 'typebox';
import {
  ActionFailure,
  defineAction,
  done,
  failed,
  type AnyAction,
} from '../../src/actions/define-action.ts';
import { rolling } from '../../src/actions/belay/rolling.ts';
import { overHosts } from '../../src/actions/host/over-hosts.ts';
import { strictObject } from '../../src/actions/strict-object.ts';
import type { OutdatedProcess } from '../../src/engine/index.ts';
import type { Json } from '../../src/json.ts';

export class Crash extends Error {}

export interface ToyEffect {
  readonly token: string;
  readonly what: string;
}

export class ToyWorld {
  readonly values = new Map<string, string>();
  readonly snapshots = new Map<string, Map<string, string>>();
  readonly effects: ToyEffect[] = [];
  /** Effects by name that lose their reply, once each. */
  readonly loseReplyOf = new Set<string>();
  /** Effects by name that fail, and how often still. */
  readonly failing = new Map<string, number>();
  /** So many looks at what became of an effect fail. */
  looksFailing = 0;
  /** Whether a key is read again after the undo of toy:put. */
  isSeenAgain = false;
  /** Whether all keys are of one target, as files of a host are. */
  isOneTarget = false;
  /** Told by every undo of toy:put: they run what it has taken away. */
  outdated: readonly OutdatedProcess[] = [];
  /** Of those, the numbers of the ones that have ended. */
  readonly ended = new Set<number>();
  /** Called around every effect. */
  around: (when: 'before' | 'after', what: string) => void = () => undefined;

  act(token: string, what: string, change: () => void): void {
    this.around('before', what);
    const times = this.failing.get(what) ?? 0;
    if (times > 0) {
      this.failing.set(what, times - 1);
      throw new ActionFailure({
        code: 'TOY_FAILED',
        message: `${what} failed`,
        retryable: true,
        effect: 'none',
      });
    }
    change();
    this.effects.push({ token, what });
    this.around('after', what);
    if (this.loseReplyOf.delete(what)) {
      throw new ActionFailure({
        code: 'NO_REPLY',
        message: `the reply of ${what} was lost`,
        retryable: true,
        effect: 'unknown',
      });
    }
  }

  /** What an adoption asks. */
  has(token: string): boolean {
    if (this.looksFailing > 0) {
      this.looksFailing -= 1;
      throw new ActionFailure({ code: 'UNREACHABLE', message: 'nobody answers', retryable: true });
    }
    return this.effects.some((effect) => effect.token === token);
  }

  /** What is there, without the way it came about. */
  state(): unknown {
    return {
      values: Object.fromEntries(this.values),
      snapshots: [...this.snapshots.keys()].length,
    };
  }

  set(key: string, value: string | null): void {
    if (value === null) this.values.delete(key);
    else this.values.set(key, value);
  }

  get(key: string): string | null {
    return this.values.get(key) ?? null;
  }
}

const common = {
  source: 'https://example.com/toy',
  example: '',
  outputs: Type.Object({}),
  timeoutSeconds: 10,
  permissions: () => [],
  hasHostTargets: false,
  secretInputs: ['Text', 'Equals'],
};

export function toyActions(world: ToyWorld): ReadonlyMap<string, AnyAction> {
  const put = defineAction({
    ...common,
    name: 'toy:put',
    summary: 'Sets a key.',
    inputs: strictObject({ Key: Type.String(), Value: Type.String() }),
    targets: ({ Key }) => [world.isOneTarget ? 'toy' : Key],
    observe: async ({ Key }) => ({ Value: world.get(Key) }),
    stillRuns: async (_inputs, processes) => processes.filter(({ pid }) => !world.ended.has(pid)),
    ...(world.isSeenAgain ? { putsBack: ['Value'] } : {}),
    effect: {
      kind: 'begun',
      settleMs: 0,
      begin: async ({ Key, Value }, _before, { token }) => {
        world.act(token, `put ${Key}=${Value}`, () => world.set(Key, Value));
        return token;
      },
      adopt: async (_inputs, _before, { token }) =>
        world.has(token) ? { kind: 'running', handle: token } : { kind: 'absent' },
      poll: async (_handle, { Key, Value }, before) =>
        done({ Value }, { changes: [{ target: 'toy', subject: Key, from: before.Value, to: Value }] }),
    },
    undo: {
      kind: 'restore',
      effect: {
        kind: 'begun',
        settleMs: 0,
        begin: async ({ inputs, before }, _before, { token }) => {
          const present = world.get(inputs.Key);
          if (present === before.Value) return null;
          world.act(token, `undo put ${inputs.Key}`, () => world.set(inputs.Key, before.Value));
          return present;
        },
        adopt: async (_inputs, _before, { token }) =>
          world.has(token) ? { kind: 'running', handle: 'found' } : { kind: 'absent' },
        poll: async (handle, { inputs, before }) =>
          done(
            {},
            handle === null
              ? {}
              : {
                  outdated: world.outdated,
                  changes: [
                    {
                      target: 'toy',
                      subject: inputs.Key,
                      from: typeof handle === 'string' ? handle : null,
                      to: before.Value,
                    },
                  ],
                },
          ),
      },
    },
  });
  const onHost = overHosts(
    defineAction({
      ...common,
      name: 'toy:onHost',
      summary: 'Sets what a host holds.',
      inputs: strictObject({ Host: Type.String(), Value: Type.String() }),
      targets: ({ Host }) => [Host],
      settled: ['Value'],
      observe: async ({ Host }) => ({ Value: world.get(Host) }),
      effect: {
        kind: 'begun',
        settleMs: 0,
        begin: async ({ Host, Value }, _before, { token }) => {
          world.act(token, `put ${Host}=${Value}`, () => world.set(Host, Value));
          return token;
        },
        adopt: async (_inputs, _before, { token }) =>
          world.has(token) ? { kind: 'running', handle: token } : { kind: 'absent' },
        poll: async (_handle, { Host, Value }, before) =>
          done({ Value }, { changes: [{ target: Host, subject: 'value', from: before.Value, to: Value }] }),
      },
      undo: {
        kind: 'restore',
        effect: {
          kind: 'begun',
          settleMs: 0,
          begin: async ({ inputs: { Host }, before }, _before, { token }) => {
            if (world.get(Host) !== before.Value)
              world.act(token, `undo put ${Host}`, () => world.set(Host, before.Value));
            return token;
          },
          adopt: async (_inputs, _before, { token }) =>
            world.has(token) ? { kind: 'running', handle: token } : { kind: 'absent' },
          poll: async (_handle, { inputs: { Host, Value }, before }) =>
            done({}, { changes: [{ target: Host, subject: 'value', from: Value, to: before.Value }] }),
        },
      },
    }),
  );
  const restart = defineAction({
    ...common,
    name: 'toy:restart',
    summary: 'A process that has read a key at its start.',
    inputs: strictObject({ Key: Type.String(), Reads: Type.String() }),
    targets: () => ['toy'],
    observe: async ({ Key }) => ({ active: world.get(Key) !== null }),
    effect: {
      kind: 'repeatable',
      execute: async ({ Key, Reads }, _before, { token }) => {
        world.act(token, `restart ${Key}`, () => world.set(Key, world.get(Reads)));
        return done({});
      },
    },
    undo: {
      kind: 'restore',
      effect: {
        kind: 'repeatable',
        execute: async ({ inputs, before }, _before, { token }) => {
          if (before.active || world.get(inputs.Key) === null) return done({});
          world.act(token, `stop ${inputs.Key}`, () => world.set(inputs.Key, null));
          return done({}, { note: 'stopped' });
        },
      },
      again: {
        inputs: {},
        before: { active: [true] },
        // The toy's targets are its keys.
        of: ['Reads', 'Key'],
        effect: {
          kind: 'repeatable',
          execute: async ({ inputs: { Key, Reads } }, _before, { token }) => {
            world.act(token, `again ${Key}`, () => world.set(Key, world.get(Reads)));
            return done({}, { note: 'again' });
          },
        },
      },
    },
  });
  const snapshot = defineAction({
    ...common,
    name: 'toy:snapshot',
    summary: 'Remembers all keys.',
    inputs: strictObject({}),
    targets: () => [],
    effect: {
      kind: 'begun',
      settleMs: 0,
      begin: async (_inputs, _before, { token }) => {
        world.act(token, 'snapshot', () => world.snapshots.set(`snap-${token}`, new Map(world.values)));
        return `snap-${token}`;
      },
      adopt: async (_inputs, _before, { token }) =>
        world.has(token) ? { kind: 'running', handle: `snap-${token}` } : { kind: 'absent' },
      poll: async (handle) => done({ Ids: [handle] }, { restorePoints: [{ id: handle, of: 'toy' }] }),
    },
    undo: {
      kind: 'restorePoint',
      effect: {
        kind: 'repeatable',
        execute: async ({ token }, _before, context) => {
          const id = `snap-${token}`;
          if (!world.snapshots.has(id)) return done({});
          world.act(context.token, 'delete snapshot', () => world.snapshots.delete(id));
          return done({}, { note: 'removed' });
        },
      },
    },
  });
  const removal = defineAction({
    ...common,
    name: 'toy:deleteSnapshots',
    summary: 'Forgets.',
    inputs: strictObject({ Ids: Type.Array(Type.String()) }),
    targets: () => [],
    removesRestorePoints: 'Ids',
    effect: {
      kind: 'repeatable',
      execute: async ({ Ids }, _before, { token }) => {
        for (const id of Ids)
          if (world.snapshots.has(id)) world.act(token, 'delete snapshot', () => world.snapshots.delete(id));
        return done({});
      },
    },
    undo: { kind: 'none', reason: 'gone is gone', leavesChange: false },
  });
  const restore = defineAction({
    ...common,
    name: 'toy:restore',
    summary: 'Puts all keys back.',
    inputs: strictObject({ Ids: Type.Array(Type.String()) }),
    targets: () => [],
    usesRestorePoints: 'Ids',
    effect: {
      kind: 'repeatable',
      execute: async ({ Ids }, _before, { token }) => {
        const [id = ''] = Ids;
        const kept = world.snapshots.get(id);
        if (kept === undefined) return failed('NO_SNAPSHOT', `there is no ${id}`);
        world.act(token, 'restore', () => {
          world.values.clear();
          for (const [key, value] of kept) world.values.set(key, value);
        });
        return done({});
      },
    },
    undo: { kind: 'none', reason: 'it was an undo', leavesChange: false },
  });
  const shell = defineAction({
    ...common,
    name: 'toy:shell',
    summary: 'Does whatever it is told.',
    inputs: strictObject({ Key: Type.String(), Value: Type.String() }),
    targets: ({ Key }) => [Key],
    effect: {
      kind: 'begun',
      settleMs: 0,
      begin: async ({ Key, Value }, _before, { token }) => {
        world.act(token, `shell ${Key}`, () => world.set(Key, Value));
        return null;
      },
      adopt: async (_inputs, _before, { token }) =>
        world.has(token) ? { kind: 'running', handle: null } : { kind: 'absent' },
      poll: async () => done({}),
    },
    undo: { kind: 'none', reason: 'shell text cannot be undone', leavesChange: true },
  });
  const check = defineAction({
    ...common,
    name: 'toy:check',
    summary: 'Compares a key.',
    inputs: strictObject({ Key: Type.String(), Equals: Type.String() }),
    targets: ({ Key }) => [Key],
    verdict: 'Intact',
    effect: {
      kind: 'read',
      poll: async ({ Key, Equals }) => {
        const outputs = { Intact: world.get(Key) === Equals, Value: world.get(Key) };
        return outputs.Intact
          ? done(outputs)
          : failed('DATA_MISMATCH', `${Key} is ${String(outputs.Value)}`, { outputs });
      },
    },
    undo: { kind: 'notNeeded' },
  });
  const secret = defineAction({
    ...common,
    name: 'toy:tell',
    summary: 'Says back what it was given.',
    inputs: strictObject({ Text: Type.String() }),
    targets: () => [],
    effect: { kind: 'read', poll: async ({ Text }) => done({ Text, Length: Text.length }) },
    undo: { kind: 'notNeeded' },
  });
  return new Map(
    [put, onHost, restart, snapshot, removal, restore, shell, check, secret, rolling].map((action) => [
      action.name,
      action,
    ]),
  );
}

export type { Json };
