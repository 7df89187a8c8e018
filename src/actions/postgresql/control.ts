/** postgresql:control: what the control file and the log of a server say, whether it runs or not. Only reads. */
import { Type, type Static } from 'typebox';
import { defineAction, done, failed, type ActionContext, type Poll } from '../define-action.ts';
import { readFields } from '../scripts/fields.ts';
import { readControl } from '../scripts/postgresql-switch.ts';
import { strictObject } from '../strict-object.ts';

export type Control = {
  readonly State: string;
  readonly IsShutDown: boolean;
  readonly IsRunning: boolean;
  readonly Checkpoint: string | null;
  readonly Timeline: number | null;
  readonly SystemIdentifier: string | null;
  readonly LogSays: readonly string[];
};
const textOrNull = Type.Union([Type.String(), Type.Null()]);

const inputs = strictObject({
  Host: Type.String({ minLength: 1 }),
  DataDirectory: Type.String({ pattern: '^/[^\\s]+$' }),
  MustBeShutDown: Type.Optional(
    Type.Boolean({ default: false, description: 'Fail with NOT_SHUT_DOWN unless it was stopped cleanly.' }),
  ),
});
type Inputs = Static<typeof inputs>;

export const control = defineAction({
  name: 'postgresql:control',
  summary:
    'Reads in the control file of a server whether it was shut down cleanly, and in its log what it complained of.',
  source: 'https://www.postgresql.org/docs/current/app-pgcontroldata.html',
  example: `
    - name: IsShutDown
      action: postgresql:control
      inputs: { Host: db1, DataDirectory: /var/lib/postgresql/15/main, MustBeShutDown: true }`,
  inputs,
  outputs: strictObject({
    State: Type.String({ description: 'As pg_controldata says it: shut down, in production; unreadable.' }),
    IsShutDown: Type.Boolean({ description: 'Stopped cleanly, and not running.' }),
    IsRunning: Type.Boolean(),
    Checkpoint: Type.Union([Type.String(), Type.Null()], {
      description: 'Where the last one lies in the WAL.',
    }),
    Timeline: Type.Union([Type.Integer(), Type.Null()]),
    SystemIdentifier: textOrNull,
    LogSays: Type.Array(Type.String(), { description: 'Its last complaints since it was started last.' }),
  }),
  timeoutSeconds: 120,
  permissions: () => [],
  targets: ({ Host }) => [Host],
  hasHostTargets: true,
  effect: {
    kind: 'read',
    poll: async ({ Host, DataDirectory, MustBeShutDown }: Inputs, context): Promise<Poll<Control>> => {
      const outputs = await readControlOf(Host, DataDirectory, context);
      if (MustBeShutDown === true && !outputs.IsShutDown)
        return failed(
          'NOT_SHUT_DOWN',
          `${context.host(Host).label}: the server in ${DataDirectory} ${outputs.IsRunning ? 'runs' : `was not shut down cleanly: its control file says ${outputs.State}`}${logText(outputs)}`,
          { outputs },
        );
      return done(outputs, { note: `${outputs.State}${logText(outputs)}` });
    },
  },
  undo: { kind: 'notNeeded' },
});

const logText = ({ LogSays }: Control) =>
  LogSays.length === 0 ? '' : `; its log says: ${LogSays.join(' | ')}`;

/** Throws what the host says no with, and HostFailure. */
export async function readControlOf(
  name: string,
  directory: string,
  context: Pick<ActionContext, 'host' | 'signal'>,
): Promise<Control> {
  const fields = await readFields(context.host(name), readControl([directory]), context, 60_000);
  const State = (fields.one('state') ?? 'unreadable').slice(0, 100);
  const IsRunning = fields.one('running') !== undefined;
  const timeline = fields.one('timeline') ?? '';
  return {
    State,
    IsRunning,
    IsShutDown: !IsRunning && /^shut down( in recovery)?$/.test(State),
    Checkpoint: /^[0-9A-F]+\/[0-9A-F]+$/.exec(fields.one('checkpoint') ?? '')?.[0] ?? null,
    Timeline: /^\d{1,9}$/.test(timeline) ? Number(timeline) : null,
    SystemIdentifier: /^\d{1,20}$/.exec(fields.one('systemIdentifier') ?? '')?.[0] ?? null,
    LogSays: fields
      .all('said')
      .slice(-4)
      .map((text) => text.slice(0, 300)),
  };
}
