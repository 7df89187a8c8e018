/** ec2:rotateKeyPair: a public key becomes the next version of a key pair; the versions before it stay. */
import { Type, type Static } from 'typebox';
import type { JsonObject } from '../../json.ts';
import { AwsFailure } from '../../transports/aws.ts';
import {
  ActionFailure,
  defineAction,
  done,
  failed,
  pending,
  tokenTagKey,
  type ActionContext,
  type BegunEffect,
  type UndoInputs,
} from '../define-action.ts';
import { restoring } from '../aws/restoring.ts';
import { parsePublicKey, type PublicKey } from '../public-key.ts';
import { strictObject } from '../strict-object.ts';
import {
  deleteKeyPair,
  importKeyPair,
  isSameKey,
  keyPairNamed,
  listKeyPairs,
  settleMs,
} from './key-pairs.ts';

type Before = {
  /** The newest version there is; null: none. */
  readonly Previous: string | null;
  /** The name that the new version gets. */
  readonly Next: string;
  /** A version that holds this public key already. */
  readonly Same: string | null;
};
/** `BegunAt`: when this runner first knew of it, in ms since 1970. */
type Handle = { readonly KeyName: string; readonly IsNew: boolean; readonly BegunAt: number };
type Outputs = {
  readonly KeyName: string;
  readonly KeyPairId: string;
  readonly PreviousKeyName: string | null;
};
type UndoOf = UndoInputs<Inputs, Before, Handle, Outputs>;

const importing: BegunEffect<Inputs, Before, Handle, Outputs> = {
  kind: 'begun',
  settleMs,
  begin: async (inputs, before, context) => {
    const key = keyOf(inputs);
    if (before.Same !== null) return { KeyName: before.Same, IsNew: false, BegunAt: context.now() };
    const { executionId, step, token } = context;
    const tags = {
      ...inputs.Tags,
      [tokenTagKey]: token,
      'belay:execution': executionId,
      'belay:step': step,
    };
    try {
      await importKeyPair(before.Next, key.line, tags, context);
    } catch (error) {
      if (!(error instanceof AwsFailure) || error.code !== 'InvalidKeyPair.Duplicate') throw error;
      const found = await keyPairNamed(before.Next, context);
      if (found === undefined || !isOurs(found, key, token)) throw nameTaken(before.Next);
    }
    return { KeyName: before.Next, IsNew: true, BegunAt: context.now() };
  },
  /** ImportKeyPair takes no client token: the name, the tag and the key itself tell. */
  adopt: async (inputs, before, context) => {
    const found = await keyPairNamed(before.Next, context);
    if (before.Same !== null || found === undefined) return { kind: 'absent' };
    if (!isOurs(found, keyOf(inputs), context.token)) {
      const { code, message } = nameTaken(before.Next);
      return failed(code, message);
    }
    return { kind: 'running', handle: { KeyName: found.name, IsNew: true, BegunAt: context.now() } };
  },
  poll: async ({ KeyName, IsNew, BegunAt }, inputs, { Previous }, context) => {
    const found = await keyPairNamed(KeyName, context);
    if (found === undefined) {
      if (context.now() - BegunAt < settleMs) return pending(1_000, `${KeyName} is not listed yet`);
      return failed('KEY_PAIR_GONE', `the key pair ${KeyName} was imported and does not exist any more`);
    }
    if (!isSameKey(found, keyOf(inputs))) {
      return failed('KEY_PAIR_DIFFERS', `the key pair ${KeyName} holds another key: ${found.fingerprint}`);
    }
    const outputs = { KeyName, KeyPairId: found.id, PreviousKeyName: Previous === KeyName ? null : Previous };
    if (!IsNew) return done(outputs, { changes: [], note: `${KeyName} holds this key already` });
    return done(outputs, {
      changes: [{ target: inputs.Name, subject: 'key pair', from: Previous, to: KeyName }],
    });
  },
};

const inputs = strictObject({
  Name: Type.String({
    pattern: '^[A-Za-z0-9][A-Za-z0-9 ._@+=/-]{0,200}$',
    description: 'Without the version: the key pairs are called NAME-v1, NAME-v2 ….',
  }),
  PublicKey: Type.String({
    minLength: 1,
    description: 'One line, ssh-ed25519 or ssh-rsa; Windows instances take ssh-rsa only.',
  }),
  Tags: Type.Optional(Type.Record(Type.String({ pattern: '^(?!aws:|belay:).{1,128}$' }), Type.String())),
});
type Inputs = Static<typeof inputs>;

