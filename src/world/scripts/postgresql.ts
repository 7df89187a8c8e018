/**
 * postgresql/check over modelled servers. The sandbox has tables with so many rows and no SQL: it answers `select 1`,
 * counting a table, and the query that postgresql:check makes of a canary table. Every other query is refused.
 */
import { locate, systemOf } from '../hosts/devices.ts';
import { clusterData, dataDirectory, serverVersion } from '../hosts/postgres.ts';
import { hash } from '../ids.ts';
import type { HostState, PostgresData, Table } from '../state.ts';
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
    const isAll = database === '*';
    if (!data || !(isAll || databases(data).includes(database))) return { fields: ['ready=0'] };
    const version = `${serverVersion(server.packageVersion)} (Debian ${server.packageVersion})`;
    const fields = ['ready=0', `version=${version}`, 'recovery=f', `port=${wanted}`];
    if (isAll) return { fields: [...fields, everyTable(data)] };
    return { fields: query === '' ? fields : [...fields, answer(data, database, query)] };
  },
};

/** A server of the sandbox is a primary that nobody follows, with nothing else on its host. */
const find: ScriptModel = {
  changes: false,
  durationMs: 0,
  run(run) {
    const { state, host } = run;
    const [unit, port, directory] = [
      argument(run, 1, 'UNIT'),
      argument(run, 2, 'PORT'),
      argument(run, 3, 'DIRECTORY'),
    ];
    const all = Object.entries(host.servers).map(([cluster, server]) => ({
      cluster,
      server,
      unit: `postgresql@${cluster.replace('/', '-')}`,
      directory: dataDirectory(cluster),
    }));
    const told =
      all.map((one) => `${one.unit} (port ${one.server.port}, ${one.directory})`).join(', ') || 'none';
    const meant = all.filter(
      (one) =>
        (unit === '-' || unit.replace(/\.service$/, '') === one.unit) &&
        (port === '-' || Number(port) === one.server.port) &&
        (directory === '-' || one.directory === directory || one.directory.startsWith(`${directory}/`)),
    );
    const [only] = meant;
    if (only === undefined) return no([], 'NO_SUCH_SERVER', `no such server runs; running: ${told}`);
    if (meant.length > 1)
      return no(
        [],
        'AMBIGUOUS_SERVER',
        `several servers run: ${told}; say which by its unit, port or data directory`,
      );
    const [major = ''] = only.cluster.split('/');
    const place = locate(state, host, only.directory);
    const where =
      place === undefined
        ? '/ /dev/xvda ext4'
        : `${mountOf(host, only.directory)} ${place.contents.filesystem ?? 'ext4'}`;
    const { packageVersion } = only.server;
    const packages = [`postgresql-${major}`, `postgresql-client-${major}`, 'libpq5'].filter(
      (name) => systemOf(state, host).packages[name]?.release.version === packageVersion,
    );
    const facts = {
      version: `${serverVersion(packageVersion)} (Debian ${packageVersion})`,
      standby: false,
      directory: only.directory,
      lsn: '0/15007C8',
      prepared: 0,
      longest: 0,
      clients: 0,
      backups: 0,
      bytes: 23_000_000,
    };
    const [, minor = '0'] = serverVersion(packageVersion).split('.');
    return {
      fields: [
        `server=1 ${only.server.port} ${only.directory} /usr/lib/postgresql/${major}/bin ${only.unit}.service /var/run/postgresql`,
        `path=data ${only.directory} ${where}`,
        `path=wal ${only.directory}/pg_wal ${where}`,
        ...all
          .filter((one) => one !== only)
          .map(
            (one) =>
              `other=${one.server.port} ${one.directory} /usr/lib/postgresql/${one.cluster.split('/')[0]}/bin ${one.unit}.service running`,
          ),
        ...packages.map((name) => `package=${name} ${packageVersion}`),
        'libc=glibc 2.36',
        'checksums=0',
        `number=${Number(major) * 10_000 + Number(minor)}`,
        `facts=${JSON.stringify(facts)}`,
      ],
    };
  },
};

function mountOf(host: HostState, path: string): string {
  const mounts = Object.entries(host.mounts).filter(
    ([mount]) => path === mount || path.startsWith(`${mount}/`),
  );
  const [mount, { device } = { device: '/dev/xvda' }] = mounts.sort(([a], [b]) => b.length - a.length)[0] ?? [
    '/',
  ];
  return `${mount} ${device}`;
}

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

function everyTable({ tables, hurt }: PostgresData): string {
  if (hurt !== null) return `queryError=ERROR:  ${hurt}`;
  const lines = Object.entries(tables).map(
    ([key, table]) => `${key.replace(' ', '|public.')}|${digestOf(table)}|${table.rows}`,
  );
  return printed(lines.toSorted().join('\n'));
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

/** A server of the sandbox that does not run was shut down cleanly. */
const control: ScriptModel = {
  changes: false,
  durationMs: 0,
  run(run) {
    const { state, host } = run;
    const directory = argument(run, 0, 'DIRECTORY');
    const cluster = directory.replace(dataDirectory(''), '');
    if (clusterData(state, host, cluster) === undefined)
      return no([], 'NO_SUCH_DIRECTORY', `${directory} is not a data directory: it has no PG_VERSION`);
    const isRunning = host.servers[cluster] !== undefined;
    return {
      fields: [
        ...(isRunning ? ['running=1'] : []),
        `state=${isRunning ? 'in production' : 'shut down'}`,
        'checkpoint=0/15007C8',
        'timeline=1',
      ],
    };
  },
};

export const postgresqlScripts = {
  'postgresql/check': check,
  'postgresql/server': find,
  'postgresql/control': control,
};
