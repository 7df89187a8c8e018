/**
 * The `Aws` port on the AWS SDK's runtime: any operation of the shipped services by name. Loading this file loads nothing
 * of AWS; the first call does.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { AwsCredentialIdentityProvider } from '@smithy/types';
import { type Aws, type AwsCall, AwsFailure, type AwsIdentity, type JsonObject } from '../aws.ts';
import { isJsonObject } from '../../json.ts';
import { checkParams } from './check-params.ts';
import type { Connection } from './connection.ts';
import { canonicalParams } from './member-names.ts';
import { createModelStore, type FoundOperation, type ModelStore } from './model-store.ts';
import { createAwsModels, describeOperation, refusalOf } from './models.ts';
import type { AwsOptions } from './options.ts';
import { ATTEMPTS_MAX, sendWithRetries } from './retry.ts';
import { withToken } from './token.ts';

/** What all views of one client share. */
interface Shared {
  readonly options: AwsOptions;
  readonly models: ModelStore;
  connect(): Promise<Connection>;
}

/** Cheap: nothing is read and nobody is asked before the first call. */
export function createAws(options: AwsOptions = {}): Aws {
  let connection: Promise<Connection> | undefined;
  return createView(
    {
      options,
      models: options.models ?? createModelStore(),
      connect: () =>
        (connection ??= import('./connection.ts').then(({ openConnection }) => openConnection(options))),
    },
    options.credentials,
  );
}

function createView(
  shared: Shared,
  credentials: AwsCredentialIdentityProvider | undefined,
  viewRegion?: string,
): Aws {
  const { options, models } = shared;

  const call: Aws['call'] = async (request, { reveal = false } = {}) => {
    const found = findOperation(models, request);
    const { readOnly, tokenMember } = describeOperation(found);
    const { model, shapes } = found;
    const named = canonicalParams(model, shapes.input, request.params);
    const params = withToken(model, shapes.input, named, { tokenMember, token: request.token });
    refuseMalformed(found, params);
    const isTokened = tokenMember !== undefined && params[tokenMember] !== undefined;

    const connection = await shared.connect();
    const region = request.region ?? viewRegion ?? (await connection.region());
    const { signal, replyMs } = request;
    return sendWithRetries(
      () =>
        connection.attempt({
          found,
          params,
          region,
          credentials,
          readOnly,
          isTokened,
          signal,
          reveal,
          replyMs,
        }),
      {
        attempts: options.attempts ?? ATTEMPTS_MAX,
        repeatable: readOnly || isTokened,
        signal,
        sleep: options.sleep ?? sleep,
        random: options.random ?? Math.random,
      },
    );
  };

  const view: Aws = {
    call,
    async identity(signal) {
      const region = viewRegion ?? (await (await shared.connect()).region());
      const params = {};
      const reply = await call({
        service: 'sts',
        operation: 'GetCallerIdentity',
        params,
        region,
        ...(signal !== undefined && { signal }),
      });
      return toIdentity(reply, region);
    },
    async environment(signal) {
      signal?.throwIfAborted();
      return (await shared.connect()).environment(credentials, viewRegion);
    },
    assume: (roleArn, region = viewRegion) =>
      createView(shared, assumedCredentials(view, roleArn, options.sessionName ?? 'belay'), region),
  };
  return view;
}

function findOperation(models: ModelStore, { service, operation }: AwsCall): FoundOperation {
  const found = models.operation(service, operation);
  const refused = found === undefined ? undefined : refusalOf(found);
  if (refused !== undefined) throw badParameters(refused);
  if (found !== undefined) return found;
  const [problem] = createAwsModels(models).check(service, operation, {});
  throw badParameters(problem?.message ?? `${service} ${operation} is unknown.`);
}

/** A value outside an enum is left to the service: it may have learned new ones since the model was taken. */
function refuseMalformed({ model, name, shapes }: FoundOperation, params: JsonObject): void {
  const problems = checkParams({ model, operation: name, input: shapes.input }, params, { enums: 'open' });
  if (problems.length > 0) throw badParameters(problems.map(({ message }) => message).join(' '));
}

function badParameters(message: string): AwsFailure {
  return new AwsFailure({ code: 'BAD_PARAMETERS', message, retryable: false, effect: 'none' });
}

/** Resolves early, not rejects, when the signal is aborted: the next attempt will say that it was cancelled. */
async function sleep(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  await delay(delayMs, undefined, { ...(signal !== undefined && { signal }) }).catch(() => undefined);
}

function toIdentity(reply: JsonObject, region: string): AwsIdentity {
  const arn = textOf(reply, 'Arn');
  return { account: textOf(reply, 'Account'), arn, region, partition: arn.split(':')[1] ?? 'aws' };
}

/** Asks once for all services and again five minutes before the session ends; see `connection.ts`. */
function assumedCredentials(view: Aws, roleArn: string, sessionName: string): AwsCredentialIdentityProvider {
  return async () => {
    const params = { RoleArn: roleArn, RoleSessionName: sessionName };
    const reply = await view.call({ service: 'sts', operation: 'AssumeRole', params }, { reveal: true });
    const credentials = isJsonObject(reply['Credentials']) ? reply['Credentials'] : {};
    return {
      accessKeyId: textOf(credentials, 'AccessKeyId'),
      secretAccessKey: textOf(credentials, 'SecretAccessKey'),
      sessionToken: textOf(credentials, 'SessionToken'),
      expiration: new Date(textOf(credentials, 'Expiration')),
    };
  };
}

function textOf(object: JsonObject, key: string): string {
  const value = object[key];
  if (typeof value === 'string') return value;
  throw new AwsFailure({
    code: 'NO_REPLY',
    message: `sts answered without ${key}. Check AWS_ENDPOINT_URL.`,
    retryable: false,
    effect: 'none',
  });
}
