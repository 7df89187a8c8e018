/** The other S3 server that a backup goes to, reached from a host of the inventory like everything else. */
import { Type, type Static } from 'typebox';
import type { S3Client } from '../../transports/s3/client.ts';
import type { ActionContext } from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { caOf, keyInputs, silenceMs } from './cluster.ts';

export const targetSchema = strictObject({
  Url: Type.String({
    pattern: '^https?://[A-Za-z0-9.-]+(:[0-9]+)?/?$',
    description: 'Scheme, name or address, and port, as Host sees them.',
  }),
  Host: Type.Optional(
    Type.String({ minLength: 1, description: 'The host that connects to it; left out: the first of Hosts.' }),
  ),
  ...keyInputs,
  ServerName: Type.Optional(
    Type.String({
      minLength: 1,
      description: 'The name that its certificate must hold; left out: that of the Url.',
    }),
  ),
  CaCertificates: Type.Optional(Type.String({ pattern: '-----BEGIN CERTIFICATE-----' })),
  BucketPrefix: Type.Optional(
    Type.String({
      pattern: '^[a-z0-9][a-z0-9.-]{0,30}$',
      description: 'Before the name of every bucket there, where several clusters share the target.',
    }),
  ),
});
export type TargetInputs = Static<typeof targetSchema>;

export interface OpenedTarget extends Disposable {
  readonly s3: S3Client;
  /** What a bucket of the cluster is called there. */
  bucket(name: string): string;
}

export async function openTarget(
  target: TargetInputs,
  firstHost: string,
  context: ActionContext,
): Promise<OpenedTarget> {
  const [{ HttpClient }, { S3Client }] = await Promise.all([
    import('../../transports/http/client.ts'),
    import('../../transports/s3/client.ts'),
  ]);
  const url = new URL(target.Url);
  const isTls = url.protocol === 'https:';
  const port = url.port === '' ? (isTls ? 443 : 80) : Number(url.port);
  const host = context.host(target.Host ?? firstHost);
  const http = new HttpClient({
    label: `backup target ${url.hostname} port ${port}`,
    authority: url.host,
    dial: (options) => host.dial({ address: url.hostname, port }, options),
    ...(isTls ? { tls: { serverName: target.ServerName ?? url.hostname, ...caOf(target) } } : {}),
  });
  const key = { accessKeyId: target.AccessKey, secretAccessKey: target.SecretKey };
  return {
    s3: new S3Client(http, { key, signal: context.signal, silenceMs }),
    bucket: (name) => `${target.BucketPrefix ?? ''}${name}`,
    [Symbol.dispose]: () => http.close(),
  };
}
