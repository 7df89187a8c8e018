/** postgresql:canFollow: whether servers could follow a standby if it became the primary, before anything is stopped for it. */
import { Type, type Static } from 'typebox';
import { HostFailure } from '../../transports/host.ts';
import {
  ActionFailure,
  defineAction,
  done,
  failed,
  type ActionContext,
  type Poll,
} from '../define-action.ts';
import { readFields } from '../scripts/fields.ts';
import { findPostgresql } from '../scripts/postgresql-server.ts';
import { canFollow as canFollowScript } from '../scripts/postgresql-switch.ts';
import { strictObject } from '../strict-object.ts';
import { refuseGivenPassword, refusePlainPassword } from './conninfo.ts';
import { readServer } from './server-facts.ts';

type Outputs = { readonly Hosts: readonly string[]; readonly Slot: string };

const inputs = strictObject({
  Followers: Type.Array(Type.String({ minLength: 1 }), {
    minItems: 1,
    maxItems: 100,
    description: 'Names, ranges, group:NAME or tag:KEY=VALUE. The NewPrimary among them is left out.',
  }),
  NewPrimary: Type.String({ minLength: 1 }),
  ConnInfo: Type.String({
    maxLength: 2_000,
    description: 'How the others will reach it: host=db2 user=replication.',
  }),
  Unit: Type.Optional(Type.String({ pattern: '^(|[A-Za-z0-9:_.\\\\@-]+)$' })),
  User: Type.Optional(Type.String({ pattern: '^[a-z_][a-z0-9_-]*$', default: 'postgres' })),
});
type Inputs = Static<typeof inputs>;

export const canFollow = defineAction({
  name: 'postgresql:canFollow',
  summary:
    'Asks each server whether it reaches the one that is to be the primary as a standby, and could be rewound.',
  source: 'https://www.postgresql.org/docs/current/app-pgrewind.html',
  example: `
    - name: CanFollow
      action: postgresql:canFollow
      inputs: { Followers: [db1, db3], NewPrimary: db2, ConnInfo: host=db2 user=replication }`,
  inputs,
  outputs: strictObject({
    Hosts: Type.Array(Type.String(), { description: 'Those that could follow.' }),
    Slot: Type.String({ description: 'What the NewPrimary uses now of the primary; empty: none.' }),
  }),
  timeoutSeconds: 600,
  permissions: () => [],
  secretInputs: ['ConnInfo'],
  targets: ({ Followers, NewPrimary }) => [...Followers, NewPrimary],
  hasHostTargets: false,
  ready: async ({ ConnInfo }) => refusePlainPassword(ConnInfo),
  effect: {
    kind: 'read',
    poll: async (inputs: Inputs, context): Promise<Poll<Outputs>> => {
      refuseGivenPassword(inputs.ConnInfo, context);
      if (inputs.ConnInfo.trim() === '')
        return failed(
          'NO_CONNINFO',
          `how ${inputs.NewPrimary} is reached is not said: give ConnInfo, as host=${inputs.NewPrimary} user=replication. Nothing was changed`,
        );
      const next = await serverAt(inputs.NewPrimary, inputs, context);
      const wrong: string[] = [];
      const names = context.targets(inputs.Followers).filter((name) => name !== inputs.NewPrimary);
      for (const name of names) {
        const against = await objectionAt(name, inputs, next.SystemIdentifier, context);
        if (against !== undefined) wrong.push(`${name}: ${against}`);
      }
      const outputs: Outputs = { Hosts: names, Slot: next.SlotName ?? '' };
      if (wrong.length > 0)
        return failed('CANNOT_FOLLOW', `${wrong.join('; ')}. Nothing was changed`, { outputs });
      return done(outputs, { note: `${names.join(', ')} could follow ${inputs.NewPrimary}` });
    },
  },
  undo: { kind: 'notNeeded' },
});

async function serverAt(name: string, { Unit, User }: Inputs, context: ActionContext) {
  const host = context.host(name);
  const script = findPostgresql([
    User ?? 'postgres',
    Unit === undefined || Unit === '' ? '-' : Unit,
    '-',
    '-',
    'postgres',
  ]);
  return readServer(await readFields(host, script, context, 120_000), host.label);
}

async function objectionAt(
  name: string,
  inputs: Inputs,
  identifier: string | null,
  context: ActionContext,
): Promise<string | undefined> {
  try {
    const server = await serverAt(name, inputs, context);
    const script = canFollowScript(
      [inputs.User ?? 'postgres', server.DataDirectory],
      new TextEncoder().encode(inputs.ConnInfo),
    );
    const fields = await readFields(context.host(name), script, context, 60_000);
    if (fields.one('identity') !== identifier)
      return `who answers under ConnInfo is the cluster ${fields.one('identity') ?? 'unknown'}, and ${inputs.NewPrimary} is of ${identifier ?? 'an unknown one'}`;
    if (server.IsStandby) return undefined;
    if (fields.one('unrewindable') !== undefined) return 'pg_rewind is not installed';
    if (fields.one('unhinted') !== undefined)
      return 'it has neither data checksums nor wal_log_hints, so pg_rewind could not make it a standby';
    const unasked = fields.one('unasked');
    return unasked === undefined ? undefined : `pg_rewind could not ask the new primary: ${unasked}`;
  } catch (error) {
    if (error instanceof HostFailure || (error instanceof ActionFailure && error.code !== 'NOT_ROOT'))
      return error.message;
    throw error;
  }
}
