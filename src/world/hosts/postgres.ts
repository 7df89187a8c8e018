/** PostgreSQL servers: what they need to start, and the data that they serve. */
import type { HostState, PostgresData, UnitBehaviour, WorldState } from '../state.ts';
import { locate, systemOf } from './devices.ts';

type PostgresUnit = Extract<UnitBehaviour, { kind: 'postgres' }>;

/** `/var/lib/postgresql/15/main` for `15/main`. */
export function dataDirectory(cluster: string): string {
  return `/var/lib/postgresql/${cluster}`;
}

/** The data directory's contents, when the volume that holds it is mounted. */
export function clusterData(state: WorldState, host: HostState, cluster: string): PostgresData | undefined {
  const place = locate(state, host, dataDirectory(cluster));
  const data = place?.contents.postgres;
  return data && data.directory === place.path ? data : undefined;
}

/** Says why the server does not start; undefined when it runs. */
export function startServer(
  state: WorldState,
  host: HostState,
  unit: PostgresUnit,
  now: number,
): string | undefined {
  const installed = systemOf(state, host).packages[unit.package];
  if (!installed) return `Error: ${unit.package} is not installed`;
  const data = clusterData(state, host, unit.cluster);
  if (!data) return `Error: ${dataDirectory(unit.cluster)} is not accessible or does not exist`;
  const { version, broken } = installed.release;
  if (data.majorVersion !== version.split('.')[0])
    return `FATAL:  database files are incompatible with server: initialized by version ${data.majorVersion}, server is ${serverVersion(version)}`;
  if (broken?.when === 'start') return broken.message;
  host.servers[unit.cluster] = { packageVersion: version, startedAt: now, port: unit.port };
  return undefined;
}

/** `15.18` of `15.18-0+deb12u1`. */
export function serverVersion(packageVersion: string): string {
  return packageVersion.split('-')[0] ?? packageVersion;
}
