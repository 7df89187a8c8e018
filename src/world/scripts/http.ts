/** http/check over the sandbox's web servers: files of one folder, by GET and HEAD, without TLS. */
import { isUp, systemOf } from '../hosts/devices.ts';
import { fileAt } from '../hosts/files.ts';
import { isActive } from '../hosts/units.ts';
import type { HostState, UnitBehaviour } from '../state.ts';
import { argument, NotModelled, type ScriptModel, type ScriptRun } from './model.ts';

type WebUnit = Extract<UnitBehaviour, { kind: 'web' }>;

const check: ScriptModel = {
  changes: false,
  durationMs: 0,
  run(run) {
    const url = argument(run, 0, 'URL');
    const bodyBytesMax = Number(argument(run, 2, 'BODYBYTESMAX'));
    const method = run.args[3] ?? 'GET';
    const { protocol, hostname, port, pathname } = new URL(url);
    const host = serverOf(run, hostname);
    if (protocol !== 'http:' || !host || !['GET', 'HEAD'].includes(method))
      throw new NotModelled(
        `the sandbox does not model ${method} ${url}, only GET and HEAD of http:// on its own hosts`,
      );
    if (!isUp(run.state, host))
      return { fields: [`unreachable=Failed to connect to ${hostname}: No route to host`] };
    const server = listening(run, host, Number(port || '80'));
    if (!server)
      return {
        fields: [`unreachable=Failed to connect to ${hostname} port ${port || '80'}: Connection refused`],
      };
    const page = pathname.endsWith('/') ? `${pathname}index.html` : pathname;
    const file = fileAt(run.state, host, `${server.folder}${page}`);
    const body = file?.kind === 'file' ? Buffer.from(file.base64, 'base64') : Buffer.from('404 Not Found\n');
    const shown = method === 'HEAD' ? Buffer.alloc(0) : body.subarray(0, bodyBytesMax);
    return { fields: [`status=${file?.kind === 'file' ? 200 : 404}`, `body=${shown.toString('base64')}`] };
  },
};

function serverOf({ state, host }: ScriptRun, hostname: string): HostState | undefined {
  if (hostname === 'localhost' || hostname === '127.0.0.1') return host;
  return Object.values(state.hosts).find(
    ({ name, instanceId }) => name === hostname || state.instances[instanceId]?.privateIpAddress === hostname,
  );
}

function listening({ state }: ScriptRun, host: HostState, port: number): WebUnit | undefined {
  for (const [name, { runs }] of Object.entries(systemOf(state, host).units)) {
    if (runs.kind === 'web' && runs.port === port && isActive(host, name)) return runs;
  }
  return undefined;
}

export const httpScripts = { 'http/check': check };
