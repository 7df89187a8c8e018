/**
 * Belay's own calls of the services that it uses most, held to the SDK's command types: an action that misspells a member of a
 * request or of its reply does not compile. Types only; the SDK's clients are no part of what is installed (docs/decisions/0012).
 */
import type { CloudWatch } from '@aws-sdk/client-cloudwatch';
import type { ConfigService } from '@aws-sdk/client-config-service';
import type { EC2 } from '@aws-sdk/client-ec2';
import type { SNS } from '@aws-sdk/client-sns';
import type { SSM } from '@aws-sdk/client-ssm';
import type { Aws, AwsCall, JsonObject } from './aws.ts';

interface Clients {
  readonly cloudwatch: CloudWatch;
  readonly config: ConfigService;
  readonly ec2: EC2;
  readonly sns: SNS;
  readonly ssm: SSM;
}

/** `(input, options, callback)`: what the SDK's client takes for the operation; never where it has none of that name. */
type Arguments<Service, Operation> = Service extends keyof Clients
  ? Operation extends string
    ? Uncapitalize<Operation> extends keyof Clients[Service]
      ? Clients[Service][Uncapitalize<Operation>] extends (...args: infer Args) => unknown
        ? Args
        : never
      : never
    : never
  : never;

/** As JSON writes it: times as text or seconds, bytes in base64, values of enums as any text. */
type Written<Value> = Value extends string | Date | Uint8Array
  ? Value extends Date
    ? string | number
    : string
  : Value extends readonly (infer Item)[]
    ? readonly Written<Item>[]
    : Value extends object
      ? { readonly [Member in keyof Value]: Written<Value[Member]> }
      : Value;

/** Params of a call: the SDK's where service and operation are known by name, else any. */
export type ParamsOf<Service extends string, Operation extends string> = Service extends keyof Clients
  ? string extends Operation
    ? JsonObject
    : Written<Arguments<Service, Operation>[0]>
  : JsonObject;

type OutputOf<Service, Operation> = Arguments<Service, Operation>[2] extends (
  error: infer _Error,
  output?: infer Output,
) => void
  ? NonNullable<Output>
  : unknown;

declare const shape: unique symbol;

/** JSON that is known to come from a reply of this shape. Whether a member is there, and of which type, is read (`actions/aws/reply.ts`). */
export type Shaped<Shape> = JsonObject & { readonly [shape]?: Shape };

export type ReplyOf<Service extends string, Operation extends string> = Service extends keyof Clients
  ? string extends Operation
    ? JsonObject
    : Shaped<OutputOf<Service, Operation>>
  : JsonObject;

export interface TypedCall<Service extends string, Operation extends string> extends Omit<AwsCall, 'params'> {
  readonly service: Service;
  readonly operation: Operation;
  readonly params: ParamsOf<Service, Operation>;
}

/** `aws.call`, with params and reply held to the SDK's types. Rejects with AwsFailure and nothing else. */
export async function callAws<const Service extends string, const Operation extends string>(
  aws: Pick<Aws, 'call'>,
  call: TypedCall<Service, Operation>,
  options?: Parameters<Aws['call']>[1],
): Promise<ReplyOf<Service, Operation>> {
  const reply: JsonObject = await aws.call(call as AwsCall, options);
  return reply as ReplyOf<Service, Operation>;
}
