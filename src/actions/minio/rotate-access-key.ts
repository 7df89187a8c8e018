/**
 * minio:rotateAccessKey: a user's new access key beside the old one, proven on every node; then the old one disabled,
 * proven refused on every node; then, as a step of its own, removed. Between `added` and `rotated` the applications are
 * switched over. All but the removal can be taken back: a removed key comes back only with its secret.
 */
import { Type, type Static } from 'typebox';
import {
  ActionFailure,
  defineAction,
  done,
  failed,
  pending,
  type ActionContext,
  type Poll,
  type UndoInputs,
} from '../define-action.ts';
import { S3Failure } from '../../transports/s3/failure.ts';
import type { Change } from '../../engine/events.ts';
import { strictObject } from '../strict-object.ts';
import { addKey, isNoKey, keyState, ownerOf, removeKey, setKeyStatus, type KeyState } from './access-keys.ts';
import { askAny } from './ask-any.ts';
import { eachNode, keyedInputs, openCluster, type Cluster, type KeyInputs } from './cluster.ts';

const askAgainMs = 500;
/** How long nodes may take to hear of a change, in ms. Seen: all at the next request. */
const spreadMsMax = 30_000;
/** Signs where no secret is known: whether a key is enabled shows before the signature is looked at. */
const anySecret = 'no-secret-is-needed-here';

type Before = { readonly Old: KeyState; readonly New: KeyState };
type Outputs = { readonly Old: string; readonly New: string };

const accessKey = Type.String({ pattern: '^[A-Za-z0-9_.-]{3,128}$' });

const inputs = strictObject({
  ...keyedInputs,
  User: Type.String({ minLength: 1, description: 'The MinIO user to whom both keys belong.' }),
  OldAccessKey: { ...accessKey, description: 'An access key of the user, not the user itself.' },
  OldSecretKey: Type.Optional(
    Type.String({
      minLength: 8,
      description:
        'As a secret parameter: then the undo proves the whole key, and not only that it is enabled.',
    }),
  ),
  NewAccessKey: accessKey,
  NewSecretKey: Type.String({
    minLength: 8,
    maxLength: 128,
    description: 'Give it as a secret parameter.',
  }),
  State: Type.Optional(
    Type.Union([Type.Literal('added'), Type.Literal('rotated'), Type.Literal('removed')], {
      default: 'rotated',
      description:
        'added: the new key works, the old one still does. rotated: only the new one works. removed: the old one is gone for good, the point of no return.',
    }),
  ),
});
type Inputs = Static<typeof inputs>;

export const rotateAccessKey = defineAction({
  name: 'minio:rotateAccessKey',
  summary:
    "Adds a user's new access key and proves it on every node, disables the old one and proves it refused on every node, or removes it for good.",
  source: 'https://github.com/minio/madmin-go/blob/main/user-commands.go',
  example: `
    - name: Rotate
      action: minio:rotateAccessKey
      inputs:
        Hosts: [minio01, minio02, minio03, minio04]
        ServerName: minio.example.com
        AccessKey: '{{ AdminKey }}'
        SecretKey: '{{ AdminSecret }}'
        User: app1
        OldAccessKey: app1-2025
        NewAccessKey: app1-2026
        NewSecretKey: '{{ NewSecret }}'`,
  inputs,
  outputs: strictObject({
    Old: Type.String({ description: 'enabled, disabled or absent, the same on every node.' }),
    New: Type.String(),
  }),
  secretInputs: ['AccessKey', 'SecretKey', 'OldSecretKey', 'NewSecretKey'],
  timeoutSeconds: 600,
  permissions: () => [],
  targets: ({ Hosts }) => Hosts,
  hasHostTargets: true,
  check: ({ OldAccessKey, NewAccessKey }) =>
    OldAccessKey !== undefined && OldAccessKey === NewAccessKey
      ? [{ code: 'SAME_KEY', path: ['NewAccessKey'], message: 'the new access key is the old one' }]
      : [],

  putsBack: ['Old', 'New'],
  observe: async (inputs: Inputs, context): Promise<Before> => {
    using cluster = await openCluster(inputs, context);
    return { Old: await stateOn(cluster, oldKey(inputs)), New: await stateOn(cluster, newKey(inputs)) };
  },

  effect: {
    kind: 'repeatable',
    execute: async (inputs: Inputs, before: Before, context): Promise<Poll<Outputs>> => {
      const { State = 'rotated' } = inputs;
      using cluster = await openCluster(inputs, context);
      refuse(inputs, before);
      await refuseOthers(inputs, cluster, context);
      await add(inputs, before, cluster, context);
      const wantedNew = await prove(inputs, cluster, newKey(inputs), ['enabled'], context);
      if (wantedNew !== undefined) return wantedNew;
      if (State === 'added') return finished(inputs, before, cluster);
      if (State === 'removed') {
        await askAny(cluster, (node) => removeKey(node, inputs, inputs.OldAccessKey, context.signal));
      } else if ((await stateOn(cluster, oldKey(inputs))) !== 'disabled') {
        await disable(inputs, cluster, context);
      }
      const refused: KeyState[] = State === 'removed' ? ['absent'] : ['disabled', 'absent'];
      const wantedOld = await prove(inputs, cluster, oldKey(inputs), refused, context);
      return wantedOld ?? finished(inputs, before, cluster);
    },
  },

  undo: ({ State }) =>
    State === 'removed'
      ? {
          kind: 'none',
          reason: 'a removed access key comes back only with its secret, which MinIO has forgotten',
          leavesChange: true,
        }
      : {
          kind: 'restore',
          effect: {
            kind: 'repeatable',
            execute: async (
              undo: Pick<UndoInputs<Inputs, Before, null, Outputs>, 'inputs' | 'before'>,
              _,
              context,
            ) => {
              using cluster = await openCluster(undo.inputs, context);
              return putBack(undo.inputs, undo.before, cluster, context);
            },
          },
        },
});

