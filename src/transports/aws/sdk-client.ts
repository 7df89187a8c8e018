/**
 * One AWS service in one region on the AWS SDK's own runtime: its protocols, its signer, its credential chain, its
 * configuration files. The service itself is not compiled in but read from a model. Nothing here retries.
 *
 * This file and what it imports load some 100 modules; `client.ts` imports it when the first call is made.
 */
import {
  awsEndpointFunctions,
  createDefaultUserAgentProvider,
  getHostHeaderPlugin,
  getUserAgentPlugin,
  NODE_APP_ID_CONFIG_OPTIONS,
  resolveHostHeaderConfig,
  resolveRegionConfig,
  resolveUserAgentConfig,
} from '@aws-sdk/core/client';
import { resolveAwsSdkSigV4Config } from '@aws-sdk/core/httpAuthSchemes';
import {
  DefaultIdentityProviderConfig,
  getHttpAuthSchemeEndpointRuleSetPlugin,
  httpSigningMiddleware,
  NoAuthSigner,
  normalizeProvider,
} from '@smithy/core';
import { Sha256 } from '@smithy/core/checksum';
import { Client, makeBuilder, NoOpLogger } from '@smithy/core/client';
import {
  loadConfig,
  NODE_REGION_CONFIG_FILE_OPTIONS,
  NODE_REGION_CONFIG_OPTIONS,
  NODE_USE_DUALSTACK_ENDPOINT_CONFIG_OPTIONS,
  NODE_USE_FIPS_ENDPOINT_CONFIG_OPTIONS,
} from '@smithy/core/config';
import {
  customEndpointFunctions,
  getEndpointPlugin,
  resolveEndpoint,
  resolveEndpointConfig,
} from '@smithy/core/endpoints';
import { getContentLengthPlugin, type HttpResponse, parseUrl } from '@smithy/core/protocols';
import { getSchemaSerdePlugin } from '@smithy/core/schema';
import { getSmithyContext } from '@smithy/core/transport';
import { calculateBodyLength, fromBase64, fromUtf8, toBase64, toUtf8 } from '@smithy/core/serde';
import type {
  AwsCredentialIdentityProvider,
  EndpointParameters,
  HttpAuthSchemeParameters,
  HttpRequest,
  IdentityProviderConfig,
  MetadataBearer,
  RequestHandler,
} from '@smithy/types';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import type { ServiceModel } from './model-format.ts';
import { bodyKind } from './body-kind.ts';
import { commonInstructions, operationInstructions } from './endpoint-parameters.ts';
import { finishRequest } from './finish-request.ts';
import type { SendOptions } from './http.ts';
import { protocolOf } from './protocol-of.ts';
import { createSchemas, type Schemas } from './schemas.ts';
import { signer } from './signer.ts';
import { writeOutReferences } from './xml-references.ts';

export interface ServiceClientOptions {
  readonly model: ServiceModel;
  readonly region: string;
  /** Used for every service instead of AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_<SERVICE> and the profile's `endpoint_url`. */
  readonly endpoint: string | undefined;
  readonly credentials: AwsCredentialIdentityProvider;
  readonly requestHandler: RequestHandler<HttpRequest, HttpResponse, SendOptions>;
}

export interface ServiceClient {
  /** One request, one reply, as the SDK gives it: Date, Uint8Array, `$metadata`. Rejects with whatever went wrong. */
  send(operation: string, input: object, options: SendOptions): Promise<object>;
}

const SIGV4 = 'aws.auth#sigv4';
const NO_AUTH = 'smithy.api#noAuth';

export function createServiceClient(options: ServiceClientOptions): ServiceClient {
  const config = resolveConfig(options);
  const client = new GenericClient(config);
  const { model } = options;
  const makeCommand = makeBuilder<GenericConfig, object, MetadataBearer>(
    commonInstructions,
    // CBOR has it in its paths.
    model.metadata.targetPrefix ?? model.service,
    'Belay',
    getEndpointPlugin,
  );
  const isConfigured = async (): Promise<boolean> =>
    options.endpoint !== undefined || (await config.serviceConfiguredEndpoint?.()) !== undefined;
  let schemas: Schemas | undefined;
  return {
    async send(operation, input, sendOptions) {
      const isCustomEndpoint = await isConfigured();
      schemas ??= createSchemas(model, { hostPrefix: !isCustomEndpoint });
      const GenericCommand = makeCommand<object, MetadataBearer>(
        operationInstructions(model, operation, { isCustomEndpoint }),
        () => [],
        operation,
        schemas.operation(operation),
      );
      const command = new GenericCommand(input);
      command.middlewareStack.add(finishRequest(operation, options), { step: 'serialize', priority: 'low' });
      return client.send(command, {
        ...sendOptions,
        isRawReply: bodyKind(model, operation) === 'raw',
      });
    },
  };
}

function readingXml(
  { service, metadata }: ServiceModel,
  handler: ServiceClientOptions['requestHandler'],
): ServiceClientOptions['requestHandler'] {
  if (!['ec2', 'query', 'rest-xml'].includes(metadata.protocol)) return handler;
  return {
    ...handler,
    async handle(request, options) {
      const { response } = await handler.handle(request, options);
      const body: unknown = response.body;
      // S3 begins to answer a long copy before it knows how it ends, so an error may come with status 200.
      if (response.statusCode === 200 && body instanceof Uint8Array && isS3Error(service, body)) {
        response.statusCode = 500;
        if (options?.exchange !== undefined) options.exchange.status = 500;
      }
      if (body instanceof Uint8Array && options?.isRawReply !== true)
        response.body = writeOutReferences(body);
      return { response };
    },
  };
}

