/**
 * postgresql:promote: a standby becomes the primary at the very place in the WAL where the former one was shut down. Nothing that
 * was acknowledged is missing then. It cannot be taken back: what clients write from now on is on the new timeline only.
 */
import { Type, type Static } from 'typebox';
import {
  ActionFailure,
  defineAction,
  done,
  failed,
  type ActionContext,
  type UndoInputs,
} from '../define-action.ts';
import { detached, fieldsOrFailure, type DetachedHandle } from '../effects/detached.ts';
import { readFields } from '../scripts/fields.ts';
import { findPostgresql } from '../scripts/postgresql-server.ts';
import { isPromoted, promoteStandby } from '../scripts/postgresql-switch.ts';
import { strictObject } from '../strict-object.ts';
import { readControlOf } from './control.ts';
import { readServer, type Server } from './server-facts.ts';

type Outputs = { readonly Timeline: number; readonly StoppedAt: string | null };
/** How the standby is asked later, and where its former primary stopped. */
type Before = {
  readonly port: number;
  readonly socket: string;
  readonly directory: string;
  readonly stoppedAt: string | null;
};

const inputs = strictObject({
  Host: Type.String({ minLength: 1, description: 'The host of the standby.' }),
  Unit: Type.Optional(Type.String({ pattern: '^(|[A-Za-z0-9:_.\\\\@-]+)$' })),
  Port: Type.Optional(Type.Integer({ minimum: 0, maximum: 65_535 })),
  User: Type.Optional(Type.String({ pattern: '^[a-z_][a-z0-9_-]*$', default: 'postgres' })),
  Former: Type.String({
    minLength: 1,
    description: 'The host of the primary so far. Its server must have been shut down cleanly.',
  }),
  FormerDirectory: Type.String({ pattern: '^/[^\\s]+$', description: 'Its data directory.' }),
  WaitSeconds: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 3_600,
      default: 60,
      description: 'How long the standby may take to replay the rest. Until then nothing is changed.',
    }),
  ),
});
type Inputs = Static<typeof inputs>;

export const promote = defineAction({
  name: 'postgresql:promote',
  summary:
    'Makes a standby the primary once it has replayed all that its former primary, which was shut down cleanly, has written.',
  source: 'https://www.postgresql.org/docs/current/warm-standby-failover.html',
  example: `
    - name: Promote
      action: postgresql:promote
      inputs: { Host: db2, Former: db1, FormerDirectory: /var/lib/postgresql/15/main }`,
  inputs,
  outputs: strictObject({
    Timeline: Type.Integer({ description: 'The new one.' }),
    StoppedAt: Type.Union([Type.String(), Type.Null()], {
      description: 'Where the former primary wrote its last checkpoint.',
    }),
  }),
  timeoutSeconds: 4_000,
  permissions: () => [],
  targets: ({ Host, Former }) => [Host, Former],
  hasHostTargets: true,
  before: ['port', 'socket', 'directory', 'stoppedAt'],
  observe: async (inputs, context): Promise<Before> => {
    const server = await serverOf(inputs, context);
    const former = await readControlOf(inputs.Former, inputs.FormerDirectory, context);
    return {
      port: server.Port,
      socket: server.SocketDirectory,
      directory: server.DataDirectory,
      stoppedAt: former.Checkpoint,
    };
  },
  effect: detached<Inputs, Before, Outputs>({
    host: ({ Host }) => Host,
    script: async (inputs, { port, socket, directory }, context) => {
      const former = await readControlOf(inputs.Former, inputs.FormerDirectory, context);
      if (!former.IsShutDown || former.Checkpoint === null || former.Timeline === null)
        throw new ActionFailure({
          code: 'NOT_SHUT_DOWN',
          message: `${inputs.Former}: the server in ${inputs.FormerDirectory} ${former.IsRunning ? 'runs' : `was not shut down cleanly: its control file says ${former.State}`}. With two primaries data would part; nothing was changed`,
        });
      return promoteStandby([
        inputs.User ?? 'postgres',
        String(port),
        socket,
        directory,
        former.Checkpoint,
        String(former.Timeline),
        former.SystemIdentifier ?? '',
        String(inputs.WaitSeconds ?? 60),
      ]);
    },
    waitingFor: ({ Host }) => `promoting ${Host}`,
    mayStartAnew: true,
    finish: (end, { Host }, before) => {
      const said = fieldsOrFailure(end, () => ({}));
      if ('failure' in said) return said.failure;
      const Timeline = Number(said.fields.one('timeline') ?? 0);
      return done(
        { Timeline, StoppedAt: before.stoppedAt },
        {
          changes: [
            { target: Host, subject: 'role', from: 'standby', to: `primary of timeline ${Timeline}` },
          ],
        },
      );
    },
  }),
  undo: {
    kind: 'restore',
    effect: detached<UndoInputs<Inputs, Before, DetachedHandle, Outputs>, null, Record<string, never>>({
      host: ({ inputs }) => inputs.Host,
      script: ({ inputs, before }) =>
        isPromoted([inputs.User ?? 'postgres', String(before.port), before.socket, before.directory]),
      waitingFor: ({ inputs }) => `looking whether ${inputs.Host} was promoted`,
      mayStartAnew: true,
      finish: (end, { inputs }) => {
        const said = fieldsOrFailure(end, () => ({}));
        if ('failure' in said) return said.failure;
        if (said.fields.one('recovery') === 't') return done({});
        return failed(
          'POINT_OF_NO_RETURN',
          `${inputs.Host} is the primary since it was promoted, and clients may have written to it: ${inputs.Former} must not be a primary any more. Going back is a switchover of its own, from ${inputs.Host} to ${inputs.Former}`,
        );
      },
    }),
  },
});

async function serverOf({ Host, Unit, Port, User }: Inputs, context: ActionContext): Promise<Server> {
  const host = context.host(Host);
  const script = findPostgresql([
    User ?? 'postgres',
    Unit === undefined || Unit === '' ? '-' : Unit,
    Port === undefined || Port === 0 ? '-' : String(Port),
    '-',
    'postgres',
  ]);
  return readServer(await readFields(host, script, context, 120_000), host.label);
}
