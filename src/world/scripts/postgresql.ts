/**
 * postgresql/check over modelled servers. The sandbox has tables with so many rows and no SQL: it answers `select 1`,
 * counting a table, and the query that postgresql:check makes of a canary table. Every other query is refused.
 */
import { systemOf } from '../hosts/devices.ts';
import { clusterData, serverVersion } from '../hosts/postgres.ts';
import { hash } from '../ids.ts';
import type { PostgresData, Table } from '../state.ts';
import { argument, no, NotModelled, type ScriptModel } from './model.ts';

const portByDefault = '5432';

const check: ScriptModel = {
  changes: false,
  durationMs: 0,
  run(run) {
    const { state, host } = run;
    const user = argument(run, 0, 'USER');
    const port = argument(run, 1, 'PORT');
    const database = argument(run, 2, 'DATABASE');
    const query = new TextDecoder().decode(run.stdin).trim();
    const system = systemOf(state, host);
    const hasClient = Object.keys(system.packages).some((name) => name.startsWith('postgresql-client'));
    if (!hasClient) return no([], 'NO_POSTGRESQL', 'psql and pg_isready are not installed');
    if (!system.users.includes(user)) return no([], 'NO_SUCH_USER', `there is no user ${user}`);

    const wanted = Number(port === '-' ? portByDefault : port);
    const [cluster, server] = Object.entries(host.servers).find(([, one]) => one.port === wanted) ?? [];
    if (cluster === undefined || !server) return { fields: ['ready=2'] };
    const data = clusterData(state, host, cluster);
    if (!data || !databases(data).includes(database)) return { fields: ['ready=0'] };
    const version = `${serverVersion(server.packageVersion)} (Debian ${server.packageVersion})`;
    const fields = ['ready=0', `version=${version}`, 'recovery=f'];
    return { fields: query === '' ? fields : [...fields, answer(data, database, query)] };
  },
};

const name = String.raw`(?:"?public"?\.)?"?(\w+)"?`;
const counting = new RegExp(String.raw`^select\s+count\(\*\)\s+from\s+${name}\s*;?$`, 'i');
const digesting = new RegExp(
  String.raw`^select count\(\*\) \|\| ' ' \|\| coalesce\(md5\(string_agg\(md5\(t::text\).*\)\), '-'\) from ${name} t$`,
);

/** Throws NotModelled. */
function answer(data: PostgresData, database: string, query: string): string {
  const counted = counting.exec(query)?.[1];
  const digested = digesting.exec(query)?.[1];
  const table = counted ?? digested;
  if (table === undefined && !/^select\s+1\s*;?$/i.test(query))
    throw new NotModelled(
      `the sandbox does not run SQL such as "${query.slice(0, 80)}", only select 1 and select count(*) from TABLE`,
    );
  if (data.hurt !== null) return `queryError=ERROR:  ${data.hurt}`;
  if (table === undefined) return printed('1');
  const found = tableOf(data, database, table);
  if (!found) return `queryError=ERROR:  42P01: relation "${table}" does not exist`;
  return printed(counted === undefined ? `${found.rows} ${digestOf(found)}` : String(found.rows));
}

function printed(text: string): string {
  return `answer=${Buffer.from(`${text}\n`).toString('base64')}`;
}

function digestOf({ rows, content }: Table): string {
  return hash('rows', rows, content).slice(0, 32);
}

function tableOf(data: PostgresData, database: string, table: string): Table | undefined {
  if (table === 'pg_database') return { rows: databases(data).length, content: databases(data).join(' ') };
  return data.tables[`${database} ${table}`];
}

function databases(data: PostgresData): string[] {
  const own = Object.keys(data.tables).map((key) => key.split(' ')[0] ?? '');
  return [...new Set(['postgres', 'template0', 'template1', ...own])];
}

export const postgresqlScripts = { 'postgresql/check': check };
