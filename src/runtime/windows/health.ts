/** /healthz and /metrics (Prometheus text) of a daemon, on a local port or socket. Reads the state folder; changes nothing. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { rmSync } from 'node:fs';
import type { Belay } from '../belay.ts';
import { Refusal } from '../refusal.ts';
import type { Beat } from './daemon-options.ts';
import { metricsText } from './metrics.ts';

export interface Health {
  beat(beat: Beat): void;
  close(): void;
}

/** Silent for longer, it is not healthy. */
const silentMsMax = 30_000;

/** `127.0.0.1:9464` or `unix:/run/belay.sock`. Throws Refusal. */
export async function serveHealth(belay: Belay, where: string, now: () => number): Promise<Health> {
  let beatAt = now();
  let last: Beat = { leads: false, windows: [], trouble: null };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const say = (status: number, text: string, type = 'text/plain'): void => {
      response.writeHead(status, { 'content-type': type });
      response.end(text);
    };
    const silentMs = Math.abs(now() - beatAt);
    if (request.url === '/healthz') {
      if (silentMs >= silentMsMax) say(503, `silent for ${Math.round(silentMs / 1000)} s\n`);
      else if (last.trouble !== null) say(503, `${last.trouble}\n`);
      else say(200, last.leads ? 'ok\n' : 'ok, stands by\n');
    } else if (request.url === '/metrics') {
      try {
        say(200, await metricsText(belay, last, now()), 'text/plain; version=0.0.4');
      } catch (error) {
        say(503, `${error instanceof Error ? error.message : String(error)}\n`);
      }
    } else say(404, 'there are /healthz and /metrics\n');
  };
  const server = createServer((request, response) => void answer(request, response));
  const target = targetOf(where);
  if (target.path !== undefined) rmSync(target.path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new Refusal('usage', 'CANNOT_LISTEN', `--listen ${where}: ${error.message}`)),
    );
    server.listen(target, resolve);
  });
  return {
    beat: (beat) => {
      beatAt = now();
      last = beat;
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function targetOf(where: string): { path?: string; host?: string; port?: number } {
  if (where.startsWith('unix:/')) return { path: where.slice('unix:'.length) };
  const match = /^(127\.0\.0\.1|localhost|\[::1\]|::1):(\d{1,5})$/.exec(where);
  if (match === null) {
    throw new Refusal('usage', 'BAD_LISTEN', `--listen ${where}: that is not a local place`, {
      hint: '127.0.0.1:9464 or unix:/run/belay.sock',
    });
  }
  return { host: (match[1] ?? '').replaceAll(/[[\]]/g, ''), port: Number(match[2]) };
}
