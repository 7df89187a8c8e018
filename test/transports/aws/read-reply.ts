/** What Belay reads from a reply, without a server: the SDK's protocol and what Belay makes of it. */
import { HttpResponse } from '@smithy/core/protocols';
import { operation as operationSchema } from '@smithy/core/schema';
import type { JsonObject } from '../../../src/json.ts';
import { decodeReply } from '../../../src/transports/aws/decode.ts';
import type { ServiceModel } from '../../../src/transports/aws/model-format.ts';
import { protocolOf } from '../../../src/transports/aws/protocol-of.ts';
import { createSchemas } from '../../../src/transports/aws/schemas.ts';
import { writeOutReferences } from '../../../src/transports/aws/xml-references.ts';
import { serdeContext } from './compare-requests.ts';

const isXml = ({ metadata }: ServiceModel): boolean =>
  ['ec2', 'query', 'rest-xml'].includes(metadata.protocol);

export async function readReply(
  model: ServiceModel,
  operation: string,
  { headers, body }: { readonly headers: Readonly<Record<string, string>>; readonly body: Uint8Array },
): Promise<JsonObject> {
  const protocol = protocolOf(model);
  protocol.setSerdeContext(serdeContext);
  const [, ...schema] = createSchemas(model, { hostPrefix: true }).operation(operation);
  const response = new HttpResponse({
    statusCode: 200,
    headers: { ...headers },
    body: isXml(model) ? writeOutReferences(new Uint8Array(body)) : new Uint8Array(body),
  });
  const output = model.operations[operation]?.output;
  const reply = await protocol.deserializeResponse(operationSchema(...schema), serdeContext, response);
  const { ResponseMetadata: _, ...members } = decodeReply(model, output, reply, {
    reveal: true,
    requestId: undefined,
  });
  return members;
}
