/** ec2:deleteKeyPair: a key pair that nothing refers to any more goes from EC2; hosts are not touched. */
import { Type, type Static } from 'typebox';
import type { JsonObject } from '../../json.ts';
import { defineAction, done, failed, pending, type UndoInputs } from '../define-action.ts';
import { restoring } from '../aws/restoring.ts';
import { parsePublicKey } from '../public-key.ts';
import { strictObject } from '../strict-object.ts';
import {
  deleteKeyPair as remove,
  importKeyPair,
  instancesNaming,
  isSameKey,
  keyPairNamed,
  templatesNaming,
} from './key-pairs.ts';

/** Null: there is no such key pair. */
type Before = {
  readonly Pair: {
    readonly KeyPairId: string;
    readonly PublicKey: string;
    readonly Tags: { readonly [key: string]: string };
  } | null;
  /** What comes back, as an id never does: the key's fingerprint, and tags of people. Absent in journals of an earlier version. */
  readonly Key?: string | null;
  readonly Tags?: { readonly [key: string]: string } | null;
};
type Outputs = { readonly Deleted: boolean };

const inputs = strictObject({
  KeyName: Type.String({ minLength: 1, maxLength: 255 }),
  AllowInstances: Type.Optional(
    Type.Boolean({
      default: false,
      description:
        'Instances show for ever which key pair they were launched with, whatever authorized_keys holds since. True: that does not keep it. Launch templates always do; launch configurations of Auto Scaling are not looked at.',
    }),
  ),
});
type Inputs = Static<typeof inputs>;

export const deleteKeyPair = defineAction({
  name: 'ec2:deleteKeyPair',
  summary:
    'Deletes a key pair from EC2 when no launch template and no instance names it; undo imports the same public key under the same name.',
  source: 'https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteKeyPair.html',
  example: `
    - name: DeleteOldKeyPair
      action: ec2:deleteKeyPair
      inputs: { KeyName: ops-v1, AllowInstances: true }`,
  inputs,
  outputs: strictObject({ Deleted: Type.Boolean() }),
  timeoutSeconds: 300,
  permissions: ({ AllowInstances }) => [
    'ec2:DescribeKeyPairs',
    'ec2:DescribeLaunchTemplates',
    'ec2:DescribeLaunchTemplateVersions',
    ...(AllowInstances === true ? [] : ['ec2:DescribeInstances']),
    'ec2:DeleteKeyPair',
    'ec2:ImportKeyPair',
    'ec2:CreateTags',
  ],
  targets: ({ KeyName }) => [KeyName],
  hasHostTargets: false,

  putsBack: ['Key', 'Tags'],
  observe: async ({ KeyName }, context): Promise<Before> => {
    const pair = await keyPairNamed(KeyName, context);
    if (pair === undefined) return { Pair: null, Key: null, Tags: null };
    return {
      Pair: { KeyPairId: pair.id, PublicKey: pair.publicKey, Tags: { ...pair.tags } },
      Key: parsePublicKey(pair.publicKey)?.fingerprint ?? pair.fingerprint,
      Tags: tagsOfPeople(pair.tags),
    };
  },

  effect: {
    kind: 'repeatable',
    execute: async ({ KeyName, AllowInstances }: Inputs, { Pair }, context) => {
      if (Pair === null) return done({ Deleted: false }, { changes: [], note: `there is no ${KeyName}` });
      const pair = await keyPairNamed(KeyName, context);
      if (pair?.id === Pair.KeyPairId) {
        const naming = [
          ...(await templatesNaming(KeyName, context)),
          ...(AllowInstances === true ? [] : await instancesNaming(KeyName, context)),
        ];
        if (naming.length > 0) {
          const more = naming.length > 5 ? ` and ${naming.length - 5} more` : '';
          return failed(
            'KEY_PAIR_IN_USE',
            `${KeyName} is named by ${naming.slice(0, 5).join(', ')}${more}; launches with it would fail. Nothing was changed`,
          );
        }
        await remove(Pair.KeyPairId, context);
        if ((await keyPairNamed(KeyName, context))?.id === Pair.KeyPairId) {
          return pending(1_000, `waiting for ${KeyName} to be gone`);
        }
      }
      return done(
        { Deleted: true },
        { changes: [{ target: KeyName, subject: 'key pair', from: Pair.KeyPairId, to: null }] },
      );
    },
  },

  undo: {
    kind: 'restore',
    effect: restoring({
      look: async ({ inputs }: UndoInputs<Inputs, Before, null, Outputs>, context) => ({
        KeyPairId: (await keyPairNamed(inputs.KeyName, context))?.id ?? null,
      }),
      drive: async (found, { inputs: { KeyName }, before: { Pair } }, context) => {
        if (Pair === null || found.KeyPairId === Pair.KeyPairId) return done<JsonObject>({}, { changes: [] });
        const key = parsePublicKey(Pair.PublicKey);
        if (key === undefined) {
          return failed(
            'PUBLIC_KEY_UNKNOWN',
            `EC2 gave no public key of ${KeyName}, so it cannot be imported again`,
          );
        }
        const present = await keyPairNamed(KeyName, context);
        if (present !== undefined && !isSameKey(present, key)) {
          return failed('KEY_NAME_TAKEN', `somebody has made another key pair ${KeyName} since`);
        }
        if (found.KeyPairId !== null) return done({}, { changes: [] });
        const id = present?.id ?? (await importKeyPair(KeyName, key.line, tagsOfPeople(Pair.Tags), context));
        const change = { target: KeyName, subject: 'key pair', from: null, to: id };
        return done({}, { changes: [change], note: `the same public key and name, under the new id ${id}` });
      },
    }),
  },
});

/** Those that AWS itself gives cannot be given again. */
const tagsOfPeople = (tags: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(tags).filter(([name]) => !name.startsWith('aws:')));
