/** postgresql:check: what a PostgreSQL server itself says: that it answers, its version, its role, its data. */
import { Type, type Static } from 'typebox';
import type { Json } from '../../json.ts';
import { HostFailure } from '../../transports/host.ts';
import { ActionFailure, defineAction, pending, type Poll } from '../define-action.ts';
import { readFields } from '../scripts/fields.ts';
import { isStillPatient } from '../effects/patience.ts';
import { checkPostgresql } from '../scripts/postgresql.ts';
import { strictObject } from '../strict-object.ts';
import { judge, verdicts, type CheckOutputs } from './verdict.ts';
import { upstreamVersion } from './version.ts';
import { psqlUser } from './psql-user.ts';

const askAgainMs = 1_000;
const identifier = '[A-Za-z_][A-Za-z0-9_$]*';

const inputs = strictObject({
  Host: Type.String({ minLength: 1, description: 'The host that the server runs on.' }),
  User: psqlUser,
  Port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
  SocketDirectory: Type.Optional(
    Type.String({
      pattern: '^(/[^\\s]*|localhost)$',
      description: 'Where the server listens; left out: where psql looks by itself.',
    }),
  ),
  Database: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_][A-Za-z0-9_$.-]*$', default: 'postgres' })),
  Expect: Type.Optional(
    strictObject({
      ServerVersion: Type.Optional(
        Type.String({
          minLength: 1,
          description:
            'As the server or the package says it: 15.20 and 15.20-0+deb12u1 mean the same; 15 is any 15.',
        }),
      ),
      InRecovery: Type.Optional(Type.Boolean({ description: 'true for a standby, false for a primary.' })),
    }),
  ),
  Canary: Type.Optional(
    strictObject({
      Query: Type.Optional(
        Type.String({
          description:
            'Runs in a read-only transaction; its output is the Answer, sorted unless it has an ORDER BY. Empty: sizes and row counts of the largest tables of every database.',
        }),
      ),
      Table: Type.Optional(
        Type.String({
          pattern: `^${identifier}(\\.${identifier})?$`,
          description: 'In place of a Query: number of rows and a checksum over all of them.',
        }),
      ),
      Equals: Type.Optional(
        Type.Union([Type.String(), Type.Number(), Type.Null()], {
          description:
            'The Answer that an earlier check gave. Left out or null: the Answer is only read, without a verdict.',
        }),
      ),
      MustHold: Type.Optional(
        Type.Boolean({
          default: false,
          description: 'Nothing has been changed yet: another answer means that the canary moves by itself.',
        }),
      ),
      Twice: Type.Optional(
        Type.Boolean({
          default: false,
          description: 'Ask again after 2 s, and fail with UNSTABLE_CANARY where the answers differ.',
        }),
      ),
      TimeoutSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 3_600, default: 60 })),
    }),
  ),
  WaitSeconds: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: 3_600,
      default: 0,
      description: 'How long to go on asking until the server answers in the role expected.',
    }),
  ),
});
type Inputs = Static<typeof inputs>;

