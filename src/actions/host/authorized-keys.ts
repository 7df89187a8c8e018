/** host:authorizedKeys: keys of one user added to or removed from authorized_keys, told apart by their body. */
import { Type, type Static } from 'typebox';
import type { Change } from '../../engine/events.ts';
import { ActionFailure, defineAction, done, type ActionContext, type UndoInputs } from '../define-action.ts';
import { fingerprintOf, looksPrivate, parsePublicKey, type PublicKey } from '../public-key.ts';
import { strictObject } from '../strict-object.ts';
import { refuseKnownOwnKey, refuseOwnKey } from './own-key.ts';
import {
  observeAuthorizedKeys,
  restoreAuthorizedKeys,
  setAuthorizedKeys,
} from '../scripts/authorized-keys.ts';
import { detached, fieldsOrFailure, type DetachedEnd, type DetachedHandle } from '../effects/detached.ts';
import { readFields, type Fields } from '../scripts/fields.ts';
import { keepKey } from '../scripts/keep-key.ts';

type Before = {
  readonly Path: string;
  /** `file SHA256 UID:GID MODE`, or `absent - - -`. */
  readonly File: string;
  /** Those of Keys that are in it; fingerprints. */
  readonly Present: readonly string[];
};
type Outputs = {
  readonly Path: string;
  readonly Changed: boolean;
  readonly Fingerprints: readonly string[];
  readonly KeyCount: number;
};
type UndoOf = UndoInputs<Inputs, Before, DetachedHandle, Outputs>;

const forward = detached<Inputs, Before, Outputs>({
  host: ({ Host }) => Host,
  script: (inputs, { Present }, context) => {
    const keys = keysOf(inputs);
    return setAuthorizedKeys(
      [
        keyOf(context, inputs),
        inputs.User,
        inputs.Root ?? '-',
        inputs.State ?? 'present',
        Present.length === 0 ? '-' : (provenOf(inputs)?.body ?? '-'),
        ...keys.map(({ body }) => body),
      ],
      new TextEncoder().encode(keys.map(({ line }) => `${line}\n`).join('')),
    );
  },
  waitingFor: ({ User }) => `changing the keys of ${User}`,
  mayStartAnew: true,
  finish: (end, inputs, { Path }) => {
    const said = fieldsOrFailure(end, (fields) => ({ changes: changesOf(end, Path, fields) }));
    if ('failure' in said) return said.failure;
    const changes = changesOf(end, Path, said.fields);
    const note = said.fields.all('elsewhere').join('; ');
    const outputs = {
      Path,
      Changed: changes.length > 0,
      Fingerprints: keysOf(inputs).map(({ fingerprint }) => fingerprint),
      KeyCount: Number(said.fields.one('keys') ?? 0),
    };
    return done(outputs, note === '' ? { changes } : { changes, note });
  },
});

const backward = detached<UndoOf, null, { KeyCount: number }>({
  host: ({ inputs }) => inputs.Host,
  script: ({ inputs, before, outputs }, _, context) =>
    restoreAuthorizedKeys([
      keyOf(context, inputs),
      inputs.User,
      inputs.Root ?? '-',
      before.File,
      outputs?.Changed === undefined ? 'unknown' : outputs.Changed ? 'yes' : 'no',
    ]),
  waitingFor: ({ inputs }) => `putting the keys of ${inputs.User} back`,
  mayStartAnew: true,
  finish: (end, { before }) => {
    const said = fieldsOrFailure(end);
    if ('failure' in said) return said.failure;
    const changes = changesOf(end, before.Path, said.fields);
    const outputs = { KeyCount: Number(said.fields.one('keys') ?? 0) };
    if (said.fields.one('touched') === undefined) return done(outputs, { changes });
    const note = `${before.Path} was changed by somebody else since: only this step's own lines went or came back`;
    return done(outputs, { changes, note });
  },
});

const inputs = strictObject({
  Host: Type.String({ minLength: 1, description: 'A host of the inventory or an instance id.' }),
  User: Type.String({
    pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]*\\$?$',
    description: 'Whose file: the first that sshd reads for the user (AuthorizedKeysFile).',
  }),
  Keys: Type.Array(Type.String({ minLength: 1 }), {
    minItems: 1,
    maxItems: 100,
    description:
      'Lines of authorized_keys, with options if wanted. A key that is there already keeps its line and its options.',
  }),
  State: Type.Optional(Type.Union([Type.Literal('present'), Type.Literal('absent')], { default: 'present' })),
  Proven: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        'For absent: another key of the same user that has been proven on this host, as ssh:proveKey gives it: {{ Prove.PublicKey }}. It has to be left in the file. Needed where a key to be removed is the one by which Belay itself has logged in.',
    }),
  ),
  Root: Type.Optional(
    Type.String({
      pattern: '^/.+',
      description:
        'Where the root volume of another system is mounted on the host: its users and its sshd_config count. Left out: the running system.',
    }),
  ),
});
type Inputs = Static<typeof inputs>;

