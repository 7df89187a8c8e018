/** What single services want of a request beyond what their models say. Runs when it is written and not yet signed. */
import { HttpRequest } from '@smithy/core/protocols';
import type { AwsCredentialIdentityProvider, MetadataBearer, SerializeMiddleware } from '@smithy/types';
import type { ServiceModel } from './model-format.ts';
import { withSourceRequest } from './presign.ts';
import { checksumHeaders } from './request-checksum.ts';

export interface FinishOptions {
  readonly model: ServiceModel;
  readonly region: string;
  readonly credentials: AwsCredentialIdentityProvider;
}

export function finishRequest(
  operation: string,
  { model, region, credentials }: FinishOptions,
): SerializeMiddleware<object, MetadataBearer> {
  return (next) => async (args) => {
    const { request, input } = args;
    if (!HttpRequest.isInstance(request)) return next(args);
    const { signingName, apiVersion } = model.metadata;
    // Without it API Gateway answers in another form.
    if (model.service === 'apigateway') request.headers['accept'] = 'application/json';
    if (model.service === 'glacier') request.headers['x-amz-glacier-version'] = apiVersion;
    const form = await withSourceRequest(`${model.service} ${operation}`, request, {
      region,
      signingName,
      credentials,
    });
    if (form !== undefined) request.body = form;
    const headers = checksumHeaders(
      model.operations[operation] ?? {},
      input,
      request.headers,
      bytesOf(request.body),
    );
    Object.assign(request.headers, headers);
    return next(args);
  };
}

function bytesOf(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  return Buffer.from(typeof body === 'string' ? body : '');
}
