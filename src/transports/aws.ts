/**
 * The port through which Belay speaks to AWS: any operation of any service by name.
 * `aws/` implements it with the AWS SDK, `world/` models it in memory. Both are held to test/contract/aws.ts.
 */
import type { Json, JsonObject } from '../json.ts';
import { laterOf, type Later } from './aws/later.ts';

export interface AwsCall {
  /** The boto3 client name in any spelling of case: `ec2`, `ssm`, `config`, `application-autoscaling`. */
  readonly service: string;
  /** `DescribeInstances`, `describe_instances` or `describe-instances`. */
  readonly operation: string;
  /** Times as ISO 8601 or seconds since 1970, blobs in base64: what a reply gives can be passed on. */
  readonly params: JsonObject;
  /**
   * The idempotency token of the effect. It fills the member that the model marks as idempotency token when
   * the caller gave none, and only then may a lost reply be sent again.
   */
  readonly token?: string;
  /** Overrides the configured region. */
  readonly region?: string;
  /** How long the reply may take, in ms; absent: 25 s, as SSM gives a call. For calls that answer when their work is done. */
  readonly replyMs?: number;
  readonly signal?: AbortSignal;
}

export interface AwsIdentity {
  readonly account: string;
  readonly arn: string;
  readonly region: string;
  /** `aws`, `aws-cn`, `aws-us-gov`. */
  readonly partition: string;
}

export interface Aws {
  /**
   * One call, one page. Resolves to the reply with dates as ISO strings, blobs as base64 and `ResponseMetadata`
   * (`RequestId`, `HTTPStatusCode`), as boto3 gives it. Members that the model marks sensitive are `***` unless
   * `reveal` is set. Rejects with AwsFailure and nothing else.
   */
  call(call: AwsCall, options?: { readonly reveal?: boolean }): Promise<JsonObject>;
  /** Who calls and from where. Rejects with AwsFailure. */
  identity(signal?: AbortSignal): Promise<AwsIdentity>;
  /**
   * What a program needs in its environment to speak to AWS as this view does: AWS_ACCESS_KEY_ID and its secret, region,
   * endpoint. Holds secrets, and ends with the session that they are of. Absent where no real AWS is behind it. Rejects with
   * AwsFailure (NO_CREDENTIALS).
   */
  environment?(signal?: AbortSignal): Promise<Readonly<Record<string, string>>>;
  /** A view of the same client that acts with the role's credentials (`assumeRole` of a document), and in that region where one is named. */
  assume(roleArn: string, region?: string): Aws;
}

/**
 * What can be said offline, from the service models alone.
 * A string that still holds an expression satisfies every type; the catalog passes `undefined` for such values.
 */
export interface AwsModels {
  /** Everything wrong with the call; empty when it is well-formed. Each names the member, as `Filters[0].Nmae`. */
  check(service: string, operation: string, params: UnresolvedJson): AwsProblem[];
  /** The params under the members' own names, where the API's or boto3's other name was written. Absent from models that know one name. */
  canonical?(service: string, operation: string, params: JsonObject): JsonObject;
  /** What stands at a path of the reply; undefined: nobody can tell. Absent from models that know no replies. */
  reply?(service: string, operation: string, path: readonly (string | number)[]): ReplyPart | undefined;
  /** `DescribeInstances` for any accepted spelling; undefined for an unknown service or operation. */
  resolve(service: string, operation: string): AwsOperation | undefined;
}

export type ReplyPart =
  | { readonly kind: 'text' | 'time' | 'whole' | 'number' | 'boolean' | 'map' }
  | { readonly kind: 'list'; readonly of: Exclude<ReplyPart['kind'], 'absent'> }
  /** `below` has no part `step`. */
  | {
      readonly kind: 'absent';
      readonly below: readonly (string | number)[];
      readonly step: string | number;
      readonly suggestion?: string;
    };

/** Inputs as they are known before the run: `undefined` where a value is not. Every JsonObject is one. */
export type UnresolvedJson =
  | null
  | undefined
  | boolean
  | number
  | string
  | readonly UnresolvedJson[]
  | { readonly [key: string]: UnresolvedJson };

export interface AwsOperation {
  readonly service: string;
  readonly operation: string;
  /** Whether the operation only reads, by the verb that opens its name: Describe, Get, List, Head, Search, Lookup … */
  readonly readOnly: boolean;
  /** The input member that the model marks as idempotency token: then a second call with it does nothing twice. */
  readonly tokenMember?: string;
}

export interface AwsProblem {
  readonly code:
    | 'UNKNOWN_SERVICE'
    | 'UNKNOWN_OPERATION'
    | 'REFUSED_OPERATION'
    | 'UNKNOWN_MEMBER'
    | 'WRONG_TYPE'
    | 'MISSING_MEMBER'
    | 'WRONG_VALUE'
    /** One that the model does not list; the service may have learned it since. */
    | 'UNKNOWN_VALUE';
  /** Path of the member below the params, as keys and indices; empty for service and operation. */
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly suggestion?: string;
  /** Of WRONG_TYPE: the same in the type that is wanted, where the value says nothing else: 5 for "5". */
  readonly fitting?: string | number | boolean;
}

/** Why a call did not succeed. `message` is a sentence fit for an operator. */
export class AwsFailure extends Error {
  override readonly name = 'AwsFailure';
  /** The service's error code (`InvalidVolume.NotFound`), or NO_CREDENTIALS, NO_REGION, UNREACHABLE, NO_REPLY, BAD_PARAMETERS, CANCELLED (by the caller's signal). */
  readonly code: string;
  /** Whether the same call may succeed later: throttling, 5xx, connection errors. */
  readonly retryable: boolean;
  /** `none`: the service refused and nothing happened. `unknown`: it may have happened, the reply is lost. */
  readonly effect: 'none' | 'unknown';
  /** AWS refused the call for now, and says or implies when it would take it. Undefined: it is not a matter of time. */
  readonly later: Later | undefined;
  readonly httpStatus: number | undefined;
  readonly requestId: string | undefined;

  constructor(failure: {
    code: string;
    message: string;
    retryable: boolean;
    effect: 'none' | 'unknown';
    httpStatus?: number | undefined;
    /** Of a Retry-After header. */
    retryAfterMs?: number | undefined;
    requestId?: string | undefined;
    cause?: unknown;
  }) {
    super(failure.message, { cause: failure.cause });
    this.code = failure.code;
    this.later = failure.effect === 'none' ? laterOf(failure) : undefined;
    this.retryable = failure.retryable || this.later !== undefined;
    this.effect = failure.effect;
    this.httpStatus = failure.httpStatus;
    this.requestId = failure.requestId;
  }
}

export type { Json, JsonObject };
