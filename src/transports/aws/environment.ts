/** Credentials, region and endpoint as the environment variables that every AWS SDK and boto3 read. */
import { loadConfig } from '@smithy/core/config';
import type { AwsCredentialIdentity } from '@smithy/types';

/** `endpoint` wins over AWS_ENDPOINT_URL and the profile's endpoint_url. */
export async function environmentOf(
  { accessKeyId, secretAccessKey, sessionToken }: AwsCredentialIdentity,
  region: string,
  endpoint: string | undefined,
): Promise<Readonly<Record<string, string>>> {
  const everywhere = endpoint ?? (await configuredEndpoint());
  return {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    ...(sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: sessionToken }),
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    ...(endpoint === undefined ? endpointsOfServices(process.env) : {}),
    ...(everywhere === '' ? {} : { AWS_ENDPOINT_URL: everywhere }),
  };
}

/** AWS_ENDPOINT_URL_S3 and its like. */
function endpointsOfServices(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      /^AWS_ENDPOINT_URL_[A-Z0-9_]+$/.test(name) && value !== undefined ? [[name, value]] : [],
    ),
  );
}

function configuredEndpoint(): Promise<string> {
  return loadConfig({
    environmentVariableSelector: (env) => env['AWS_ENDPOINT_URL'],
    configFileSelector: (profile) => profile['endpoint_url'],
    default: '',
  })();
}
