/**
 * What a client keeps open between calls: HTTP connections, resolved credentials and region, one SDK client per service,
 * region and caller. The only file besides `sdk-client.ts`, `http.ts` and `failures.ts` that loads the AWS runtime.
 */
import { doesIdentityRequireRefresh, isIdentityExpired, memoizeIdentityProvider } from '@smithy/core';
import type { AwsCredentialIdentityProvider } from '@smithy/types';
import { AwsFailure, type JsonObject } from '../aws.ts';
import { decodeReply, requestIdIn } from './decode.ts';
import { encodeParams } from './encode.ts';
import { isReplyOf, toFailure } from './failures.ts';
import { CONNECT_TIMEOUT_MS, createHttpHandler, type Exchange, REQUEST_TIMEOUT_MS } from './http.ts';
import { bodyKind } from './body-kind.ts';
import type { FoundOperation } from './model-store.ts';
import type { ServiceModel } from './model-format.ts';
import { environmentOf } from './environment.ts';
import type { AwsOptions } from './options.ts';
import { createServiceClient, defaultCredentials, defaultRegion, type ServiceClient } from './sdk-client.ts';

export interface Attempt {
  readonly found: FoundOperation;
  /** Checked against the model. */
  readonly params: JsonObject;
  readonly region: string;
  /** Undefined for the caller's own. */
  readonly credentials: AwsCredentialIdentityProvider | undefined;
  readonly readOnly: boolean;
  readonly isTokened: boolean;
  readonly signal: AbortSignal | undefined;
  readonly reveal: boolean;
  /** Absent: as the connection is opened. */
  readonly replyMs: number | undefined;
}

export interface Connection {
  /** The configured region. Rejects with AwsFailure NO_REGION. */
  region(): Promise<string>;
  /** Who acts and where, as the environment of a program. Undefined: the caller's own. Rejects with AwsFailure. */
  environment(
    credentials: AwsCredentialIdentityProvider | undefined,
    region: string | undefined,
  ): Promise<Readonly<Record<string, string>>>;
  /** Sends the call once. Rejects with AwsFailure and nothing else. */
  attempt(attempt: Attempt): Promise<JsonObject>;
}

export function openConnection(options: AwsOptions): Connection {
  const requestHandler = createHttpHandler({
    connectMs: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    requestMs: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
  });
  const own = options.credentials ?? defaultCredentials(options.profile);
  let found: Promise<string> | undefined;
  const callers = new WeakMap<AwsCredentialIdentityProvider, Caller>();

  const callerOf = (given: AwsCredentialIdentityProvider): Caller => {
    const known = callers.get(given);
    if (known !== undefined) return known;
    const caller: Caller = { credentials: remember(given), clients: new Map() };
    callers.set(given, caller);
    return caller;
  };
  const remembered = (given: AwsCredentialIdentityProvider) => callerOf(given).credentials;
  const clientFor = (
    model: ServiceModel,
    region: string,
    given: AwsCredentialIdentityProvider,
  ): ServiceClient => {
    const caller = callerOf(given);
    const key = `${model.service} ${region}`;
    let client = caller.clients.get(key);
    if (client === undefined) {
      const { credentials } = caller;
      client = createServiceClient({
        model,
        region,
        endpoint: options.endpoint,
        credentials,
        requestHandler,
      });
      caller.clients.set(key, client);
    }
    return client;
  };

  return {
    async region() {
      if (options.region !== undefined) return options.region;
      try {
        return await (found ??= defaultRegion());
      } catch (cause) {
        const message =
          'AWS needs a region and none is configured. Set AWS_REGION, or `region` in the profile of ~/.aws/config.';
        throw new AwsFailure({ code: 'NO_REGION', message, retryable: false, effect: 'none', cause });
      }
    },

    async environment(credentials = own, named) {
      const region = named ?? (await this.region());
      try {
        return await environmentOf(await remembered(credentials)(), region, options.endpoint);
      } catch (cause) {
        if (cause instanceof AwsFailure) throw cause;
        const message = `AWS credentials cannot be found: ${cause instanceof Error ? cause.message : String(cause)}. Set AWS_PROFILE, or log in.`;
        throw new AwsFailure({ code: 'NO_CREDENTIALS', message, retryable: false, effect: 'none', cause });
      }
    },

    async attempt({ found, params, region, credentials = own, ...how }) {
      const { model, name, shapes } = found;
      const { readOnly, isTokened, signal, reveal, replyMs } = how;
      const exchange: Exchange = { sent: false };
      try {
        const client = clientFor(model, region, credentials);
        const sending = client.send(name, encodeParams(model, shapes.input, params), {
          exchange,
          ownConnection: !readOnly && !isTokened,
          ...(signal !== undefined && { abortSignal: signal }),
          ...(replyMs !== undefined && { requestMs: replyMs }),
        });
        const reply = await unlessAborted(sending, signal);
        if (!isReplyOf(model.metadata.protocol, exchange, bodyKind(model, name)))
          throw new Error('not a reply of the service');
        return decodeReply(model, shapes.output, reply, { reveal, requestId: requestIdIn(exchange.body) });
      } catch (error) {
        const context = { service: model.service, operation: name, region, readOnly, exchange, signal };
        throw toFailure(error, context);
      }
    },
  };
}

interface Caller {
  readonly credentials: AwsCredentialIdentityProvider;
  readonly clients: Map<string, ServiceClient>;
}

/** One answer for all services, until it is about to run out. */
function remember(credentials: AwsCredentialIdentityProvider): AwsCredentialIdentityProvider {
  return memoizeIdentityProvider(credentials, isIdentityExpired, doesIdentityRequireRefresh) ?? credentials;
}

/** The request handler hears the signal itself; the search for credentials before it does not. */
function unlessAborted<Reply>(work: Promise<Reply>, signal: AbortSignal | undefined): Promise<Reply> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(new Error('cancelled'));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
