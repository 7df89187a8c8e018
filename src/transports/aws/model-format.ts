/**
 * The shape of the files under models/: what is left of a botocore service model when descriptions, error shapes and
 * everything that no operation reaches are taken away. The keys keep botocore's spelling. `update-models.ts` writes them.
 */

import type { RuleSetObject } from '@smithy/types';

/** models/index.json */
export interface ModelIndex {
  /** The botocore release that the models were taken from. */
  readonly botocore: string;
  /** boto3 client names whose model lies beside this file, sorted. */
  readonly shipped: readonly string[];
  /** Every boto3 client name of that release, sorted. */
  readonly known: readonly string[];
}

/** models/<service>.json */
export interface ServiceModel {
  readonly service: string;
  readonly metadata: ServiceMetadata;
  /** The service's own rule set: parameters (region, FIPS, dual stack, custom endpoint) → URL and signing region. */
  readonly endpointRules: EndpointRules;
  readonly operations: Readonly<Record<string, OperationModel>>;
  readonly shapes: Readonly<Record<string, Shape>>;
}

export type Protocol = 'ec2' | 'query' | 'json';

export interface ServiceMetadata {
  readonly apiVersion: string;
  readonly protocol: Protocol;
  /** `Secrets Manager`: names the environment variable AWS_ENDPOINT_URL_SECRETS_MANAGER. */
  readonly serviceId: string;
  /** The service name in the SigV4 credential scope. */
  readonly signingName: string;
  /** json only: the prefix of X-Amz-Target, and `1.0` or `1.1`. */
  readonly targetPrefix?: string;
  readonly jsonVersion?: string;
  /** ec2 and query only. */
  readonly xmlNamespace?: string;
  /** A json service that used to speak query: its error codes travel in a header of their own. */
  readonly awsQueryCompatible?: true;
}

/** The rule language is the SDK's business; Belay hands it through. */
export type EndpointRules = RuleSetObject;

/** Names of shapes. */
export interface OperationModel {
  readonly input?: string;
  readonly output?: string;
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
}

export interface ListShape extends ShapeTraits {
  readonly type: 'list';
  readonly member: Member;
  readonly flattened?: true;
}

export interface MapShape extends ShapeTraits {
  readonly type: 'map';
  readonly key: Member;
  readonly value: Member;
  readonly flattened?: true;
}

export interface SimpleShape extends ShapeTraits {
  readonly type: 'string' | 'boolean' | 'integer' | 'long' | 'float' | 'double' | 'timestamp' | 'blob';
  readonly enum?: readonly string[];
  readonly timestampFormat?: TimestampFormat;
  /** Length in characters; kept for idempotency tokens only. */
  readonly min?: number;
  readonly max?: number;
}

export type TimestampFormat = 'iso8601' | 'rfc822' | 'unixTimestamp';

export interface Member {
  readonly shape: string;
  /** The name on the wire where it differs from the member's. */
  readonly locationName?: string;
  /** ec2 only: the name in requests, before `locationName`. */
  readonly queryName?: string;
  readonly idempotencyToken?: true;
  readonly timestampFormat?: TimestampFormat;
}
