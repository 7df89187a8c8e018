/**
 * postgresql:replication: whether named standbys follow a primary closely. Every server is asked itself, the primary first, so
 * that a standby that has replayed what the primary had written by then is no more behind than it says.
 */
import { Type, type Static } from 'typebox';
import type { Host } from '../../transports/host.ts';
import { HostFailure } from '../../transports/host.ts';
import {
  ActionFailure,
  defineAction,
  done,
  failed,
  pending,
  type ActionContext,
  type Poll,
} from '../define-action.ts';
import { isStillPatient } from '../effects/patience.ts';
import { readFields } from '../scripts/fields.ts';
import { findPostgresql } from '../scripts/postgresql-server.ts';
import { strictObject } from '../strict-object.ts';
import { bytesBehind } from './lsn.ts';
import { readServer, type Server } from './server-facts.ts';

type Standing = {
  readonly Host: string;
  readonly ServerVersion: string;
  readonly Lsn: string | null;
  readonly LagBytes: number | null;
  readonly State: string;
};
type Outputs = {
  readonly Primary: string;
  readonly Lsn: string | null;
  readonly Standbys: readonly Standing[];
};

const askAgainMs = 1_000;

const inputs = strictObject({
  Host: Type.String({ minLength: 1, description: 'The host of the primary.' }),
  Standbys: Type.Array(Type.String({ minLength: 1 }), {
    minItems: 1,
    maxItems: 100,
    description:
      'Their hosts: names, ranges, group:NAME or tag:KEY=VALUE. The primary among them is left out.',
  }),
  Unit: Type.Optional(
    Type.String({
      pattern: '^(|[A-Za-z0-9:_.\\\\@-]+)$',
      description: 'Of the server, on every host; empty: the one that runs.',
    }),
  ),
  StandbyUnit: Type.Optional(
    Type.String({
      pattern: '^(|[A-Za-z0-9:_.\\\\@-]+)$',
      description: 'Of the server on the standbys, where it is called otherwise there. Left out: the Unit.',
    }),
  ),
  Port: Type.Optional(Type.Integer({ minimum: 0, maximum: 65_535 })),
  User: Type.Optional(Type.String({ pattern: '^[a-z_][a-z0-9_-]*$', default: 'postgres' })),
  MaxLagBytes: Type.Optional(
    Type.Integer({
      minimum: 0,
      default: 16_777_216,
      description: 'Of WAL that the primary has written and a standby has not replayed.',
    }),
  ),
  WaitSeconds: Type.Optional(Type.Number({ minimum: 0, maximum: 3_600, default: 0 })),
});
type Inputs = Static<typeof inputs>;

