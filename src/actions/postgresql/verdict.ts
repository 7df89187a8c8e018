/** What a PostgreSQL server's answers say of its data: as before, differs, or cannot be judged. */
import { failed, done, type Poll } from '../define-action.ts';
import type { Fields } from '../scripts/fields.ts';
import { satisfies, upstreamVersion } from './version.ts';

export const verdicts = ['as before', 'differs', 'cannot be judged'] as const;

export type CheckOutputs = {
  readonly ServerVersion: string | null;
  readonly InRecovery: boolean | null;
  /** The verdict on the data: null where none was reached. */
  readonly Intact: boolean | null;
  readonly Verdict: (typeof verdicts)[number] | null;
  readonly Answer: string | null;
  /** What pg_amcheck complains of; null: of nothing, or it was not there to be asked. */
  readonly Damage: string | null;
  readonly AskedAt: string;
  readonly AskedOf: string;
  readonly State: 'answers' | 'recovering' | 'rejecting' | 'refusing' | 'silent';
};

export interface Question {
  readonly label: string;
  readonly now: number;
  readonly database: string;
  readonly expected: string | number | null;
  readonly mustHold: boolean;
  readonly serverVersion?: string;
  readonly inRecovery?: boolean;
}

/** https://www.postgresql.org/docs/current/errcodes-appendix.html: damaged pages and indexes; a table, schema that is gone. */
const hurtStates = ['XX001', 'XX002', '42P01', '3F000'];
const answerBytesMax = 16_384;

export function judge(question: Question, fields: Fields): Poll<CheckOutputs> {
  const { label, expected } = question;
  const version = fields.one('version');
  const recovery = fields.one('recovery');
  const queryError = fields.one('queryError');
  const answer = answerOf(fields);
  const amcheck = fields.one('amcheck');
  const damage = amcheck?.startsWith('damaged ') === true ? amcheck.slice('damaged '.length, 600) : null;
  const Intact = damage !== null && expected !== null ? false : intact(answer, expected, queryError);
  const outputs: CheckOutputs = {
    ServerVersion: version === undefined ? null : (upstreamVersion(version) ?? version),
    InRecovery: recovery === undefined || recovery === '' ? null : recovery === 't',
    Intact,
    Verdict:
      expected === null ? null : Intact === null ? 'cannot be judged' : Intact ? 'as before' : 'differs',
    Answer: answer,
    Damage: damage,
    AskedAt: new Date(question.now).toISOString(),
    AskedOf: `${label}${fields.one('port') === undefined ? '' : ` port ${fields.one('port')}`} database ${question.database}`,
    State: stateOf(fields),
  };
  const no = (code: string, text: string) => failed(code, `${label}: ${text}`, { outputs });

  if (version === undefined) {
    const said = fields.one('trouble') ?? '';
    return no(
      outputs.State === 'refusing' ? 'ASK_REFUSED' : 'NOT_ANSWERING',
      `${stateText[outputs.State]}${said === '' ? '' : `: ${said.trim()}`}`,
    );
  }
  if (damage !== null) {
    return no(
      'DATA_DAMAGED',
      `pg_amcheck finds damage: ${damage}${expected === null || question.mustHold ? '. Nothing was changed' : ''}`,
    );
  }
  const second = fields.one('second');
  if (second !== undefined) {
    return no(
      'UNSTABLE_CANARY',
      `the canary answers "${shortened(answer ?? '')}", and 2 s later "${shortened(decoded(second))}": it moves by itself and can judge nothing. Ask for what nobody writes, or stop the writers. Nothing was changed`,
    );
  }
  if (Intact === false && question.mustHold) {
    return no(
      'UNSTABLE_CANARY',
      `the canary answered "${shortened(String(expected))}" at first and now "${shortened(answer ?? '')}", before anything was changed: somebody writes to what it asks for. Ask for what nobody writes, or stop the writers`,
    );
  }
  if (Intact === false) {
    return no(
      'DATA_MISMATCH',
      queryError === undefined
        ? `the canary answers "${shortened(answer ?? '')}", wanted "${shortened(String(expected))}": hurt, or written meanwhile`
        : `the canary could be asked before, and now: ${queryError}`,
    );
  }
  if (question.inRecovery !== undefined && outputs.InRecovery !== question.inRecovery) {
    return question.inRecovery
      ? no('NOT_IN_RECOVERY', 'the server is a primary, wanted a standby')
      : no('IN_RECOVERY', 'the server is in recovery (a standby), wanted a primary');
  }
  if (question.serverVersion !== undefined && !satisfies(version, question.serverVersion)) {
    return no(
      'VERSION_MISMATCH',
      `the server answers ${outputs.ServerVersion}, wanted ${upstreamVersion(question.serverVersion) ?? question.serverVersion}`,
    );
  }
  if (queryError !== undefined) return no('QUERY_FAILED', `the canary query failed: ${queryError}`);
  return done(outputs, { note: noteOf(outputs) });
}

/** All of a short answer; of a long one its beginning and a digest over all of it. */
function answerOf(fields: Fields): string | null {
  const encoded = fields.one('answer');
  if (encoded === undefined) return null;
  const text = decoded(encoded);
  const [digest, bytes] = fields.rows('digest')[0] ?? [];
  if (digest === undefined || Number(bytes) <= answerBytesMax) return text;
  return `sha256 ${digest} of ${bytes} bytes that begin with ${text.slice(0, 200)}`;
}

const decoded = (encoded: string) => Buffer.from(encoded, 'base64').toString('utf8').replace(/\n$/, '');

/** https://www.postgresql.org/docs/current/app-pg-isready.html */
function stateOf(fields: Fields): CheckOutputs['State'] {
  if (fields.one('version') !== undefined) return 'answers';
  const said = fields.one('trouble') ?? '';
  if (/database system is (starting up|in recovery|not yet accepting)/.test(said)) return 'recovering';
  switch (fields.one('ready')) {
    case '0':
      return 'refusing';
    case '1':
      return 'rejecting';
    default:
      return 'silent';
  }
}

const stateText: Readonly<Record<CheckOutputs['State'], string>> = {
  answers: 'it answers',
  recovering: 'it is starting up or recovering, and answers nothing yet',
  rejecting: 'it rejects connections: it is starting up, shutting down or full',
  refusing: 'the server runs, and psql is refused',
  silent: 'nothing answers',
};

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

function noteOf({ ServerVersion, InRecovery, Intact }: CheckOutputs): string {
  const role = InRecovery === null ? '' : InRecovery ? ', standby' : ', primary';
  return `${ServerVersion}${role}${Intact === true ? ', the canary answers as before' : ''}`;
}

const shortened = (text: string) => (text.length > 120 ? `${text.slice(0, 120)}…` : text);
