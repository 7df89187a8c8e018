/**
 * The shape of the files under models/: what is left of a botocore service model when descriptions, error shapes and
 * everything that no operation reaches are taken away. The keys keep botocore's spelling. `update-models.ts` writes them.
 */

import type { RuleSetObject } from '@smithy/types';

/** models/index.json */
export interface ModelIndex {
  /** The botocore release that the models were taken from. */
  readonly botocore: string;
  /** Every boto3 client name → the other names that AWS gives the service: its id, endpoint and signing name, letters only. */
  readonly services: Readonly<Record<string, readonly string[]>>;
}

/** models/<service>.json.br */
export interface ServiceModel {
  readonly service: string;
  /** The botocore release that it was taken from. */
  readonly botocore: string;
  readonly metadata: ServiceMetadata;
  /** The service's own rule set: parameters (region, FIPS, dual stack, custom endpoint) → URL and signing region. */
  readonly endpointRules: EndpointRules;
  readonly operations: Readonly<Record<string, OperationModel>>;
  readonly shapes: Readonly<Record<string, Shape>>;
}

export type Protocol = 'ec2' | 'query' | 'json' | 'rest-json' | 'rest-xml' | 'smithy-rpc-v2-cbor';

export interface ServiceMetadata {
  readonly apiVersion: string;
  readonly protocol: Protocol;
  /** `Secrets Manager`: names the environment variable AWS_ENDPOINT_URL_SECRETS_MANAGER. */
  readonly serviceId: string;
  /** The service name in the SigV4 credential scope. */
  readonly signingName: string;
  /** json and CBOR only: the prefix of X-Amz-Target, and `1.0` or `1.1`. */
  readonly targetPrefix?: string;
  readonly jsonVersion?: string;
  /** Protocols in XML only. */
  readonly xmlNamespace?: string;
  /** A json service that used to speak query: its error codes travel in a header of their own. */
  readonly awsQueryCompatible?: true;
}

/** The rule language is the SDK's business; Belay hands it through. */
export type EndpointRules = RuleSetObject;

export interface OperationModel {
  /** Names of shapes. */
  readonly input?: string;
  readonly output?: string;
  /** rest-json and rest-xml only. Labels in the path are member names: `/2015-03-31/functions/{FunctionName}`. */
  readonly http?: { readonly method: string; readonly requestUri: string; readonly responseCode?: number };
  /** `{AccountId}.` or `api-fulfill.`: goes before the host name of the endpoint. */
  readonly hostPrefix?: string;
  /** Sent without a signature: the caller has no credentials yet. */
  readonly unsigned?: true;
  /** Its request carries a checksum of the body: which member names the algorithm, or `true` for Content-MD5. */
  readonly checksum?: true | { readonly algorithmMember: string };
  /** Parameters of the endpoint rules that the operation fixes. */
  readonly staticContextParams?: Readonly<Record<string, string | boolean>>;
  /** rest-xml only: name and namespace of the element around the request. */
  readonly inputElement?: { readonly locationName: string; readonly xmlNamespace?: XmlNamespace };
  readonly paginator?: Paginator;
  /** Why Belay does not call it. Its shapes are left out. */
  readonly refused?: string;
}

/** How its pages follow one another; names of members, as botocore's paginators have them. */
export interface Paginator {
  readonly inputTokens: readonly string[];
  readonly outputTokens: readonly string[];
  readonly resultKeys: readonly string[];
}

export type Shape = StructureShape | ListShape | MapShape | SimpleShape;

interface ShapeTraits {
  readonly sensitive?: true;
}

export interface StructureShape extends ShapeTraits {
  readonly type: 'structure';
  readonly members: Readonly<Record<string, Member>>;
  readonly required?: readonly string[];
  /** Exactly one member may be set. */
  readonly union?: true;
  /** Any JSON value. */
  readonly document?: true;
  /** The member that is the whole body of a request or reply. */
  readonly payload?: string;
  readonly xmlNamespace?: XmlNamespace;
}

export interface ListShape extends ShapeTraits {
  readonly type: 'list';
  readonly member: Member;
  readonly flattened?: true;
  /** Empty places mean something. */
  readonly sparse?: true;
}

export interface MapShape extends ShapeTraits {
  readonly type: 'map';
  readonly key: Member;
  readonly value: Member;
  readonly flattened?: true;
  readonly sparse?: true;
}

export interface SimpleShape extends ShapeTraits {
  readonly type: SimpleType;
  readonly enum?: readonly string[];
  readonly timestampFormat?: TimestampFormat;
  /** Length in characters; kept for idempotency tokens only. */
  readonly min?: number;
  readonly max?: number;
}

export type SimpleType =
  | 'string'
  | 'boolean'
  | 'integer'
  | 'long'
  | 'float'
  | 'double'
  | 'timestamp'
  | 'blob';

export type TimestampFormat = 'iso8601' | 'rfc822' | 'unixTimestamp';

export interface XmlNamespace {
  readonly uri: string;
  readonly prefix?: string;
}

/** Where a member travels; in the body when absent. */
export type Location = 'uri' | 'querystring' | 'header' | 'headers' | 'statusCode';

export interface Member {
  readonly shape: string;
  readonly location?: Location;
  /** The name on the wire where it differs from the member's. */
  readonly locationName?: string;
  /** ec2 only: the name in requests, before `locationName`. */
  readonly queryName?: string;
  readonly idempotencyToken?: true;
  readonly timestampFormat?: TimestampFormat;
  readonly flattened?: true;
  readonly xmlAttribute?: true;
  readonly xmlNamespace?: XmlNamespace;
  /** Part of the host name, under the member's name in `hostPrefix`. */
  readonly hostLabel?: true;
  /** The parameter of the endpoint rules that it gives. */
  readonly contextParam?: string;
  /** A text that holds JSON, for which people write JSON. */
  readonly jsonvalue?: true;
}