function isS3Error(service: string, body: Uint8Array): boolean {
  const head = Buffer.from(body.subarray(0, 512)).toString('utf8');
  return service === 's3' && /^\s*(?:<\?xml[^>]*>\s*)?<Error>/.test(head);
}

/**
 * Static keys, profiles, SSO, process, web identity, container and instance roles; remembers and renews what it finds. `profile`: see
 * AwsOptions.
 */
export function defaultCredentials(profile?: string): AwsCredentialIdentityProvider {
  if (profile === undefined) return defaultProvider();
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = process.env;
  if (profile !== '') return defaultProvider({ profile });
  // Keys of the environment come first where no profile is named, as everywhere in the SDK.
  if (!id || !secret) return defaultProvider({ profile: 'default' });
  const { AWS_SESSION_TOKEN: token } = process.env;
  const keys = { accessKeyId: id, secretAccessKey: secret, ...(token ? { sessionToken: token } : {}) };
  return () => Promise.resolve(keys);
}

/** AWS_REGION, AWS_DEFAULT_REGION (which the AWS CLI reads too), the profile, the instance's metadata. Throws when there is none. */
export function defaultRegion(): Promise<string> {
  const environmentVariableSelector = (env: Record<string, string | undefined>): string | undefined =>
    env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'];
  return loadConfig(
    { ...NODE_REGION_CONFIG_OPTIONS, environmentVariableSelector },
    NODE_REGION_CONFIG_FILE_OPTIONS,
  )();
}

class GenericClient extends Client<SendOptions, object, MetadataBearer, GenericConfig> {
  constructor(config: GenericConfig) {
    super(config);
    const stack = this.middlewareStack;
    stack.use(getSchemaSerdePlugin(config));
    stack.use(getUserAgentPlugin(config));
    stack.use(getContentLengthPlugin(config));
    stack.use(getHostHeaderPlugin(config));
    stack.use(
      getHttpAuthSchemeEndpointRuleSetPlugin(config, {
        httpAuthSchemeParametersProvider: async (_config, context) => {
          const operation: unknown = getSmithyContext(context)['operation'];
          return typeof operation === 'string' ? { operation } : {};
        },
        identityProviderConfigProvider: async () =>
          new DefaultIdentityProviderConfig({ [SIGV4]: config.credentials }),
      }),
    );
    // The SDK's own plugin puts this behind its retries, which are not in use.
    stack.add(httpSigningMiddleware(config), { name: 'httpSigning', step: 'finalizeRequest' });
  }
}

type GenericConfig = ReturnType<typeof resolveConfig>;

function resolveConfig({ model, region, endpoint, credentials, requestHandler }: ServiceClientOptions) {
  const { apiVersion, serviceId, signingName } = model.metadata;
  customEndpointFunctions['aws'] = awsEndpointFunctions;
  const config = {
    apiVersion,
    serviceId,
    runtime: 'node',
    protocol: protocolOf(model),
    requestHandler: readingXml(model, requestHandler),
    region,
    credentials,
    ...(endpoint !== undefined && { endpoint }),
    endpointProvider: (parameters: EndpointParameters) => {
      const endpointParams: Record<string, string | boolean> = {};
      for (const [name, value] of Object.entries(parameters)) {
        if (typeof value === 'string' || typeof value === 'boolean') endpointParams[name] = value;
      }
      return resolveEndpoint(model.endpointRules, { endpointParams });
    },
    useDualstackEndpoint: loadConfig(NODE_USE_DUALSTACK_ENDPOINT_CONFIG_OPTIONS),
    useFipsEndpoint: loadConfig(NODE_USE_FIPS_ENDPOINT_CONFIG_OPTIONS),
    defaultUserAgentProvider: createDefaultUserAgentProvider({ serviceId, clientVersion: apiVersion }),
    userAgentAppId: loadConfig(NODE_APP_ID_CONFIG_OPTIONS),
    customUserAgent: 'belay',
    defaultSigningName: signingName,
    httpAuthSchemes: [
      {
        schemeId: SIGV4,
        identityProvider: (configured: IdentityProviderConfig) => configured.getIdentityProvider(SIGV4),
        signer,
      },
      { schemeId: NO_AUTH, identityProvider: () => async () => ({}), signer: new NoAuthSigner() },
    ],
    httpAuthSchemeProvider: ({ operation = '' }: HttpAuthSchemeParameters) => [
      {
        schemeId: model.operations[operation]?.unsigned === true ? NO_AUTH : SIGV4,
        signingProperties: { name: signingName, region },
        propertiesExtractor: (clientConfig: object, context: object) => ({
          signingProperties: { config: clientConfig, context },
        }),
      },
    ],
    authSchemePreference: normalizeProvider<string[]>([]),
    disableHostPrefix: false,
    // S3 signs the path as it is sent, all others sign it encoded once more.
    signingEscapePath: !['s3', 's3control', 's3outposts'].includes(model.service),
    logger: new NoOpLogger(),
    sha256: Sha256,
    urlParser: parseUrl,
    bodyLengthChecker: calculateBodyLength,
    base64Decoder: fromBase64,
    base64Encoder: toBase64,
    utf8Decoder: fromUtf8,
    utf8Encoder: toUtf8,
    streamCollector: (): never => {
      throw new Error('replies are collected by the request handler');
    },
  };
  return resolveAwsSdkSigV4Config(
    resolveEndpointConfig(resolveHostHeaderConfig(resolveRegionConfig(resolveUserAgentConfig(config)))),
  );
}
