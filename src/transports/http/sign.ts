/** Signs requests with an access key (SigV4), by the AWS SDK's own signer. Loaded when a request is first signed. */
import type { HttpRequest } from './client.ts';

export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** What is signed for where nothing else was said. MinIO takes it unless MINIO_SITE_REGION says otherwise. */
export const defaultRegion = 'us-east-1';

/** The same request with the headers that prove who sends it. A streamed body is not covered: compare it afterwards. */
export async function signed(
  request: HttpRequest,
  {
    authority,
    key,
    region,
  }: { readonly authority: string; readonly key: AccessKey; readonly region: string },
): Promise<HttpRequest> {
  const [{ SignatureV4 }, { Sha256 }] = await Promise.all([
    import('@smithy/signature-v4'),
    import('@smithy/core/checksum'),
  ]);
  const signer = new SignatureV4({
    credentials: key,
    region,
    service: 's3',
    sha256: Sha256,
    // S3 signs the path as it is sent.
    uriEscapePath: false,
    applyChecksum: true,
  });
  const { method, path, query = {}, headers = {}, body } = request;
  const isBytes = body === undefined || body instanceof Uint8Array;
  const { headers: proof } = await signer.sign({
    protocol: 'https:',
    hostname: authority,
    method,
    path,
    query: { ...query },
    headers: {
      ...headers,
      host: authority,
      ...(isBytes ? {} : { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }),
    },
    ...(isBytes ? { body: body ?? '' } : {}),
  });
  return { ...request, headers: proof };
}
