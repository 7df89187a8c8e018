/** The SDK's SigV4 signer, kept from signing what SigV4 cannot. */
import { AwsSdkSigV4Signer } from '@aws-sdk/core/httpAuthSchemes';
import type { AwsCredentialIdentity, HttpSigner, Identity } from '@smithy/types';

const sigV4 = new AwsSdkSigV4Signer();

/** Throws where the endpoint rules ask for another signature alone: one for several regions, or one under an S3 session. */
export const signer: HttpSigner = {
  sign(request, identity, properties) {
    const schemes = schemesOf(properties['context']);
    if (schemes.length > 0 && !schemes.includes('sigv4'))
      throw new Error(`the endpoint wants the signature ${schemes.join(' or ')}, and Belay signs with sigv4`);
    if (!isAwsIdentity(identity)) throw new Error('there are no AWS credentials to sign with');
    return sigV4.sign(request, identity, properties);
  },
  errorHandler: (properties) => sigV4.errorHandler(properties),
  successHandler: (response, properties) => sigV4.successHandler(response, properties),
};

function isAwsIdentity(identity: Identity): identity is AwsCredentialIdentity {
  return 'accessKeyId' in identity && 'secretAccessKey' in identity;
}

function schemesOf(context: unknown): readonly string[] {
  const schemes = memberOf(memberOf(memberOf(context, 'endpointV2'), 'properties'), 'authSchemes');
  return Array.isArray(schemes)
    ? schemes.map((scheme: unknown) => memberOf(scheme, 'name')).filter((name) => typeof name === 'string')
    : [];
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
