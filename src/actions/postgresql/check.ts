/** postgresql:check: what a PostgreSQL server itself says: that it answers, its version, its role, its data. */
import { Type } from 'typebox';
import type { Json } from '../../json.ts';
import { HostFailure } from '../../transports/host.ts';
import { ActionFailure, defineAction, done, failed, pending, type Poll } from '../define-action.ts';
import { readFields, type Fields } from '../scripts/fields.ts';
import { isStillPatient } from '../effects/patience.ts';
import { checkPostgresql } from '../scripts/postgresql.ts';
import { strictObject } from '../strict-object.ts';
import { satisfies, upstreamVersion } from './version.ts';

type Inputs = {
  readonly Host: string;
  readonly User?: string;
  readonly Port?: number;
  readonly Database?: string;
  readonly Expect?: { readonly ServerVersion?: string; readonly InRecovery?: boolean };
  readonly Canary?: {
    readonly Query?: string;
    readonly Table?: string;
    readonly Equals?: string | number | null;
    readonly TimeoutSeconds?: number;
  };
  readonly WaitSeconds?: number;
};
type Outputs = {
  readonly ServerVersion: string | null;
  readonly InRecovery: boolean | null;
  /** The verdict on the data: null where none was reached. */
  readonly Intact: boolean | null;
  readonly Answer: string | null;
};

const askAgainMs = 1_000;
const identifier = '[A-Za-z_][A-Za-z0-9_$]*';

/** https://www.postgresql.org/docs/current/errcodes-appendix.html: damaged pages and indexes; a table, schema that is gone. */
const hurtStates = ['XX001', 'XX002', '42P01', '3F000'];

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
  inputs: strictObject({
    Host: Type.String({ minLength: 1, description: 'The host that the server runs on.' }),
    User: Type.Optional(
      Type.String({
        pattern: '^[a-z_][a-z0-9_-]*$',
        default: 'postgres',
        description: 'User of the host as whom psql runs.',
      }),
    ),
    Port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
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
            minLength: 1,
            description: 'Runs in a read-only transaction; its output is the Answer.',
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
  }),
  outputs: strictObject({
    ServerVersion: Type.Union([Type.String(), Type.Null()], { description: '15.20; null: no answer.' }),
    InRecovery: Type.Union([Type.Boolean(), Type.Null()]),
    Intact: Type.Union([Type.Boolean(), Type.Null()], {
      description:
        'The verdict on the data: whether the canary equals what was expected; null: no verdict could be reached.',
    }),
    Answer: Type.Union([Type.String(), Type.Null()], {
      description: 'Of the canary, at most 16 KiB: lines of values separated by |.',
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
    poll: async (inputs: Inputs, context): Promise<Poll<Outputs>> => {
      const { Host, User, Port, Database, Canary, WaitSeconds = 0 } = inputs;
      const wanted = inputs.Expect?.ServerVersion;
      if (wanted !== undefined && upstreamVersion(wanted) === undefined) {
        throw new ActionFailure({
          code: 'INVALID_INPUT',
          message: `Expect.ServerVersion is "${wanted}", which does not begin with a version such as 15.20`,
        });
      }
      const patient = isStillPatient(inputs, WaitSeconds, context.now());
      const host = context.host(Host);
      const querySeconds = Canary?.TimeoutSeconds ?? 60;
      const script = checkPostgresql(
        [
          User ?? 'postgres',
          Port === undefined ? '-' : String(Port),
          Database ?? 'postgres',
          String(querySeconds),
        ],
        new TextEncoder().encode(queryOf(Canary)),
      );
      try {
        const fields = await readFields(host, script, context, (querySeconds + 60) * 1_000);
        const answer = judge(inputs, host.label, fields);
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

/** The checksum does not depend on collations: an upgrade of glibc may change the order of texts, not that of digests. */
function queryOf(canary: Inputs['Canary']): string {
  if (canary?.Query !== undefined) return canary.Query;
  if (canary?.Table === undefined) return '';
  const name = canary.Table.split('.')
    .map((part) => `"${part}"`)
    .join('.');
  return `select count(*) || ' ' || coalesce(md5(string_agg(md5(t::text), '' order by md5(t::text) collate "C")), '-') from ${name} t`;
}

function judge(inputs: Inputs, label: string, fields: Fields): Poll<Outputs> {
  const { Expect = {}, Canary } = inputs;
  const ready = fields.one('ready');
  const version = fields.one('version');
  const recovery = fields.one('recovery');
  const encoded = fields.one('answer');
  const queryError = fields.one('queryError');
  const answer =
    encoded === undefined ? null : Buffer.from(encoded, 'base64').toString('utf8').replace(/\n$/, '');
  const expected = Canary?.Equals ?? null;
  const outputs: Outputs = {
    ServerVersion: version === undefined ? null : (upstreamVersion(version) ?? version),
    InRecovery: recovery === undefined || recovery === '' ? null : recovery === 't',
    Intact: intact(answer, expected, queryError),
    Answer: answer,
  };
  const no = (code: string, text: string) => failed(code, `${label}: ${text}`, { outputs });

  if (version === undefined) {
    const why =
      ready === '1' ? 'it rejects connections: it is starting up, shutting down or full' : 'nothing answers';
    return no('NOT_ANSWERING', ready === '0' ? 'the server answers, but psql cannot ask it' : why);
  }
  if (outputs.Intact === false) {
    return no(
      'DATA_MISMATCH',
      queryError === undefined
        ? `the canary answers "${shortened(answer ?? '')}", wanted "${shortened(String(expected))}"`
        : `the canary could be asked before, and now: ${queryError}`,
    );
  }
  if (Expect.InRecovery !== undefined && outputs.InRecovery !== Expect.InRecovery) {
    return Expect.InRecovery
      ? no('NOT_IN_RECOVERY', 'the server is a primary, wanted a standby')
      : no('IN_RECOVERY', 'the server is in recovery (a standby), wanted a primary');
  }
  if (Expect.ServerVersion !== undefined && !satisfies(version, Expect.ServerVersion)) {
    return no(
      'VERSION_MISMATCH',
      `the server answers ${outputs.ServerVersion}, wanted ${upstreamVersion(Expect.ServerVersion) ?? Expect.ServerVersion}`,
    );
  }
  if (queryError !== undefined) return no('QUERY_FAILED', `the canary query failed: ${queryError}`);
  return done(outputs, { note: noteOf(outputs) });
}

/** A query that failed is a verdict only where it worked before and the server says that what it reads is gone or damaged. */
function intact(
  answer: string | null,
  expected: string | number | null,
  queryError: string | undefined,
): boolean | null {
  if (expected === null) return null;
  if (answer !== null) return answer === String(expected);
  return queryError !== undefined && hurtStates.some((state) => queryError.includes(` ${state}: `))
    ? false
    : null;
}

function noteOf({ ServerVersion, InRecovery, Intact }: Outputs): string {
  const role = InRecovery === null ? '' : InRecovery ? ', standby' : ', primary';
  return `${ServerVersion}${role}${Intact === true ? ', data as expected' : ''}`;
}

const shortened = (text: string) => (text.length > 120 ? `${text.slice(0, 120)}…` : text);
