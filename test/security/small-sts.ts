/**
 * STS as far as GetCallerIdentity goes: it computes each signature anew, from the specification (IAM User Guide, "Create a signed AWS
 * API request") and without any code of the SDK, and answers in AWS's own words. It can be told to misbehave.
 */
import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

export interface Caller {
  readonly secret: string;
  readonly arn: string;
  readonly sessionToken?: string;
}

export interface SmallSts {
  readonly url: string;
  /** What was asked, newest last. */
  readonly asked: { readonly url: string; readonly headers: IncomingMessage['headers'] }[];
  /** Instead of an honest answer. */
  misbehave: ((response: ServerResponse) => void) | undefined;
  close(): Promise<void>;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const encoded = (text: string): string =>
  encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/** `callers`: by access key. */
export async function startSmallSts(callers: Readonly<Record<string, Caller>>): Promise<SmallSts> {
  const asked: SmallSts['asked'] = [];
  const server = createServer((request, response) => {
    asked.push({ url: request.url ?? '', headers: request.headers });
    if (sts.misbehave !== undefined) {
      sts.misbehave(response);
      return;
    }
    const { status, body } = answer(request, callers);
    response.writeHead(status, { 'content-type': 'text/xml' });
    response.end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const sts: SmallSts = {
    url: `http://127.0.0.1:${port}`,
    asked,
    misbehave: undefined,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return sts;
}

function answer(
  { method, url = '', headers }: IncomingMessage,
  callers: Readonly<Record<string, Caller>>,
): { readonly status: number; readonly body: string } {
  const { pathname, searchParams: query } = new URL(url, 'http://sts');
  const error = (code: string): { status: number; body: string } => ({
    status: 403,
    body: `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code></Error></ErrorResponse>`,
  });
  const part = (name: string): string => query.get(name) ?? '';
  const [key = '', day = '', region = '', service = '', end = ''] = part('X-Amz-Credential').split('/');
  const caller = Object.hasOwn(callers, key) ? callers[key] : undefined;
  if (caller === undefined) return error('InvalidClientTokenId');
  if (part('X-Amz-Security-Token') !== (caller.sessionToken ?? '')) return error('InvalidClientTokenId');
  if (part('Action') !== 'GetCallerIdentity' || pathname !== '/') return error('InvalidAction');
  const date = part('X-Amz-Date');
  const signed = part('X-Amz-SignedHeaders');
  const text = Array.from(query)
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .toSorted()
    .join('&');
  const names = signed.split(';');
  const canonical = [
    method,
    pathname,
    text,
    ...names.map((name) => `${name}:${String(headers[name] ?? '').trim()}`),
    '',
    signed,
    sha256(''),
  ].join('\n');
  const scope = [day, region, service, end].join('/');
  const wanted = ['aws4_request', service, region, day]
    .toReversed()
    .reduce<string | Buffer>((signing, word) => hmac(signing, word), `AWS4${caller.secret}`);
  const signature = hmac(wanted, ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n')).toString(
    'hex',
  );
  if (!names.includes('host') || signature !== part('X-Amz-Signature')) return error('SignatureDoesNotMatch');
  const at = Date.parse(date.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (Date.now() > at + Number(part('X-Amz-Expires')) * 1000) return error('ExpiredToken');
  return { status: 200, body: identityReply(caller.arn) };
}

/** As AWS writes it. */
export function identityReply(arn: string): string {
  return `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <GetCallerIdentityResult>
    <Arn>${arn}</Arn>
    <UserId>AIDA0000000000000000A</UserId>
    <Account>${arn.split(':')[4] ?? ''}</Account>
  </GetCallerIdentityResult>
  <ResponseMetadata><RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId></ResponseMetadata>
</GetCallerIdentityResponse>`;
}