export const authorizedKeys = defineAction({
  name: 'host:authorizedKeys',
  summary:
    "Adds public keys to a user's authorized_keys or removes them, by their body; undo puts exactly the previous file back.",
  source: 'https://man.openbsd.org/sshd.8#AUTHORIZED_KEYS_FILE_FORMAT',
  example: `
    - name: AppendNewKey
      action: host:authorizedKeys
      inputs:
        Host: web1
        User: ops
        Keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f ops-v2']`,
  inputs,
  outputs: strictObject({
    Path: Type.String(),
    Changed: Type.Boolean(),
    Fingerprints: Type.Array(Type.String(), { description: 'Of Keys, in their order: SHA256:….' }),
    KeyCount: Type.Integer({ description: 'How many keys the file holds now.' }),
  }),
  timeoutSeconds: 120,
  permissions: () => [],
  targets: ({ Host }) => [Host],
  hasHostTargets: true,
  check: (inputs, tools) => {
    const lines = Array.isArray(inputs['Keys']) ? inputs['Keys'] : [];
    return lines.flatMap((line, index) => {
      if (typeof line !== 'string' || tools.isExpression(line)) return [];
      const problem = problemOf(line);
      return problem === undefined ? [] : [{ ...problem, path: ['Keys', index] }];
    });
  },

  // Others may have written keys of their own into the file since: these stay.
  putsBack: ['Present'],
  observe: async (inputs, context): Promise<Before> => {
    const keys = keysOf(inputs);
    const host = context.host(inputs.Host);
    const script = observeAuthorizedKeys([inputs.User, inputs.Root ?? '-', ...keys.map(({ body }) => body)]);
    const fields = await readFields(host, script, context);
    return {
      Path: fields.one('path') ?? '',
      File: fields.one('is') ?? '',
      Present: fields.all('has').map(fingerprintOf),
    };
  },

  effect: {
    ...forward,
    begin: async (inputs: Inputs, before, context) => {
      if (inputs.State === 'absent' && inputs.Root === undefined) {
        const host = context.host(inputs.Host);
        await refuseOwnKey(host, inputs.User, before.Present, provenOf(inputs)?.fingerprint, context);
      }
      return forward.begin(inputs, before, context);
    },
  },

  undo: {
    kind: 'restore',
    effect: {
      ...backward,
      begin: async (undo: UndoOf, before, context) => {
        const { inputs } = undo;
        if (inputs.State !== 'absent' && inputs.Root === undefined) {
          const added = keysOf(inputs)
            .map(({ fingerprint }) => fingerprint)
            .filter((each) => !undo.before.Present.includes(each));
          await refuseKnownOwnKey(context.host(inputs.Host), inputs.User, added, context);
        }
        return backward.begin(undo, before, context);
      },
    },
  },
});

/** Throws ActionFailure for a line that holds no key. */
function keysOf({ Keys }: Inputs): readonly PublicKey[] {
  return Keys.map((line) => keyOfLine(line));
}

const provenOf = ({ Proven }: Inputs) => (Proven === undefined ? undefined : keyOfLine(Proven));

function keyOfLine(line: string): PublicKey {
  const problem = problemOf(line);
  if (problem !== undefined) throw new ActionFailure(problem);
  const key = parsePublicKey(line);
  if (key === undefined) throw new TypeError('a line without a problem holds a key');
  return key;
}

/** The line is not repeated where it may be a secret. */
function problemOf(line: string): { code: string; message: string } | undefined {
  if (looksPrivate(line)) {
    return {
      code: 'PRIVATE_KEY',
      message: 'this is a private key; authorized_keys holds the public half. Take the line of its .pub file',
    };
  }
  if (parsePublicKey(line) !== undefined) return undefined;
  return {
    code: 'NOT_A_KEY',
    message:
      'this is not a line of authorized_keys: [options] type AAAA… [comment], on one line, the type as the key itself names it',
  };
}

const keyOf = ({ executionId, step }: ActionContext, inputs: Inputs) => {
  const { Host, User, Root = '-', State = 'present' } = inputs;
  const bodies = keysOf(inputs).map(({ body }) => body);
  return keepKey(executionId, step.replace(/\/undo$/, ''), Host, User, Root, State, ...bodies);
};

function changesOf({ host }: DetachedEnd, path: string, fields: Fields): readonly Change[] {
  const change = (body: string, isAdded: boolean): Change => ({
    target: host.name,
    subject: path,
    from: isAdded ? null : fingerprintOf(body),
    to: isAdded ? fingerprintOf(body) : null,
  });
  return [
    ...fields.all('added').map((body) => change(body, true)),
    ...fields.all('removed').map((body) => change(body, false)),
  ];
}