export const replication = defineAction({
  name: 'postgresql:replication',
  summary:
    'Asks a primary and its standbys whether each of them streams from it and is no further behind than allowed.',
  source: 'https://www.postgresql.org/docs/current/warm-standby.html#STREAMING-REPLICATION',
  example: `
    - name: IsReplicating
      action: postgresql:replication
      inputs: { Host: db1, Standbys: [db2, db3], MaxLagBytes: 1048576, WaitSeconds: 120 }`,
  inputs,
  outputs: strictObject({
    Primary: Type.String(),
    Lsn: Type.Union([Type.String(), Type.Null()]),
    Standbys: Type.Array(
      strictObject({
        Host: Type.String(),
        ServerVersion: Type.String(),
        Lsn: Type.Union([Type.String(), Type.Null()]),
        LagBytes: Type.Union([Type.Number(), Type.Null()]),
        State: Type.String(),
      }),
    ),
  }),
  timeoutSeconds: 3_900,
  permissions: () => [],
  targets: ({ Host, Standbys }) => [Host, ...Standbys],
  hasHostTargets: false,

  effect: {
    kind: 'read',
    poll: async (inputs: Inputs, context): Promise<Poll<Outputs>> => {
      const { Host, Standbys, MaxLagBytes = 16_777_216, WaitSeconds = 0 } = inputs;
      const patient = isStillPatient(context, WaitSeconds);
      const primary = await ask(context.host(Host), inputs, context);
      const names = context.targets(Standbys).filter((name) => name !== Host);
      if (names.length === 0)
        throw new ActionFailure({
          code: 'INVALID_INPUT',
          message: `${Standbys.join(', ')} names no host but the primary ${Host}`,
        });
      const standings: Standing[] = [];
      const wrong: string[] = [];
      if ('trouble' in primary) wrong.push(primary.trouble);
      else if (primary.server.IsStandby) wrong.push(`${Host} is a standby, wanted the primary`);
      for (const name of names) {
        const there = { ...inputs, Unit: inputs.StandbyUnit ?? inputs.Unit ?? '' };
        const standby = await ask(context.host(name), there, context);
        if ('trouble' in standby) {
          wrong.push(standby.trouble);
          standings.push({
            Host: name,
            ServerVersion: '',
            Lsn: null,
            LagBytes: null,
            State: 'not answering',
          });
          continue;
        }
        const { server } = standby;
        const LagBytes = 'trouble' in primary ? null : bytesBehind(primary.server.Lsn, server.Lsn);
        const against =
          'trouble' in primary ? undefined : objection(name, server, primary.server, LagBytes, MaxLagBytes);
        if (against !== undefined) wrong.push(against);
        standings.push({
          Host: name,
          ServerVersion: server.ServerVersion,
          Lsn: server.Lsn,
          LagBytes,
          State: server.IsStandby ? (server.Receiver ?? 'not streaming') : 'primary',
        });
      }
      const outputs: Outputs = {
        Primary: Host,
        Lsn: 'trouble' in primary ? null : primary.server.Lsn,
        Standbys: standings,
      };
      if (wrong.length === 0) {
        const said = standings.map(
          (each) => `${each.Host} ${each.ServerVersion}, ${each.LagBytes ?? '?'} bytes behind`,
        );
        return done(outputs, { note: said.join('; ') });
      }
      if (patient) return pending(askAgainMs, `waiting: ${wrong.join('; ')}`);
      return failed('NOT_REPLICATING', wrong.join('; '), { outputs });
    },
  },
  undo: { kind: 'notNeeded' },
});

async function ask(
  host: Host,
  { User, Unit, Port }: Inputs,
  context: ActionContext,
): Promise<{ readonly server: Server } | { readonly trouble: string }> {
  const script = findPostgresql([
    User ?? 'postgres',
    Unit === undefined || Unit === '' ? '-' : Unit,
    Port === undefined || Port === 0 ? '-' : String(Port),
    '-',
    'postgres',
  ]);
  try {
    return { server: readServer(await readFields(host, script, context, 120_000), host.label) };
  } catch (error) {
    const isAnswer =
      error instanceof HostFailure || (error instanceof ActionFailure && error.code !== 'NOT_ROOT');
    if (!isAnswer) throw error;
    return { trouble: error.message };
  }
}

function objection(
  name: string,
  standby: Server,
  primary: Server,
  lag: number | null,
  lagMax: number,
): string | undefined {
  if (!standby.IsStandby) return `${name} is not a standby: it is a primary of its own`;
  if (standby.SystemIdentifier !== primary.SystemIdentifier)
    return `${name} belongs to another cluster: system identifier ${standby.SystemIdentifier ?? 'unknown'}, not ${primary.SystemIdentifier ?? 'unknown'}`;
  if (standby.Receiver !== null && standby.Receiver !== 'streaming')
    return `${name} does not stream: its receiver is ${standby.Receiver}`;
  if (standby.Receiver === null && standby.VersionNumber >= 90_600)
    return `${name} does not stream: it has no WAL receiver`;
  if (lag === null) return `${name} has replayed nothing yet`;
  return lag > lagMax ? `${name} is ${lag} bytes behind, allowed are ${lagMax}` : undefined;
}
