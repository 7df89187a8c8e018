/** The moto server below the endpoint: where it is installed, how it is started, and how a request is handed to it. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { JsonObject } from '../../../src/json.ts';
import { textParam, type ArrivedRequest, type Caller } from './api-call.ts';
import { ApiError, type Reply } from './reply.ts';
import { parseXml, textAt, child, type Element } from './xml.ts';

const motoDirectory = process.env['BELAY_MOTO'] ?? '/var/lib/belay-lab/moto';
const motoProgram = join(motoDirectory, 'bin', 'moto_server');
const startTimeoutMs = 60_000;

/** Why no moto can be started here; undefined when one can. */
export function motoMissing(): string | undefined {
  if (existsSync(motoProgram)) return undefined;
  return `no moto server in ${motoDirectory}: run test/lab/endpoint/install-moto.sh`;
}

export interface Moto {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** Hands a request on byte by byte, Host header included, and returns the answer. */
  forward(request: ArrivedRequest): Promise<Reply>;
  /** An EC2 call of the endpoint's own, as the caller. Throws ApiError with moto's code when it is refused. */
  ec2(caller: Caller, action: string, params: Readonly<Record<string, string>>): Promise<Element>;
  /** An SSM call of the endpoint's own, as the caller. Throws ApiError with moto's code when it is refused. */
  ssm(caller: Caller, operation: string, params: JsonObject): Promise<JsonObject>;
  /** Any other call of the endpoint's own, as the caller; the answer as it came. */
  ask(caller: Caller, service: string, question: Question): Promise<Reply>;
  /** Ends the server when it was started here. */
  close(): Promise<void>;
}

export interface Question {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Names and values alternating. */
  readonly headers?: readonly string[];
  readonly body?: string;
}

/** A moto server of its own, on a free loopback port. It ends with this process even if nobody closes it. */
export async function startMoto(): Promise<Moto> {
  const port = await freePort();
  const server = spawn(
    'setpriv',
    ['--pdeathsig', 'KILL', motoProgram, '-H', '127.0.0.1', '-p', String(port)],
    // Fixed credentials: moto calls itself for some services and must not look for others.
    {
      stdio: 'ignore',
      env: { PATH: process.env['PATH'] ?? '', AWS_ACCESS_KEY_ID: 'lab', AWS_SECRET_ACCESS_KEY: 'lab' },
    },
  );
  let ended = false;
  const end = new Promise<void>((resolve) => {
    server.once('exit', () => resolve());
    server.once('error', () => resolve());
  }).then(() => {
    ended = true;
  });
  const moto = connectMoto(`http://127.0.0.1:${port}`);
  for (const giveUpAt = Date.now() + startTimeoutMs; !(await answers(moto.url)); await delay(50)) {
    if (ended || Date.now() > giveUpAt) {
      server.kill('SIGKILL');
      throw new Error(
        `${motoProgram} did not answer on port ${port}${ended ? ': it ended' : ` in ${startTimeoutMs} ms`}`,
      );
    }
  }
  return {
    ...moto,
    close: async () => {
      server.kill('SIGKILL');
      await end;
    },
  };
}

/** A moto server that runs already; closing leaves it alone. */
export function connectMoto(url: string): Moto {
  const { hostname, port } = new URL(url);
  const send = (method: string, path: string, headers: readonly string[], body: Buffer): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const outgoing = httpRequest({ hostname, port, method, path, headers, agent: false }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () => {
          const headers = endToEnd(answer.rawHeaders);
          resolve({ status: answer.statusCode ?? 502, headers, body: Buffer.concat(chunks) });
        });
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  const signed = ({ accessKey, region }: Caller, service: string): string[] => [
    'Host',
    `${service}.${region}.amazonaws.com`,
    'Authorization',
    `AWS4-HMAC-SHA256 Credential=${accessKey}/20260101/${region}/${service}/aws4_request, SignedHeaders=host, Signature=0`,
  ];
  return {
    url,
    forward: ({ method, path, rawHeaders, body }) => {
      const length = body.length > 0 ? ['Content-Length', String(body.length)] : [];
      return send(
        method,
        path,
        [...without(/^(?:content-length|expect)$/i, endToEnd(rawHeaders)), ...length],
        body,
      );
    },
    ec2: async (caller, action, params) => {
      const form = Buffer.from(
        new URLSearchParams({ Action: action, Version: '2016-11-15', ...params }).toString(),
      );
      const headers = [
        'Content-Type',
        'application/x-www-form-urlencoded',
        'Content-Length',
        String(form.length),
      ];
      const { body } = await send('POST', '/', [...signed(caller, 'ec2'), ...headers], form);
      return ec2Answer(action, body);
    },
    ssm: async (caller, operation, params) => {
      const json = Buffer.from(JSON.stringify(params));
      const headers = [
        'X-Amz-Target',
        `AmazonSSM.${operation}`,
        'Content-Type',
        'application/x-amz-json-1.1',
      ];
      const length = ['Content-Length', String(json.length)];
      const { status, body } = await send(
        'POST',
        '/',
        [...signed(caller, 'ssm'), ...headers, ...length],
        json,
      );
      const answer = JSON.parse(body.toString('utf8')) as JsonObject;
      if (status === 200) return answer;
      throw new ApiError(
        textParam(answer, '__type') ?? 'InternalServerError',
        textParam(answer, 'message') ?? '',
        status,
      );
    },
    ask: (caller, service, { method, path, headers = [], body = '' }) => {
      const bytes = Buffer.from(body);
      const length = bytes.length > 0 ? ['Content-Length', String(bytes.length)] : [];
      return send(method, path, [...signed(caller, service), ...headers, ...length], bytes);
    },
    close: () => Promise.resolve(),
  };
}

/** Reads moto's EC2 answer; throws ApiError with its code when it is a refusal. */
export function ec2Answer(action: string, body: Buffer): Element {
  const text = body.toString('utf8');
  if (!text.trimStart().startsWith('<?xml') && !text.trimStart().startsWith('<Response'))
    throw new ApiError('InternalError', `moto has no ${action}: ${text.slice(0, 200)}`, 500);
  const root = parseXml(text.trim());
  const error = child(root, 'Errors', 'Error');
  if (error !== undefined) throw new ApiError(textAt(error, 'Code'), textAt(error, 'Message'));
  return root;
}

/** Leaves out the headers that belong to one connection only (RFC 9110, 7.6.1). */
function endToEnd(rawHeaders: readonly string[]): string[] {
  return without(/^(?:connection|keep-alive|transfer-encoding)$/i, rawHeaders);
}

function without(names: RegExp, rawHeaders: readonly string[]): string[] {
  return rawHeaders.flatMap((name, index) =>
    index % 2 === 0 && !names.test(name) ? [name, rawHeaders[index + 1] ?? ''] : [],
  );
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/moto-api/`, { method: 'HEAD' })).status < 600;
  } catch {
    return false;
  }
}

/** A loopback port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === 'object' && address !== null
          ? resolve(address.port)
          : reject(new Error('no port')),
      );
    });
  });
}
