/** The parts of botocore's service-2.json and paginators-1.json that become a model of Belay's. */
import type { XmlNamespace } from './model-format.ts';

export interface BotocoreModel {
  readonly metadata: {
    readonly apiVersion: string;
    readonly endpointPrefix: string;
    readonly protocol: string;
    readonly protocols?: readonly string[];
    readonly serviceId: string;
    readonly signingName?: string;
    readonly signatureVersion?: string;
    readonly auth?: readonly string[];
    readonly targetPrefix?: string;
    readonly jsonVersion?: string;
    readonly xmlNamespace?: string;
    readonly awsQueryCompatible?: object;
  };
  readonly operations: Readonly<Record<string, BotocoreOperation>>;
  readonly shapes: Readonly<Record<string, BotocoreShape>>;
}

export interface BotocoreOperation {
  readonly http?: { readonly method: string; readonly requestUri: string; readonly responseCode?: number };
  readonly input?: {
    readonly shape: string;
    readonly locationName?: string;
    readonly xmlNamespace?: XmlNamespace;
  };
  readonly output?: { readonly shape: string; readonly resultWrapper?: string };
  readonly endpoint?: { readonly hostPrefix: string };
  readonly authtype?: string;
  readonly auth?: readonly string[];
  readonly httpChecksumRequired?: boolean;
  readonly httpChecksum?: {
    readonly requestAlgorithmMember?: string;
    readonly requestChecksumRequired?: boolean;
  };
  readonly staticContextParams?: Readonly<Record<string, { readonly value: string | boolean }>>;
}

export interface BotocoreMember {
  readonly shape: string;
  readonly location?: string;
  readonly locationName?: string;
  readonly queryName?: string;
  readonly idempotencyToken?: boolean;
  readonly timestampFormat?: string;
  readonly flattened?: boolean;
  readonly xmlAttribute?: boolean;
  readonly xmlNamespace?: XmlNamespace;
  readonly hostLabel?: boolean;
  readonly contextParam?: { readonly name: string };
  readonly jsonvalue?: boolean;
  readonly deprecated?: boolean;
}

export interface BotocoreShape {
  readonly type: string;
  readonly members?: Readonly<Record<string, BotocoreMember>>;
  readonly required?: readonly string[];
  readonly member?: BotocoreMember;
  readonly key?: BotocoreMember;
  readonly value?: BotocoreMember;
  readonly enum?: readonly string[];
  readonly sensitive?: boolean;
  readonly union?: boolean;
  readonly document?: boolean;
  readonly flattened?: boolean;
  readonly sparse?: boolean;
  readonly eventstream?: boolean;
  readonly payload?: string;
  readonly locationName?: string;
  readonly xmlNamespace?: XmlNamespace;
  readonly timestampFormat?: string;
  readonly min?: number;
  readonly max?: number;
}

export interface BotocorePaginators {
  readonly pagination: Readonly<
    Record<
      string,
      {
        readonly input_token?: string | readonly string[];
        readonly output_token?: string | readonly string[];
        readonly result_key?: string | readonly string[];
      }
    >
  >;
}
