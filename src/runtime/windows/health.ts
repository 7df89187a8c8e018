/** /healthz and /metrics (Prometheus text) of a daemon, on a local port or socket. Reads the state folder; changes nothing. */
import { createServer } from 'node:http';
import { rmSync } from 'node:fs';
import { openSqliteJournal, openWindowStore } from '../../journal/index.ts';
import { Refusal } from '../refusal.ts';
import { isDaemonAlive } from '../lock.ts';
import { occurrenceOf } from './scheduler.ts';

export interface Health {
  beat(): void;
  close(): void;
}

/** Silent for longer, it is not healthy. */
const silentMsMax = 30_000;

/** `127.0.0.1:9464` or `unix:/run/belay.sock`. Throws Refusal. */
export async function serveHealth(stateDir: string, where: string): Promise<Health> {
  let beatAt = Date.now();
  const server = createServer((request, response) => {
    const isWell = Date.now() - beatAt < silentMsMax;
    if (request.url === '/healthz') {
      response.writeHead(isWell ? 200 : 503, { 'content-type': 'text/plain' });
      response.end(isWell ? 'ok\n' : `silent for ${Math.round((Date.now() - beatAt) / 1000)} s\n`);
    } else if (request.url === '/metrics') {
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' });
      response.end(metricsText(stateDir));
    } else {
      response.writeHead(404).end();
    }
  });
  const target = targetOf(where);
  if (target.path !== undefined) rmSync(target.path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new Refusal('usage', 'CANNOT_LISTEN', `--listen ${where}: ${error.message}`)),
    );
    server.listen(target, resolve);
  });
  return {
    beat: () => (beatAt = Date.now()),
    close: () => server.close(),
  };
}

function targetOf(where: string): { path?: string; host?: string; port?: number } {
  if (where.startsWith('unix:/')) return { path: where.slice('unix:'.length) };
  const match = /^(127\.0\.0\.1|localhost|\[::1\]|::1):(\d{1,5})$/.exec(where);
  if (match === null) {
    throw new Refusal('usage', 'BAD_LISTEN', `--listen ${where}: that is no local place`, {
      hint: '127.0.0.1:9464 or unix:/run/belay.sock',
    });
  }
  return { host: (match[1] ?? '').replaceAll(/[[\]]/g, ''), port: Number(match[2]) };
}

/** Numbers of this state folder. */
export function metricsText(stateDir: string): string {
  const journal = openSqliteJournal(stateDir);
  const store = openWindowStore(stateDir);
  try {
    const open = store.open().map(occurrenceOf);
    const lateSeconds = open.map(({ dueAt, startedAt, seenAt }) => ((startedAt ?? seenAt) - dueAt) / 1000);
    const byStatus = new Map<string, number>();
    for (const { status } of open.flatMap(({ tasks }) => tasks))
      byStatus.set(status, (byStatus.get(status) ?? 0) + 1);
    return [
      '# HELP belay_leader Whether a daemon leads this state folder.',
      '# TYPE belay_leader gauge',
      `belay_leader ${isDaemonAlive(stateDir) ? 1 : 0}`,
      '# HELP belay_executions Executions in the journal.',
      '# TYPE belay_executions gauge',
      `belay_executions ${journal.executionIds().length}`,
      '# HELP belay_occurrences_open Occurrences of windows that have not ended.',
      '# TYPE belay_occurrences_open gauge',
      `belay_occurrences_open ${open.length}`,
      '# HELP belay_tasks_open Tasks of open occurrences by status.',
      '# TYPE belay_tasks_open gauge',
      ...[...byStatus].map(([status, count]) => `belay_tasks_open{status="${status}"} ${count}`),
      '# HELP belay_late_seconds_max How late the latest open occurrence began.',
      '# TYPE belay_late_seconds_max gauge',
      `belay_late_seconds_max ${Math.max(0, ...lateSeconds).toFixed(3)}`,
      '',
    ].join('\n');
  } finally {
    store.close();
    journal.close();
  }
}
