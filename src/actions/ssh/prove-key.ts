/** ssh:proveKey: a fresh login with one key alone is accepted, or refused. */
import { Type, type Static } from 'typebox';
import { HostFailure } from '../../transports/host.ts';
import { defineAction, done, failed } from '../define-action.ts';
import { parsePublicKey } from '../public-key.ts';
import { strictObject } from '../strict-object.ts';

const timeoutMs = 45_000;

const inputs = strictObject({
  Host: Type.String({ minLength: 1, description: 'A host of the inventory that is reached over ssh.' }),
  PrivateKey: Type.String({
    minLength: 1,
    description:
      'A parameter with `secret: true`: the whole private key, without a passphrase. It goes to an agent over a pipe and never to a file or an argument list; only the last hop is given it.',
  }),
  User: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]*\\$?$',
      description: 'Whom to log in as; left out: the user of the inventory.',
    }),
  ),
  Expect: Type.Optional(
    Type.Union([Type.Literal('accepted'), Type.Literal('refused')], {
      default: 'accepted',
      description:
        'refused: sshd was offered the key and said Permission denied. A host that cannot be asked is neither: UNDETERMINED.',
    }),
  ),
});
type Inputs = Static<typeof inputs>;

export const proveKey = defineAction({
  name: 'ssh:proveKey',
  summary:
    'Logs in to a host afresh with one private key alone, on the way that the inventory says, and checks that the host accepts or refuses it.',
  source: 'https://man.openbsd.org/ssh_config.5#IdentitiesOnly',
  example: `
    - name: ProveNewKey
      action: ssh:proveKey
      inputs: { Host: web1, PrivateKey: '{{ NewPrivateKey }}', Expect: accepted }`,
  inputs,
  outputs: strictObject({
    Accepted: Type.Boolean(),
    PublicKey: Type.String({ description: 'The public half: ssh-ed25519 AAAA….' }),
    Fingerprint: Type.String({ description: 'SHA256:…' }),
  }),
  secretInputs: ['PrivateKey'],
  timeoutSeconds: 120,
  permissions: () => [],
  targets: ({ Host }) => [Host],
  hasHostTargets: true,

  effect: {
    kind: 'read',
    poll: async ({ Host, PrivateKey, User, Expect = 'accepted' }: Inputs, context) => {
      if (!context.isSecret(PrivateKey)) {
        return failed(
          'SECRET_WANTED',
          'PrivateKey is not a secret, so it is in the runbook or the journal as it is. Give it by a parameter with `secret: true` and --secret; take a new key, this one is known now',
        );
      }
      const host = context.host(Host);
      try {
        const key = User === undefined ? { privateKey: PrivateKey } : { privateKey: PrivateKey, user: User };
        const { verdict, publicKey } = await host.proveKey(key, { signal: context.signal, timeoutMs });
        const Fingerprint = parsePublicKey(publicKey)?.fingerprint ?? '';
        const outputs = { Accepted: verdict === 'accepted', PublicKey: publicKey, Fingerprint };
        if (verdict === Expect) return done(outputs, { note: `${verdict}: ${Fingerprint}` });
        return verdict === 'refused'
          ? failed('KEY_REFUSED', `${host.label}: sshd refuses the key ${Fingerprint}`, { outputs })
          : failed('KEY_ACCEPTED', `${host.label}: sshd still accepts the key ${Fingerprint}`, { outputs });
      } catch (error) {
        if (!(error instanceof HostFailure) || !couldNotAsk.has(error.code)) throw error;
        return failed('UNDETERMINED', `whether the key is ${Expect} is not known: ${error.message}`, {
          retryable: error.retryable,
        });
      }
    },
  },
  undo: { kind: 'notNeeded' },
});

/** The host or the way to it said something else than yes or no. What is wrong with the call keeps its own code. */
const couldNotAsk = new Set([
  'UNREACHABLE',
  'NO_REPLY',
  'CONNECTION_LOST',
  'AUTH_REFUSED',
  'HOST_KEY_UNKNOWN',
  'HOST_KEY_CHANGED',
  'TIMED_OUT',
]);
