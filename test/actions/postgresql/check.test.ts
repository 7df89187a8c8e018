/** What the action makes of a server's answers; real servers answer in test/lab/actions-postgresql.test.ts. */
import { expect, test } from 'vitest';
import { check } from '../../../src/actions/postgresql/check.ts';
import { HostFailure, type Host, type HostScript } from '../../../src/transports/host.ts';
import type { JsonObject } from '../../../src/json.ts';
import { run } from '../../support/action-bed.ts';
import { localTestHost } from '../host/local.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const answering = ['ready=0', 'version=15.18 (Debian 15.18-0+deb12u1)', 'recovery=f'];

/** A host on which the check script prints these lines, one list per asking, the last one again and again. */
async function asked(inputs: JsonObject, ...replies: readonly (readonly string[])[]) {
  await using here = localTestHost();
  const scripts: HostScript[] = [];
  const host: Host = {
    ...here.host,
    read: async (script) => {
      const lines = replies[Math.min(scripts.length, replies.length - 1)] ?? [];
      scripts.push(script);
      const refused = lines.some((line) => line.startsWith('failed='));
      return { exitCode: refused ? 1 : 0, stdout: `${lines.join('\n')}\n`, stderr: '' };
    },
  };
  let now = 0;
  const world = { hosts: { db1: host }, now: () => now, wait: async (ms: number) => void (now += ms) };
  const { ending } = await run(check, { Host: 'db1', ...inputs }, world);
  return { ending, scripts };
}

test('gives version, role and the canary’s answer, for a later check to compare', async () => {
  const inputs = { Canary: { Query: 'select count(*) from t' } };
  const { ending, scripts } = await asked(inputs, [...answering, `answer=${base64('42\n')}`]);
  expect(ending).toMatchObject({
    kind: 'done',
    outputs: {
      ServerVersion: '15.18',
      InRecovery: false,
      Intact: null,
      Verdict: null,
      Answer: '42',
      Damage: null,
      AskedAt: '1970-01-01T00:00:00.000Z',
      AskedOf: 'here (this machine) database postgres',
      State: 'answers',
    },
    note: '15.18, primary',
  });
  expect(Buffer.from(scripts[0]?.stdin ?? []).toString()).toBe('select count(*) from t');
});

test('the verdict is that of the comparison, whatever else is wrong', async () => {
  const canary = { Query: 'select 1', Equals: '42' };
  const sound = await asked({ Canary: canary }, [...answering, `answer=${base64('42\n')}`]);
  expect(sound.ending).toMatchObject({ kind: 'done', outputs: { Intact: true } });
  const hurt = await asked({ Canary: canary, Expect: { ServerVersion: '15.20' } }, [
    ...answering,
    `answer=${base64('41\n')}`,
  ]);
  expect(hurt.ending).toMatchObject({
    kind: 'failed',
    code: 'DATA_MISMATCH',
    message: expect.stringContaining('the canary answers "41", wanted "42"'),
    outputs: { Intact: false, ServerVersion: '15.18', Answer: '41' },
  });
  const old = await asked({ Canary: canary, Expect: { ServerVersion: '15.20-0+deb12u1' } }, [
    ...answering,
    `answer=${base64('42\n')}`,
  ]);
  expect(old.ending).toMatchObject({
    kind: 'failed',
    code: 'VERSION_MISMATCH',
    message: expect.stringContaining('the server answers 15.18, wanted 15.20'),
    outputs: { Intact: true },
  });
});

test.each([
  ['ERROR:  XX001: invalid page in block 7 of relation base/5/16384', false, 'DATA_MISMATCH'],
  ['ERROR:  42P01: relation "t" does not exist', false, 'DATA_MISMATCH'],
  ['ERROR:  57014: canceling statement due to statement timeout', null, 'QUERY_FAILED'],
  ['ERROR:  42501: permission denied for table t', null, 'QUERY_FAILED'],
])('a query that worked before and now says %s', async (queryError, Intact, code) => {
  const { ending } = await asked({ Canary: { Table: 't', Equals: '2 x' } }, [
    ...answering,
    `queryError=${queryError}`,
  ]);
  expect(ending).toMatchObject({ kind: 'failed', code, outputs: { Intact, Answer: null } });
});

