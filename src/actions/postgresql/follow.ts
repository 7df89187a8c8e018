/**
 * postgresql:follow: a server becomes a standby of another primary, or a standby changes its primary. With Rewind, pg_rewind
 * first takes back what it has and the primary has not; that cannot be undone.
 */
import { Type, type Static } from 'typebox';
import { defineAction, done, type ActionContext, type UndoInputs } from '../define-action.ts';
import { detached, fieldsOrFailure, type DetachedHandle } from '../effects/detached.ts';
import { keepKey } from '../scripts/keep-key.ts';
import { followPrimary, unfollowPrimary } from '../scripts/postgresql-switch.ts';
import { strictObject } from '../strict-object.ts';
import { refuseGivenPassword, refusePlainPassword } from './conninfo.ts';

type Outputs = { readonly Slot: string; readonly WasRewound: boolean };

const inputs = strictObject({
  Host: Type.String({ minLength: 1, description: 'The host that is to follow.' }),
  DataDirectory: Type.String({ pattern: '^/[^\\s]+$' }),
  ConnInfo: Type.String({
    maxLength: 2_000,
    description:
      'How it reaches the primary: host=db2 user=replication. Written into postgresql.auto.conf. Empty: as the standby itself says; without a password, unless a secret parameter gives it.',
  }),
  User: Type.Optional(
    Type.String({ pattern: '^[a-z_][a-z0-9_-]*$', default: 'postgres', description: 'Owner of the data.' }),
  ),
  Slot: Type.Optional(
    Type.Union([Type.String({ pattern: '^[a-z0-9_]*$' }), Type.Null()], {
      description:
        'Of the primary, which makes it where it has none of that name. Left out: the one that it uses now; empty or null: none.',
    }),
  ),
  Rewind: Type.Optional(
    Type.Boolean({
      default: false,
      description:
        'pg_rewind first. The server must be stopped, and have checksums or wal_log_hints. What only it had is gone then, so the step cannot be undone.',
    }),
  ),
});
type Inputs = Static<typeof inputs>;

export const follow = defineAction({
  name: 'postgresql:follow',
  summary:
    'Makes a server follow another primary from its next start on, or at once where it is a standby that runs.',
  source: 'https://www.postgresql.org/docs/current/app-pgrewind.html',
  example: `
    - name: Rewind
      action: postgresql:follow
      inputs: { Host: db1, DataDirectory: /var/lib/postgresql/15/main, ConnInfo: host=db2 user=replication, Rewind: true }`,
  inputs,
  outputs: strictObject({
    Slot: Type.String({ description: 'Empty: none.' }),
    WasRewound: Type.Boolean({ description: 'Whether pg_rewind had anything to take back.' }),
  }),
  timeoutSeconds: 6 * 3_600,
  permissions: () => [],
  secretInputs: ['ConnInfo'],
  targets: ({ Host }) => [Host],
  hasHostTargets: true,
  ready: async ({ ConnInfo }) => refusePlainPassword(ConnInfo),
  effect: detached<Inputs, null, Outputs>({
    host: ({ Host }) => Host,
    script: (inputs, _before, context) => {
      refuseGivenPassword(inputs.ConnInfo, context);
      return followPrimary(
        [
          keyOf(context, inputs),
          inputs.User ?? 'postgres',
          inputs.DataDirectory,
          inputs.Rewind === true ? 'yes' : 'no',
          inputs.Slot === undefined ? '=' : (inputs.Slot ?? ''),
        ],
        new TextEncoder().encode(inputs.ConnInfo),
      );
    },
    waitingFor: ({ Host, Rewind }) => (Rewind === true ? `rewinding ${Host}` : `having ${Host} follow`),
    mayStartAnew: true,
    finish: (end, { Host, DataDirectory }) => {
      const said = fieldsOrFailure(end, () => ({}));
      if ('failure' in said) return said.failure;
      const rewound = said.fields.one('rewound');
      const changes = [
        {
          target: Host,
          subject: `${DataDirectory} follows`,
          from: 'what it was',
          to: 'the primary that was named',
        },
      ];
      const note = rewound === undefined ? undefined : rewound === 'yes' ? 'rewound' : 'no rewind was needed';
      return done(
        { Slot: said.fields.one('slot') ?? '', WasRewound: rewound === 'yes' },
        { changes, ...(note === undefined ? {} : { note }) },
      );
    },
  }),
  undo: ({ Rewind }: Inputs) =>
    Rewind === true
      ? {
          kind: 'none',
          reason: 'what pg_rewind took back is gone; the server follows the primary that was named',
          leavesChange: true,
        }
      : { kind: 'restore', effect: leaving },
});

const leaving = detached<UndoInputs<Inputs, null, DetachedHandle, Outputs>, null, Record<string, never>>({
  host: ({ inputs }) => inputs.Host,
  script: ({ inputs }, _before, context) =>
    unfollowPrimary([keyOf(context, inputs), inputs.User ?? 'postgres', inputs.DataDirectory]),
  waitingFor: ({ inputs }) => `having ${inputs.Host} be what it was`,
  mayStartAnew: true,
  finish: (end, { inputs }) => {
    const said = fieldsOrFailure(end, () => ({}));
    if ('failure' in said) return said.failure;
    if (said.fields.one('back') === undefined) return done({});
    return done(
      {},
      {
        changes: [
          {
            target: inputs.Host,
            subject: `${inputs.DataDirectory} follows`,
            from: 'the primary that was named',
            to: 'what it was',
          },
        ],
      },
    );
  },
});

/** The same for every attempt of the step and for its undo, whose path is the step's with /undo. */
const keyOf = ({ executionId, step }: ActionContext, { Host, DataDirectory }: Inputs) =>
  keepKey(executionId, step.replace(/\/undo$/, ''), Host, DataDirectory);
