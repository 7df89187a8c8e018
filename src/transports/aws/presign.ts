/**
 * Copies across regions carry a signed request for the source region within the request to the target. Where the caller names
 * the source and gives none himself, it is written here, as boto3 does.
 */
import { formatUrl } from '@aws-sdk/core/util';
import { Sha256 } from '@smithy/core/checksum';
import { HttpRequest } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import type { AwsCredentialIdentityProvider } from '@smithy/types';

const EXPIRES_SECONDS = 3_600;
const RDS = new Set([
  'rds CopyDBClusterSnapshot',
  'rds CreateDBCluster',
  'rds CopyDBSnapshot',
  'rds CreateDBInstanceReadReplica',
  'rds StartDBInstanceAutomatedBackupsReplication',
  'neptune CopyDBClusterSnapshot',
  'neptune CreateDBCluster',
  'docdb CopyDBClusterSnapshot',
  'docdb CreateDBCluster',
]);

interface Caller {
  readonly region: string;
  readonly signingName: string;
  readonly credentials: AwsCredentialIdentityProvider;
}

/** The form of the request, with the signed URL in it where one belongs; undefined where none does. */
export async function withSourceRequest(
  call: string,
  request: HttpRequest,
  caller: Caller,
): Promise<string | undefined> {
  const isSnapshot = call === 'ec2 CopySnapshot';
  if (!isSnapshot && !RDS.has(call)) return undefined;
  const form = new URLSearchParams(String(request.body));
  const source = form.get('SourceRegion');
  if (source === null) return undefined;
  // It is not a member of the API of RDS.
  if (!isSnapshot) form.delete('SourceRegion');
  const member = isSnapshot ? 'PresignedUrl' : 'PreSignedUrl';
  if (!form.has(member)) {
    const asked = new URLSearchParams(form);
    asked.set('DestinationRegion', caller.region);
    form.set(member, await presigned(request, asked, source, caller));
    if (isSnapshot) form.set('DestinationRegion', caller.region);
  }
  return form.toString();
}

async function presigned(
  request: HttpRequest,
  form: URLSearchParams,
  source: string,
  { region, signingName, credentials }: Caller,
): Promise<string> {
  const hostname = request.hostname.replace(region, source);
  const port = request.port === undefined ? {} : { port: request.port };
  const asked = new HttpRequest({
    method: 'GET',
    protocol: request.protocol,
    hostname,
    ...port,
    path: request.path,
    headers: { host: request.port === undefined ? hostname : `${hostname}:${request.port}` },
    query: Object.fromEntries(form),
  });
  const signer = new SignatureV4({ credentials, region: source, service: signingName, sha256: Sha256 });
  return formatUrl(await signer.presign(asked, { expiresIn: EXPIRES_SECONDS }));
}