const newKey = ({ NewAccessKey, NewSecretKey }: Inputs): KeyInputs => ({
  AccessKey: NewAccessKey,
  SecretKey: NewSecretKey,
});
const oldKey = ({ OldAccessKey, OldSecretKey = anySecret }: Inputs): KeyInputs => ({
  AccessKey: OldAccessKey,
  SecretKey: OldSecretKey,
});

const stateOn = (cluster: Cluster, key: KeyInputs): Promise<KeyState> =>
  askAny(cluster, (node) => keyState(cluster, node, key));

const no = (code: string, message: string): ActionFailure =>
  new ActionFailure({ code, message: `${message}. Nothing was changed` });

const taken = ({ NewAccessKey }: Inputs): ActionFailure =>
  no(
    'KEY_TAKEN',
    `the access key ${NewAccessKey} exists with another secret than NewSecretKey; name another one`,
  );

/** What must not be begun: nothing was changed when this throws. */
function refuse(inputs: Inputs, before: Before): void {
  const { State = 'rotated', OldAccessKey, NewAccessKey, OldSecretKey } = inputs;
  if (before.New === 'otherSecret') throw taken(inputs);
  if (before.New === 'disabled')
    throw no('KEY_DISABLED', `the access key ${NewAccessKey} exists and is disabled`);
  if (before.Old === 'absent' && State !== 'removed') {
    throw no('NO_SUCH_KEY', `the access key ${OldAccessKey} does not exist, so there is nothing to rotate`);
  }
  if (before.Old === 'otherSecret' && OldSecretKey !== undefined) {
    throw no(
      'WRONG_SECRET',
      `OldSecretKey is not the secret of ${OldAccessKey}, so its return could not be proven`,
    );
  }
  if (State === 'removed' && before.New === 'absent') {
    throw no(
      'NO_SUCH_KEY',
      `the new access key ${NewAccessKey} does not exist, so ${OldAccessKey} must stay`,
    );
  }
  if (State === 'removed' && (before.Old === 'enabled' || before.Old === 'otherSecret')) {
    throw no(
      'STILL_ENABLED',
      `the access key ${OldAccessKey} is still enabled; removing it is the point of no return, so rotate first and see that nobody misses it`,
    );
  }
}

/**
 * A key of another user is used by an application that nobody has switched over. Whoever may not look is refused, too: a wrong
 * name would cut that application off, and the right to look is one more line of a policy.
 */
async function refuseOthers(inputs: Inputs, cluster: Cluster, { signal }: ActionContext): Promise<void> {
  const { User, OldAccessKey, NewAccessKey } = inputs;
  for (const name of [OldAccessKey, NewAccessKey]) {
    const owner = await askAny(cluster, (node) =>
      ownerOf(node, inputs, { accessKey: name, user: User }, signal),
    );
    if (owner.kind === 'mayNotLook') {
      throw no(
        'OWNER_NOT_SHOWN',
        `${inputs.AccessKey} may not see to whom the access key ${name} belongs, so it could be that of another application than ${User}; give ${inputs.AccessKey} the right admin:ListServiceAccounts`,
      );
    }
    if (owner.kind === 'user' && owner.name !== User)
      throw no('KEY_OF_ANOTHER', `the access key ${name} belongs to ${owner.name}, not to ${User}`);
  }
}

/** Somebody else may have made a key of the same name since the look. Ours has our secret, so that one is not ours. */
async function add(
  inputs: Inputs,
  before: Before,
  cluster: Cluster,
  { signal }: ActionContext,
): Promise<void> {
  const found = await stateOn(cluster, newKey(inputs));
  if (found === 'otherSecret' && before.New === 'absent') throw taken(inputs);
  if (found !== 'absent') return;
  const added = { user: inputs.User, key: newKey(inputs) };
  try {
    await askAny(cluster, (node) => addKey(node, inputs, added, signal), 'unsent');
  } catch (error) {
    if (!(error instanceof S3Failure) || (await stateOn(cluster, newKey(inputs))) !== 'otherSecret')
      throw error;
    throw taken(inputs);
  }
}