export const rotateKeyPair = defineAction({
  name: 'ec2:rotateKeyPair',
  summary:
    'Imports a public key as the next version of a key pair, NAME-v2 after NAME-v1; hosts are not touched and older versions stay.',
  source: 'https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ImportKeyPair.html',
  example: `
    - name: ImportKeyPair
      action: ec2:rotateKeyPair
      inputs:
        Name: ops
        PublicKey: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f ops-v2`,
  inputs,
  outputs: strictObject({
    KeyName: Type.String(),
    KeyPairId: Type.String(),
    PreviousKeyName: Type.Union([Type.String(), Type.Null()], {
      description: 'The version before it; null: there was none.',
    }),
  }),
  timeoutSeconds: 300,
  permissions: () => ['ec2:DescribeKeyPairs', 'ec2:ImportKeyPair', 'ec2:CreateTags', 'ec2:DeleteKeyPair'],
  targets: ({ Name }) => [Name],
  hasHostTargets: false,

  putsBack: ['Previous', 'Same'],
  observe: async (inputs, context): Promise<Before> => {
    const key = keyOf(inputs);
    const versions = (await listKeyPairs(`${inputs.Name}-v*`, context))
      .flatMap((pair) => {
        const version = versionOf(pair.name, inputs.Name);
        return version === undefined ? [] : [{ pair, version }];
      })
      .toSorted((a, b) => a.version - b.version);
    const newest = versions.at(-1);
    return {
      Previous: newest?.pair.name ?? (await keyPairNamed(inputs.Name, context))?.name ?? null,
      Next: `${inputs.Name}-v${(newest?.version ?? 0) + 1}`,
      Same: versions.findLast(({ pair }) => isSameKey(pair, key))?.pair.name ?? null,
    };
  },

  effect: importing,

  undo: {
    kind: 'restore',
    effect: restoring({
      look: async ({ inputs, before, token }: UndoOf, context) => {
        const found = before.Same === null ? await keyPairNamed(before.Next, context) : undefined;
        return found !== undefined && isOurs(found, keyOf(inputs), token)
          ? { KeyName: found.name, KeyPairId: found.id }
          : { KeyName: null, KeyPairId: null };
      },
      drive: async ({ KeyName, KeyPairId }, { inputs, before }, context) => {
        if (KeyName === null || KeyPairId === null) return done<JsonObject>({});
        await deleteKeyPair(KeyPairId, context);
        if ((await keyPairNamed(KeyName, context))?.id === KeyPairId) {
          return pending(1_000, `waiting for ${KeyName} to be gone`);
        }
        const change = { target: inputs.Name, subject: 'key pair', from: KeyName, to: before.Previous };
        return done({}, { changes: [change] });
      },
    }),
  },
});

function versionOf(keyName: string, name: string): number | undefined {
  const rest = keyName.startsWith(`${name}-v`) ? keyName.slice(name.length + 2) : '';
  return /^[1-9]\d{0,8}$/.test(rest) ? Number(rest) : undefined;
}

function keyOf({ PublicKey: line }: Inputs): PublicKey {
  const key = parsePublicKey(line);
  if (key !== undefined && ['ssh-ed25519', 'ssh-rsa'].includes(key.type)) {
    return { ...key, line: line.trim() };
  }
  throw new ActionFailure({
    code: 'NOT_A_KEY',
    message: `EC2 imports public keys of the types ssh-ed25519 and ssh-rsa, on one line${key === undefined ? '' : `; this is ${key.type}`}. Nothing was changed`,
  });
}

const isOurs = (
  pair: Parameters<typeof isSameKey>[0],
  key: PublicKey,
  token: ActionContext['token'],
): boolean => pair.tags[tokenTagKey] === token && isSameKey(pair, key);

function nameTaken(name: string): ActionFailure {
  return new ActionFailure({
    code: 'KEY_NAME_TAKEN',
    message: `somebody else has made a key pair ${name} meanwhile; nothing was changed. Run it again for the next version`,
  });
}
