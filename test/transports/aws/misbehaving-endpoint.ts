/** A small EC2 endpoint that behaves as badly as it is told to, request by request, and counts what it received. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What happens to one request. The comment says whether a real service would have acted on it. */
export type Behaviour =
  /** Acts and answers. */
  | 'answer'
  /** Acts; the connection is reset before the reply. */
  | 'reset'
  /** Acts; the connection is closed without a reply. */
  | 'hang up'
  /** Acts; never answers. */
  | 'hang'
  /** Acts; the reply stops in the middle. */
  | 'half a reply'
  /** Acts; the headers come, the body does not. */
  | 'headers only'
  /** Acts; the reply drips so slowly that it does not end in time. */
  | 'drip'
  /** May have acted; the service says that something broke. */
  | 'internal error'
  /** May have acted; a web page with status 500. */
  | 'html 500'
  /** Acts; a web page with status 200. */
  | 'html 200'
  /** Acts; nothing at all with status 200. */
  | 'empty 200'
  /** Refused: too many requests. */
  | 'throttle'
  /** Refused: no machine left. */
  | 'no capacity'
  /** Refused for good. */
  | 'refuse';

const ACTS: ReadonlySet<Behaviour> = new Set<Behaviour>([
  'answer',
  'reset',
  'hang up',
  'hang',
  'half a reply',
  'headers only',
  'drip',
  'internal error',
  'html 500',
  'html 200',
  'empty 200',
]);

export interface MisbehavingEndpoint {
  readonly url: string;
  /** One entry per request that arrived whole. */
  readonly requests: readonly ReceivedRequest[];
  /** How often something may have happened in the world. */
  effects(): number;
  close(): Promise<void>;
}

export interface ReceivedRequest {
  readonly behaviour: Behaviour;
  readonly form: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
}

/** The n-th request gets the n-th behaviour; the last one stays. */
export async function startMisbehaving(behaviours: readonly Behaviour[]): Promise<MisbehavingEndpoint> {
  const requests: ReceivedRequest[] = [];
  const timers = new Set<NodeJS.Timeout>();
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const behaviour = behaviours[Math.min(requests.length, behaviours.length - 1)] ?? 'answer';
      requests.push({ behaviour, form: new URLSearchParams(body), headers: request.headers });
      behave(behaviour, request, response, timers);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = addressOf(server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    effects: () => requests.filter(({ behaviour }) => ACTS.has(behaviour)).length,
    close: async () => {
      timers.forEach(clearInterval);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function addressOf(address: string | AddressInfo | null): AddressInfo {
  if (typeof address === 'object' && address !== null) return address;
  throw new Error('the server has no port');
}

const XML = { 'content-type': 'text/xml;charset=UTF-8' };
const REPLY = '<?xml version="1.0"?><Reply><requestId>r-1</requestId><volumeId>vol-1</volumeId></Reply>';
const PAGE = '<!doctype html>\n<html><title>Error</title><h1>Oops</h1></html>';

function errorBody(code: string): string {
  return `<Response><Errors><Error><Code>${code}</Code><Message>Told to</Message></Error></Errors><RequestID>r-2</RequestID></Response>`;
}

function behave(
  behaviour: Behaviour,
  { socket }: IncomingMessage,
  response: ServerResponse,
  timers: Set<NodeJS.Timeout>,
): void {
  const answer = (status: number, headers: Record<string, string>, body: string): void => {
    response.writeHead(status, headers).end(body);
  };
  switch (behaviour) {
    case 'answer':
      return answer(200, XML, REPLY);
    case 'reset':
      socket.resetAndDestroy();
      return undefined;
    case 'hang up':
      socket.destroy();
      return undefined;
    case 'hang':
      return undefined;
    case 'half a reply':
      response.writeHead(200, { ...XML, 'content-length': String(REPLY.length) });
      response.write(REPLY.slice(0, 40), () => socket.destroy());
      return undefined;
    case 'headers only':
      response.writeHead(200, { ...XML, 'content-length': String(REPLY.length) });
      response.flushHeaders();
      return undefined;
    case 'drip':
      response.writeHead(200, { ...XML, 'content-length': String(REPLY.length) });
      timers.add(setInterval(() => response.write(' '), 50));
      return undefined;
    case 'internal error':
      return answer(500, XML, errorBody('InternalError'));
    case 'html 500':
      return answer(500, { 'content-type': 'text/html' }, PAGE);
    case 'html 200':
      return answer(200, { 'content-type': 'text/html' }, PAGE);
    case 'empty 200':
      return answer(200, XML, '');
    case 'throttle':
      return answer(503, XML, errorBody('RequestLimitExceeded'));
    case 'no capacity':
      return answer(500, XML, errorBody('InsufficientInstanceCapacity'));
    case 'refuse':
      return answer(400, XML, errorBody('IncorrectInstanceState'));
    default:
      return behaviour satisfies never;
  }
}
