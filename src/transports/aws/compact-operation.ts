/** One operation of a botocore model → its entry in models/, or the reason why Belay does not call it. Pure. */
import type { BotocoreModel, BotocoreOperation, BotocorePaginators } from './botocore-format.ts';
import type { EndpointRules, OperationModel, Paginator, ServiceMetadata } from './model-format.ts';

const SIGV4 = 'aws.auth#sigv4';
const BEARER = 'smithy.api#httpBearerAuth';
const NO_AUTH = 'smithy.api#noAuth';

/** Follows `ssm StartSession cannot be called: `. */
export function refusalOf(
  model: BotocoreModel,
  endpointRules: EndpointRules,
  operation: BotocoreOperation,
): string | undefined {
  for (const [end, direction] of [
    [operation.input, 'sends'],
    [operation.output, 'answers with'],
  ] as const) {
    if (end !== undefined && carriesEvents(model, end.shape))
      return `it ${direction} a stream of events, and Belay makes plain requests with plain replies`;
  }
  if (isUnsigned(operation)) return undefined;
  const { signatureVersion, auth: serviceAuth } = model.metadata;
  const { auth = serviceAuth ?? [signatureVersion === 'bearer' ? BEARER : SIGV4] } = operation;
  if (signatureVersion === 'v2')
    return 'the service wants AWS signature version 2, which has been replaced by version 4';
  const isForSeveralRegions = auth.includes(SIGV4)
    ? wantsOnlySigV4A(endpointRules)
    : auth.includes('aws.auth#sigv4a');
  if (isForSeveralRegions)
    return 'it is signed for several regions at once (SigV4A), and Belay signs for one (SigV4)';
  if (auth.includes(SIGV4)) return undefined;
  return auth.includes(BEARER)
    ? 'it wants a bearer token in place of AWS credentials'
    : `it wants ${auth.join(' or ')} in place of AWS credentials`;
}

/** Whether every endpoint of the rules names signatures and none of them the plain one. */
function wantsOnlySigV4A(endpointRules: EndpointRules): boolean {
  const [, ...endpoints] = JSON.stringify(endpointRules).split('"endpoint":{');
  return (
    endpoints.length > 0 &&
    endpoints.every((text) => text.includes('"authSchemes":[') && !text.includes('"name":"sigv4"'))
  );
}

function carriesEvents(model: BotocoreModel, shapeName: string): boolean {
  const members = Object.values(model.shapes[shapeName]?.members ?? {});
  return members.some((member) => model.shapes[member.shape]?.eventstream === true);
}

function isUnsigned({ authtype, auth }: BotocoreOperation): boolean {
  return authtype === 'none' || (auth !== undefined && auth.every((scheme) => scheme === NO_AUTH));
}

interface OperationSource {
  readonly service: string;
  readonly metadata: ServiceMetadata;
  readonly model: BotocoreModel;
  readonly name: string;
  readonly operation: BotocoreOperation;
  readonly paginators: BotocorePaginators;
}

/** An Error where the client could not speak it. */
export function compactOperation(source: OperationSource): OperationModel | Error {
  const { service, metadata, name, operation } = source;
  const { input, output, endpoint, staticContextParams } = operation;
  const wrapper = output?.resultWrapper;
  if (metadata.protocol === 'query' && wrapper !== undefined && wrapper !== `${name}Result`)
    return new Error(`${service}: ${name} wraps its result as ${wrapper}`);
  const checksum = checksumOf(operation);
  const paginator = paginatorOf(source);
  const isRest = metadata.protocol === 'rest-json' || metadata.protocol === 'rest-xml';
  const { locationName, xmlNamespace } = input ?? {};
  return {
    ...(input !== undefined && { input: input.shape }),
    ...(output !== undefined && { output: output.shape }),
    ...(isRest && operation.http !== undefined && { http: httpOf(source, operation.http) }),
    ...(endpoint !== undefined && !isInRules(operation) && { hostPrefix: endpoint.hostPrefix }),
    ...(isUnsigned(operation) && { unsigned: true as const }),
    ...(checksum !== undefined && { checksum }),
    ...(staticContextParams !== undefined && {
      staticContextParams: Object.fromEntries(
        Object.entries(staticContextParams).map(([parameter, { value }]) => [parameter, value]),
      ),
    }),
    ...(metadata.protocol === 'rest-xml' &&
      locationName !== undefined && {
        inputElement: { locationName, ...(xmlNamespace !== undefined && { xmlNamespace }) },
      }),
    ...(paginator !== undefined && { paginator }),
  };
}

/** The endpoint rules of S3 Control put the account into the host name themselves. */
function isInRules({ endpoint, staticContextParams = {} }: BotocoreOperation): boolean {
  return endpoint?.hostPrefix === '{AccountId}.' && staticContextParams['RequiresAccountId']?.value === true;
}

/** The labels of the path become member names, which is what the SDK looks for. */
function httpOf(
  { service, model, operation }: OperationSource,
  { method, requestUri, responseCode }: NonNullable<BotocoreOperation['http']>,
): NonNullable<OperationModel['http']> {
  const members = Object.entries(model.shapes[operation.input?.shape ?? '']?.members ?? {});
  let path = requestUri.replaceAll(/\{([^{}+]+)(\+?)\}/g, (whole, label: string, greedy: string) => {
    const found = members.find(
      ([name, { location, locationName = name }]) => location === 'uri' && locationName === label,
    );
    return found === undefined ? whole : `{${found[0]}${greedy}}`;
  });
  // The endpoint rules of S3 put the bucket into the host name or the path, so the path must not name it again.
  if (service === 's3') path = path.replace(/^\/\{Bucket\}/, '') || '/';
  if (service === 's3' && path.startsWith('?')) path = `/${path}`;
  return {
    method,
    requestUri: path,
    ...(responseCode !== undefined && responseCode !== 200 && { responseCode }),
  };
}

function checksumOf({ httpChecksum, httpChecksumRequired }: BotocoreOperation): OperationModel['checksum'] {
  const algorithmMember = httpChecksum?.requestAlgorithmMember;
  if (algorithmMember !== undefined) return { algorithmMember };
  return httpChecksumRequired === true || httpChecksum?.requestChecksumRequired === true ? true : undefined;
}

function paginatorOf({ name, paginators }: OperationSource): Paginator | undefined {
  const found = Object.hasOwn(paginators.pagination, name) ? paginators.pagination[name] : undefined;
  if (found === undefined) return undefined;
  const { input_token: input, output_token: output, result_key: result } = found;
  return { inputTokens: listOf(input), outputTokens: listOf(output), resultKeys: listOf(result) };
}

function listOf(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === 'string' ? [value] : value;
}