async function disable(inputs: Inputs, cluster: Cluster, { signal }: ActionContext): Promise<void> {
  try {
    await askAny(cluster, (node) => setKeyStatus(node, inputs, inputs.OldAccessKey, 'off', signal));
  } catch (error) {
    // MinIO denies it to everybody where the name is that of a user: AccessKey has just added a key, so it may change one.
    const isDenied = error instanceof S3Failure && error.code === 'AccessDenied';
    if (!isNoKey(error) && !isDenied) throw error;
    const rights = isDenied ? `, or ${inputs.AccessKey} may add keys and not change them` : '';
    throw new ActionFailure({
      code: 'NOT_AN_ACCESS_KEY',
      message: `${inputs.OldAccessKey} is not an access key that belongs to a user: it is a user itself, or root${rights}. Give the application an access key of its own first`,
      effect: 'none',
    });
  }
}

/** Undefined when every node agrees; pending while the change spreads. */
async function prove(
  inputs: Inputs,
  cluster: Cluster,
  key: KeyInputs,
  wanted: readonly KeyState[],
  context: ActionContext,
): Promise<Poll<Outputs> | undefined> {
  const states = await eachNode(cluster.nodes, async (node) => ({
    node: node.name,
    state: await keyState(cluster, node, key),
  }));
  const others = states.filter(({ state }) => !wanted.includes(state));
  const spreading = context.kept('spreading', (): { since: number | null } => ({ since: null }));
  if (others.length === 0) {
    spreading.since = null;
    return undefined;
  }
  const since = (spreading.since ??= context.now());
  const seen = others.map(({ node, state }) => `${node} says ${state}`).join(', ');
  const text = `${key.AccessKey} should be ${wanted.join(' or ')} on every node: ${seen}`;
  return context.now() - since < spreadMsMax
    ? pending(askAgainMs, `waiting: ${text}`)
    : failed('KEY_NOT_PROVEN', `after ${spreadMsMax / 1_000} s ${text}`, { retryable: true });
}

const shown = (state: KeyState): string => (state === 'otherSecret' ? 'enabled' : state);

async function finished(inputs: Inputs, before: Before, cluster: Cluster): Promise<Poll<Outputs>> {
  const now = { Old: await stateOn(cluster, oldKey(inputs)), New: await stateOn(cluster, newKey(inputs)) };
  const nodes = cluster.nodes.length;
  return done(
    { Old: shown(now.Old), New: shown(now.New) },
    {
      changes: changesOf(inputs, before, now),
      note: `${inputs.NewAccessKey} works on ${nodes} nodes; ${inputs.OldAccessKey} is ${shown(now.Old)}${now.Old === 'disabled' ? ' and refused on each' : ''}`,
    },
  );
}

function changesOf({ User, OldAccessKey, NewAccessKey }: Inputs, from: Before, to: Before): Change[] {
  const change = (subject: string, was: KeyState, is: KeyState): Change[] =>
    shown(was) === shown(is) ? [] : [{ target: User, subject, from: shown(was), to: shown(is) }];
  return [...change(NewAccessKey, from.New, to.New), ...change(OldAccessKey, from.Old, to.Old)];
}

/** The old key first, so that there is never none that works. */
async function putBack(
  inputs: Inputs,
  before: Before,
  cluster: Cluster,
  context: ActionContext,
): Promise<Poll<{}>> {
  const found = { Old: await stateOn(cluster, oldKey(inputs)), New: await stateOn(cluster, newKey(inputs)) };
  const { signal } = context;
  if (before.Old !== 'absent' && found.Old === 'absent') {
    return failed(
      'OLD_KEY_REMOVED',
      `${inputs.OldAccessKey} was removed for good and cannot come back; ${inputs.NewAccessKey} stays, or ${inputs.User} would have no key that works`,
    );
  }
  if (shown(before.Old) === 'enabled') {
    if (found.Old === 'disabled') {
      await askAny(cluster, (node) => setKeyStatus(node, inputs, inputs.OldAccessKey, 'on', signal));
    }
    const wanted: KeyState[] = inputs.OldSecretKey === undefined ? ['enabled', 'otherSecret'] : ['enabled'];
    const waiting = await prove(inputs, cluster, oldKey(inputs), wanted, context);
    if (waiting !== undefined && waiting.kind !== 'done') return waiting;
  }
  if (before.New === 'absent' && found.New === 'otherSecret') {
    return failed(
      'CHANGED_MEANWHILE',
      `${inputs.NewAccessKey} has another secret than this rotation gives it, so somebody else has made or changed it, and it is left alone`,
      { changes: changesOf(inputs, found, { Old: before.Old, New: found.New }) },
    );
  }
  if (before.New === 'absent' && found.New !== 'absent') {
    await askAny(cluster, (node) => removeKey(node, inputs, inputs.NewAccessKey, signal));
    const waiting = await prove(inputs, cluster, newKey(inputs), ['absent'], context);
    if (waiting !== undefined && waiting.kind !== 'done') return waiting;
  }
  return done({}, { changes: changesOf(inputs, found, before) });
}
