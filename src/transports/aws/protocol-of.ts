/** Which of the SDK's protocols speaks to a service. */
import { AwsSmithyRpcV2CborProtocol } from '@aws-sdk/core/protocols';
import {
  AwsEc2QueryProtocol,
  AwsJson1_0Protocol,
  AwsJson1_1Protocol,
  AwsQueryProtocol,
  AwsRestJsonProtocol,
  AwsRestXmlProtocol,
} from '@aws-sdk/core/protocols';
import type { ServiceModel } from './model-format.ts';

export function protocolOf({ service, metadata }: ServiceModel) {
  const { apiVersion: version, xmlNamespace = '', targetPrefix: serviceTarget = '' } = metadata;
  const defaultNamespace = `belay.${service}`;
  switch (metadata.protocol) {
    case 'ec2':
      return new AwsEc2QueryProtocol({ defaultNamespace, xmlNamespace, version });
    case 'query':
      return new AwsQueryProtocol({ defaultNamespace, xmlNamespace, version });
    case 'rest-xml':
      return new AwsRestXmlProtocol({ defaultNamespace, xmlNamespace });
    case 'rest-json':
      return new AwsRestJsonProtocol({ defaultNamespace });
    case 'smithy-rpc-v2-cbor':
      return new AwsSmithyRpcV2CborProtocol({ defaultNamespace });
    case 'json': {
      const settings = {
        defaultNamespace,
        serviceTarget,
        awsQueryCompatible: metadata.awsQueryCompatible === true,
      };
      return metadata.jsonVersion === '1.0'
        ? new AwsJson1_0Protocol(settings)
        : new AwsJson1_1Protocol(settings);
    }
    default:
      return metadata.protocol satisfies never;
  }
}