export const check = defineAction({
  name: 'postgresql:check',
  summary:
    'Asks a PostgreSQL server whether it answers, which version runs, whether it is a standby, and whether the data is intact.',
  source: 'https://www.postgresql.org/docs/current/app-pg-isready.html',
  example: `
    - name: VerifyData
      action: postgresql:check
      inputs:
        Host: db1
        WaitSeconds: 60
        Expect: { ServerVersion: '15.20', InRecovery: false }
        Canary: { Table: public.accounts, Equals: '{{ CountBefore.Answer }}' }`,
  inputs,
  outputs: strictObject({
    ServerVersion: Type.Union([Type.String(), Type.Null()], { description: '15.20; null: no answer.' }),
    InRecovery: Type.Union([Type.Boolean(), Type.Null()]),
    Intact: Type.Union([Type.Boolean(), Type.Null()], {
      description:
        'The verdict on the data: whether the canary equals what was expected; null: no verdict could be reached.',
    }),
    Verdict: Type.Union([...verdicts.map((word) => Type.Literal(word)), Type.Null()], {
      description: 'The same in words; null: nothing was to be compared.',
    }),
    Answer: Type.Union([Type.String(), Type.Null()], {
      description:
        'Of the canary: lines of values separated by |. Beyond 16 KiB a digest of all of it, and how it begins.',
    }),
    Damage: Type.Union([Type.String(), Type.Null()], {
      description:
        'What pg_amcheck (from 14 on) complains of, in databases with its extension; null: of nothing, or it could not be asked.',
    }),
    AskedAt: Type.String(),
    AskedOf: Type.String({ description: 'Host, port and database.' }),
    State: Type.String({
      description:
        'answers; recovering: it starts up; rejecting; refusing: it runs and psql may not ask it; silent.',
    }),
  }),
  verdict: 'Intact',
  timeoutSeconds: 3_900,
  permissions: () => [],
  targets: ({ Host }) => [Host],
  hasHostTargets: true,
  check: ({ Canary }) =>
    isObject(Canary) && (Canary['Query'] === undefined) === (Canary['Table'] === undefined)
      ? [
          {
            code: 'CANARY_QUERY',
            path: ['Canary'],
            message: `a Canary takes either a Query or a Table, and is given ${Canary['Query'] === undefined ? 'neither' : 'both'}`,
          },
        ]
      : [],

  effect: {
    kind: 'read',
    poll: async (inputs: Inputs, context): Promise<Poll<CheckOutputs>> => {
      const { Host, User, Port, SocketDirectory, Database, Canary, WaitSeconds = 0 } = inputs;
      const wanted = inputs.Expect?.ServerVersion;
      if (wanted !== undefined && upstreamVersion(wanted) === undefined) {
        throw new ActionFailure({
          code: 'INVALID_INPUT',
          message: `Expect.ServerVersion is "${wanted}", which does not begin with a version such as 15.20`,
        });
      }
      const patient = isStillPatient(context, WaitSeconds);
      const host = context.host(Host);
      const querySeconds = Canary?.TimeoutSeconds ?? 60;
      const script = checkPostgresql(
        [
          User ?? 'postgres',
          Port === undefined ? '-' : String(Port),
          Canary?.Query === '' ? '*' : (Database ?? 'postgres'),
          String(querySeconds),
          SocketDirectory ?? '-',
          Canary?.Twice === true ? 'yes' : 'no',
        ],
        new TextEncoder().encode(queryOf(Canary)),
      );
      try {
        const fields = await readFields(host, script, context, (3 * querySeconds + 60) * 1_000);
        const answer = judge(
          {
            label: host.label,
            now: context.now(),
            database: Canary?.Query === '' ? 'any' : (Database ?? 'postgres'),
            expected: Canary?.Equals ?? null,
            mustHold: Canary?.MustHold ?? false,
            ...(wanted === undefined ? {} : { serverVersion: wanted }),
            ...(inputs.Expect?.InRecovery === undefined ? {} : { inRecovery: inputs.Expect.InRecovery }),
          },
          fields,
        );
        const passes =
          answer.kind === 'failed' &&
          ['NOT_ANSWERING', 'IN_RECOVERY', 'NOT_IN_RECOVERY'].includes(answer.code);
        return passes && patient ? pending(askAgainMs, `waiting: ${answer.message}`) : answer;
      } catch (error) {
        if (!(error instanceof HostFailure && error.retryable && patient)) throw error;
        return pending(askAgainMs, `waiting: ${error.message}`);
      }
    },
  },
  undo: { kind: 'notNeeded' },
});

const isObject = (value: Json | undefined): value is { readonly [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Exact counts up to 256 MiB a table, so that the question itself stays cheap; bytes of the main fork for all. */
const largestTables = `select n.nspname || '.' || c.relname, pg_relation_size(c.oid),
  case when pg_relation_size(c.oid) > 268435456 then null
    else (xpath('/row/c/text()', query_to_xml(format('select count(*) as c from %I.%I', n.nspname, c.relname), false, true, '')))[1]::text end
from (select oid, relname, relnamespace from pg_class where relkind = 'r' order by pg_relation_size(oid) desc, oid limit 200) c
join pg_namespace n on n.oid = c.relnamespace
where n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_' order by 1`;

/** The checksum does not depend on collations: an upgrade of glibc may change the order of texts, not that of digests. */
function queryOf(canary: Inputs['Canary']): string {
  if (canary?.Query === '') return largestTables;
  if (canary?.Query !== undefined) return canary.Query;
  if (canary?.Table === undefined) return '';
  const name = canary.Table.split('.')
    .map((part) => `"${part}"`)
    .join('.');
  return `select count(*) || ' ' || coalesce(md5(string_agg(md5(t::text), '' order by md5(t::text) collate "C")), '-') from ${name} t`;
}
