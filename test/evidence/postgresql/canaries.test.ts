/**
 * src/actions/postgresql/check.ts on a real server: canaries of many kinds, asked, something done to the data, asked again, and the
 * verdict that a database administrator would give.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { check } from '../../../src/actions/postgresql/check.ts';
import type { JsonObject } from '../../../src/json.ts';
import type { Host } from '../../../src/transports/host.ts';
import { run } from '../../support/action-bed.ts';
import { Lab } from '../../lab/hosts/lab.ts';
import { labHost } from '../../lab/lab-host.ts';

const reason = Lab.unavailable();

interface Canary {
  readonly title: string;
  readonly query: string;
  /** What happens between the two askings. */
  readonly meanwhile?: string;
  /** By root on the host, in place of SQL. */
  readonly onHost?: string;
  readonly verdict: 'as before' | 'differs' | 'cannot be judged';
  readonly more?: JsonObject;
}

const rebuilt =
  'create table t2 as select * from many order by random(); drop table many; alter table t2 rename to many';
const canaries: readonly Canary[] = [
  { title: 'a count that stays', query: 'select count(*) from many', verdict: 'as before' },
  {
    title: 'a count after a delete',
    query: 'select count(*) from many',
    meanwhile: 'delete from many where id = 7',
    verdict: 'differs',
  },
  {
    title: 'a digest after an update of one row',
    query: "select md5(string_agg(v, '' order by id)) from many",
    meanwhile: "update many set v = 'x' where id = 8",
    verdict: 'differs',
  },
  {
    title: 'a table that grows',
    query: 'select count(*), max(n) from log',
    meanwhile: 'insert into log select generate_series(11, 20)',
    verdict: 'differs',
  },
  {
    title: 'a table that grows, asked for what was there before',
    query: 'select count(*), max(n) from log where n <= 10',
    meanwhile: 'insert into log select generate_series(21, 30)',
    verdict: 'as before',
  },
  { title: 'floats', query: 'select f from floats', verdict: 'as before' },
  {
    title: 'floats that changed in the last digit',
    query: 'select f from floats',
    meanwhile: 'update floats set f = 0.30000000000000004 where f = 0.3',
    verdict: 'differs',
  },
  {
    title: 'not a number and infinity',
    query: "select 'NaN'::float8, 'Infinity'::float8, '-0'::float8",
    verdict: 'as before',
  },
  {
    title: 'rows without an order, in another order',
    query: 'select id, v from many',
    meanwhile: rebuilt,
    verdict: 'as before',
  },
  {
    title: 'rows without an order, one of them gone',
    query: 'select id, v from many',
    meanwhile: 'delete from many where id = 9',
    verdict: 'differs',
  },
  {
    title: 'rows with an order',
    query: 'select id from many order by id desc limit 50',
    meanwhile: rebuilt,
    verdict: 'as before',
  },
  { title: 'a large answer', query: 'select id, v from many order by id', verdict: 'as before' },
  {
    title: 'a large answer that differs behind its first 16 KiB',
    query: 'select id, v from many order by id',
    meanwhile: "update many set v = 'late' where id = 4999",
    verdict: 'differs',
  },
  { title: 'nothing but NULL', query: 'select null', verdict: 'as before' },
  {
    title: 'NULL that became empty',
    query: 'select v from nulls',
    meanwhile: "update nulls set v = ''",
    verdict: 'differs',
  },
  { title: 'no row at all', query: 'select 1 where false', verdict: 'as before' },
  {
    title: 'JSON and quotes',
    query: `select '{"a": "b''c|d", "e": [1, 2]}'::jsonb, 'line
break'`,
    verdict: 'as before',
  },
  {
    title: 'another database',
    query: 'select count(*) from other',
    more: { Database: 'app' },
    verdict: 'as before',
  },
  {
    title: 'another database, hurt',
    query: 'select count(*) from other',
    more: { Database: 'app' },
    meanwhile: '\\c app\ndelete from other where n = 1',
    verdict: 'differs',
  },
  { title: 'no query: every table of every database', query: '', verdict: 'as before' },
  {
    title: 'no query, and a row of another database is gone',
    query: '',
    meanwhile: '\\c app\ndelete from other where n = 2',
    verdict: 'differs',
  },
  {
    title: 'a table that is gone',
    query: 'select count(*) from doomed',
    meanwhile: 'drop table doomed',
    verdict: 'differs',
  },
  {
    title: 'a column that may not be read any more',
    query: 'select 1/(case when exists (select 1 from switch) then 1 else 0 end)',
    meanwhile: 'delete from switch',
    verdict: 'cannot be judged',
  },
  {
    title: 'a question that takes too long',
    query: 'select pg_sleep(n) from slow',
    more: { Canary: { TimeoutSeconds: 1 } },
    meanwhile: 'update slow set n = 5',
    verdict: 'cannot be judged',
  },
  {
    title: 'a server that is down',
    query: 'select 1',
    onHost: 'systemctl stop postgresql@15-main',
    verdict: 'cannot be judged',
  },
];

