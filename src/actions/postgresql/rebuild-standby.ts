/** postgresql:rebuildStandby: a new base backup of the primary takes the place of a standby's data, which is kept beside it. */
import { Type, type Static } from 'typebox';
import { defineAction, done, failed, type ActionContext, type UndoInputs } from '../define-action.ts';
import { detached, type DetachedEnd, type DetachedHandle } from '../effects/detached.ts';
import { lastLines, parseFields, refusal } from '../scripts/fields.ts';
import { keepKey } from '../scripts/keep-key.ts';
import { copyBackStandby, copyStandby } from '../scripts/postgresql-rebuild.ts';
import { strictObject } from '../strict-object.ts';
import { refuseGivenPassword, refusePlainPassword } from './conninfo.ts';

type Outputs = { readonly Kept: string | null; readonly SystemIdentifier: string | null };

const inputs = strictObject({
  Host: Type.String({ minLength: 1, description: 'The host of the standby. Its server must be stopped.' }),
  DataDirectory: Type.String({
    pattern: '^/[^\\s]+/[^\\s/]+$',
    description: 'A folder, not a mount point itself.',
  }),
  User: Type.Optional(
    Type.String({ pattern: '^[a-z_][a-z0-9_-]*$', default: 'postgres', description: 'Owner of the data.' }),
  ),
  ConnInfo: Type.Optional(
    Type.String({
      maxLength: 2_000,
      description:
        'How the primary is reached: host=db1 user=replication. Left out or empty: as the standby itself says.',
    }),
  ),
});
type Inputs = Static<typeof inputs>;

export const rebuildStandby = defineAction({
  name: 'postgresql:rebuildStandby',
  summary:
    'Makes a stopped standby anew by a base backup of its primary, and keeps the data that it had beside it.',
  source: 'https://www.postgresql.org/docs/current/app-pgbasebackup.html',
  example: `
    - name: Rebuild
      action: postgresql:rebuildStandby
      inputs: { Host: db2, DataDirectory: /var/lib/postgresql/15/main }`,
  inputs,
  outputs: strictObject({
    Kept: Type.Union([Type.String(), Type.Null()], {
      description: 'Where the data is that was there before; nobody but a person deletes it.',
    }),
    SystemIdentifier: Type.Union([Type.String(), Type.Null()]),
  }),
  timeoutSeconds: 24 * 3_600,
  permissions: () => [],
  secretInputs: ['ConnInfo'],
  targets: ({ Host }) => [Host],
  hasHostTargets: true,
  ready: async ({ ConnInfo }) => refusePlainPassword(ConnInfo),
  effect: detached<Inputs, null, Outputs>({
    host: ({ Host }) => Host,
    script: (inputs, _before, context) => {
      refuseGivenPassword(inputs.ConnInfo, context);
      return copyStandby(
        [keyOf(context, inputs), inputs.User ?? 'postgres', inputs.DataDirectory],
        new TextEncoder().encode(inputs.ConnInfo ?? ''),
      );
    },
    waitingFor: ({ Host }) => `copying the primary to ${Host}`,
    mayStartAnew: true,
    finish: (end, inputs) => finished(end, inputs),
  }),
  undo: {
    kind: 'restore',
    effect: detached<UndoInputs<Inputs, null, DetachedHandle, Outputs>, null, Record<string, never>>({
      host: ({ inputs }) => inputs.Host,
      script: ({ inputs }, _before, context) =>
        copyBackStandby([keyOf(context, inputs), inputs.DataDirectory]),
      waitingFor: ({ inputs }) => `putting ${inputs.DataDirectory} back`,
      mayStartAnew: true,
      finish: (end, { inputs }) => {
        const fields = parseFields(end.stdout);
        const said = refusal(fields);
        if (said) return failed(said.code, `${end.host.label}: ${said.text}`);
        if (end.exitCode !== 0)
          return failed('UNDO_FAILED', `${end.host.label}: ${lastLines(end.stderrTail)}`);
        const back = fields.one('back');
        if (back === undefined) return done({});
        return done(
          {},
          {
            changes: [
              {
                target: inputs.Host,
                subject: back,
                from: 'a copy of the primary',
                to: 'what was there before',
              },
            ],
          },
        );
      },
    }),
  },
});

/** The same for every attempt of the step and for its undo, whose path is the step's with /undo. */
const keyOf = ({ executionId, step }: ActionContext, { Host, DataDirectory }: Inputs) =>
  keepKey(executionId, step.replace(/\/undo$/, ''), Host, DataDirectory);

function finished(end: DetachedEnd, { Host, DataDirectory }: Inputs) {
  const fields = parseFields(end.stdout);
  const said = refusal(fields);
  if (said) return failed(said.code, `${end.host.label}: ${said.text}`);
  if (end.exitCode !== 0) return failed('COPY_FAILED', `${end.host.label}: ${lastLines(end.stderrTail)}`);
  const Kept = fields.one('kept') ?? null;
  return done(
    { Kept, SystemIdentifier: fields.one('copied') ?? null },
    {
      changes: [
        {
          target: Host,
          subject: DataDirectory,
          from: `the data that is now ${Kept ?? 'kept'}`,
          to: 'a copy of the primary',
        },
      ],
    },
  );
}