test('a first look at a table that is not there is no verdict', async () => {
  const { ending } = await asked({ Canary: { Table: 't' } }, [
    ...answering,
    'queryError=ERROR:  42P01: relation "t" does not exist',
  ]);
  expect(ending).toMatchObject({ kind: 'failed', code: 'QUERY_FAILED', outputs: { Intact: null } });
});

test('the role of the server is checked', async () => {
  const standby = ['ready=0', 'version=15.18', 'recovery=t'];
  expect((await asked({ Expect: { InRecovery: false } }, standby)).ending).toMatchObject({
    kind: 'failed',
    code: 'IN_RECOVERY',
    outputs: { InRecovery: true },
  });
  expect((await asked({ Expect: { InRecovery: true } }, answering)).ending).toMatchObject({
    kind: 'failed',
    code: 'NOT_IN_RECOVERY',
  });
  expect((await asked({ Expect: { InRecovery: true } }, standby)).ending).toMatchObject({
    kind: 'done',
    note: '15.18, standby',
  });
});

test('waits until the server answers, and reaches no verdict when it never does', async () => {
  const up = await asked({ WaitSeconds: 60 }, ['ready=2'], ['ready=1'], answering);
  expect(up.ending).toMatchObject({ kind: 'done' });
  expect(up.scripts).toHaveLength(3);
  const down = await asked({ WaitSeconds: 5, Canary: { Query: 'select 1', Equals: '1' } }, ['ready=1']);
  expect(down.ending).toMatchObject({
    kind: 'failed',
    code: 'NOT_ANSWERING',
    message: expect.stringContaining('rejects connections'),
    outputs: { ServerVersion: null, InRecovery: null, Intact: null, Answer: null },
  });
  const wrong = await asked({ WaitSeconds: 60, Expect: { ServerVersion: '15.20' } }, answering);
  expect(wrong.ending).toMatchObject({ code: 'VERSION_MISMATCH' });
  expect(wrong.scripts).toHaveLength(1);
});

test('a host that cannot be reached yet is waited for', async () => {
  await using here = localTestHost();
  let tries = 0;
  const host: Host = {
    ...here.host,
    read: async () => {
      tries += 1;
      if (tries < 3)
        throw new HostFailure({
          code: 'UNREACHABLE',
          message: 'db1: refused',
          retryable: true,
          effect: 'none',
        });
      return { exitCode: 0, stdout: answering.join('\n'), stderr: '' };
    },
  };
  const { ending } = await run(check, { Host: 'db1', WaitSeconds: 30 }, { hosts: { db1: host } });
  expect(ending).toMatchObject({ kind: 'done' });
});

test('a version that cannot be one is refused, not compared', async () => {
  await expect(asked({ Expect: { ServerVersion: 'latest' } }, answering)).rejects.toMatchObject({
    code: 'INVALID_INPUT',
  });
  await expect(asked({}, ['failed=NO_POSTGRESQL psql is not installed'])).rejects.toMatchObject({
    code: 'NO_POSTGRESQL',
  });
});

const tools = { isExpression: () => false, models: { check: () => [], resolve: () => undefined } };
test.each([{ Canary: {} }, { Canary: { Query: 'q', Table: 't' } }])('validation refuses %j', (wrong) => {
  expect(check.check?.({ Host: 'db1', ...wrong }, tools).map(({ code }) => code)).toEqual(['CANARY_QUERY']);
});

test('damage that pg_amcheck finds is a verdict of its own, before and after, and what it did not finish is none', async () => {
  const inputs = { Canary: { Query: 'select 1' } };
  const damaged = [...answering, `answer=${base64('1\n')}`, 'amcheck=damaged heap table "t": gone'];
  expect((await asked(inputs, damaged)).ending).toMatchObject({
    kind: 'failed',
    code: 'DATA_DAMAGED',
    message: expect.stringContaining('heap table "t": gone. Nothing was changed'),
    outputs: { Intact: null, Damage: 'heap table "t": gone' },
  });
  const compared = { Canary: { Query: 'select 1', Equals: '1' } };
  expect((await asked(compared, damaged)).ending).toMatchObject({
    code: 'DATA_DAMAGED',
    outputs: { Intact: false, Verdict: 'differs' },
  });
  const unfinished = [...damaged.slice(0, -1), 'amcheck=unfinished'];
  expect((await asked(compared, unfinished)).ending).toMatchObject({
    kind: 'done',
    outputs: { Intact: true },
  });
});
