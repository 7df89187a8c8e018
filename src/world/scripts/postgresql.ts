/** postgresql/check over modelled servers. The sandbox has tables with so many rows, and no SQL beyond counting them. */
import { systemOf } from '../hosts/devices.ts';
import { clusterData, serverVersion } from '../hosts/postgres.ts';
import type { PostgresData } from '../state.ts';
import { argument, no, NotModelled, type ScriptModel } from './model.ts';

const check: ScriptModel = {
  changes: false,
  durationMs: 0,
  run(run) {
    const { state, host } = run;
    const user = argument(run, 0, 'USER');
    const port = Number(argument(run, 1, 'PORT'));
    const database = argument(run, 2, 'DATABASE');
    const query = new TextDecoder().decode(run.stdin).trim();
    const system = systemOf(state, host);
    const hasClient = Object.keys(system.packages).some((name) => name.startsWith('postgresql-client'));
    if (!hasClient) return no([], 'NO_POSTGRESQL', `${host.name} has no psql`);
    if (!system.users.includes(user)) return no([], 'NO_SUCH_USER', `${host.name} has no user ${user}`);

    const found = Object.entries(host.servers).find(([, server]) => server.port === port);
    if (!found) return { fields: ['ready=2'] };
    const [cluster, server] = found;
    const data = clusterData(state, host, cluster);
    if (!data) return { fields: ['ready=1'] };
    const version = `${serverVersion(server.packageVersion)} (Debian ${server.packageVersion})`;
    if (!databases(data).includes(database))
      return { fields: ['ready=0', `queryError=psql: error: FATAL:  database "${database}" does not exist`] };
    return {
      fields: [
        'ready=0',
        `version=${version}`,
        'recovery=f',
        ...(query === '' ? [] : [answer(data, database, query)]),
      ],
    };
  },
};

/** Throws NotModelled for every query but `select 1` and `select count(*) from TABLE`. */
function answer(data: PostgresData, database: string, query: string): string {
  const [, table] = /^select\s+count\(\*\)\s+from\s+(?:public\.)?(\w+)\s*;?$/i.exec(query) ?? [];
  if (table === undefined && !/^select\s+1\s*;?$/i.test(query))
    throw new NotModelled(
      `the sandbox does not run SQL such as "${query.slice(0, 80)}", only select 1 and select count(*) from TABLE`,
    );
  if (data.hurt !== null) return `queryError=${data.hurt}`;
  const rows = table === undefined ? 1 : data.rows[`${database} ${table}`];
  if (rows === undefined) return `queryError=ERROR:  relation "${table}" does not exist`;
  return `answer=${Buffer.from(`${rows}\n`).toString('base64')}`;
}

function databases(data: PostgresData): string[] {
  return ['postgres', 'template1', ...Object.keys(data.rows).map((key) => key.split(' ')[0] ?? '')];
}

export const postgresqlScripts = { 'postgresql/check': check };