describe.skipIf(reason)(
  `the verdict on twenty and more canaries${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  { timeout: 120_000 },
  () => {
    let lab: Lab;
    let db1: Host;
    const onHost = async (script: string, stdin?: string) => {
      const { code, stderr } = await lab.exec('db1', script, stdin === undefined ? {} : { stdin });
      expect(code, stderr).toBe(0);
    };
    const sql = (text: string) =>
      onHost('cd / && runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1', text);
    const ask = async ({ query, more = {} }: Canary, canary: JsonObject = {}) => {
      const Canary = { Query: query, ...(more['Canary'] as JsonObject | undefined), ...canary };
      return (await run(check, { Host: 'db1', ...more, Canary }, { hosts: { db1 } })).ending;
    };

    beforeAll(async () => {
      lab = await Lab.up({ hosts: ['db1'] });
      db1 = labHost(lab, 'db1');
      await sql(`create table many as select id, md5(id::text) v from generate_series(1, 5000) id;
create table floats as select unnest(array[0.1, 0.2, 0.3, 1e-300, 1e300])::float8 f;
create table nulls as select null::text v; create table doomed as select 1 n;
create table log as select generate_series(1, 10) n; create table switch as select 1 n; create table slow as select 0 n;
create database app;
\\c app
create table other as select n from generate_series(1, 100) n`);
    }, 360_000);
    afterAll(async () => {
      await lab?.down();
    }, 60_000);

    test.each(canaries)('$title: $verdict', async (canary) => {
      const before = await ask(canary);
      expect(before).toMatchObject({ kind: 'done', outputs: { Verdict: null, State: 'answers' } });
      const answer = before.outputs?.['Answer'];
      expect(JSON.stringify(answer).length).toBeLessThan(17_000);
      if (canary.meanwhile !== undefined) await sql(canary.meanwhile);
      if (canary.onHost !== undefined) await onHost(canary.onHost);
      const after = await ask(canary, { Equals: answer ?? null });
      expect(after.outputs).toMatchObject({
        Verdict: canary.verdict,
        Intact: { 'as before': true, differs: false, 'cannot be judged': null }[canary.verdict],
        AskedAt: expect.stringMatching(/^\d{4}-/),
      });
      if (canary.onHost !== undefined) await onHost('systemctl start postgresql@15-main');
    });

    test('an answer that moves by itself is not a canary', async () => {
      expect(
        await ask({ title: '', query: 'select clock_timestamp()', verdict: 'differs' }, { Twice: true }),
      ).toMatchObject({
        kind: 'failed',
        code: 'UNSTABLE_CANARY',
      });
      expect(
        await ask({ title: '', query: 'select 1', verdict: 'differs' }, { Equals: '0', MustHold: true }),
      ).toMatchObject({
        code: 'UNSTABLE_CANARY',
      });
    });

    test('a canary can change nothing, and who may not ask is told in psql’s own words', async () => {
      expect(await ask({ title: '', query: 'delete from many', verdict: 'differs' })).toMatchObject({
        code: 'QUERY_FAILED',
        message: expect.stringContaining('read-only transaction'),
      });
      const other = {
        title: '',
        query: 'select 1',
        verdict: 'differs',
        more: { Database: 'nosuch' },
      } as const;
      expect(await ask(other)).toMatchObject({
        code: 'ASK_REFUSED',
        message: expect.stringContaining('database "nosuch" does not exist'),
        outputs: { State: 'refusing', Intact: null },
      });
    });
  },
);
