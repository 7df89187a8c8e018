/** What the defaults of parameters may refer to: globals, the execution's id, Parameter Store. */
import {
  parameterStoreReferences,
  referencesIn,
  storedDefault,
  type Arguments,
  type Document,
  type Scope,
} from '../document/index.ts';
import { isJsonObject, own, type Json, type JsonObject } from '../json.ts';
import { AwsFailure, type Aws } from '../transports/aws.ts';
import { Refusal } from './refusal.ts';

export interface DefaultTools {
  readonly transports: { readonly aws: Aws };
  readonly executionId: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface StoredDefaults {
  /** By the name in Parameter Store. */
  readonly values: ReadonlyMap<string, Json>;
  /** Parameters whose default is a secret: the reference by which it is read. */
  readonly secrets: Readonly<Record<string, string>>;
}

/**
 * Reads Parameter Store where defaults refer to it. A parameter that is declared secret, or whose default is a
 * SecureString, is not read here: its value goes where secrets go. Throws Refusal.
 */
export async function readStored(document: Document, given: Arguments, aws: Aws): Promise<StoredDefaults> {
  const wanted = parameterStoreReferences(document, given);
  const secrets = new Map<string, string>();
  const values = new Map<string, Json>();
  const open = Object.entries(document.parameters).filter(([name]) => !Object.hasOwn(given, name));
  for (const name of wanted) {
    const whole = open.filter(([, parameter]) => storedDefault(parameter.default) === name);
    const isPartOfOthers = open.some(
      ([parameter, { default: fallback }]) =>
        storedDefault(fallback) !== name &&
        parameterStoreReferences(only(document, parameter), {}).includes(name),
    );
    const isDeclared = whole.every(([, { secret }]) => secret === true) && !isPartOfOthers;
    const value = isDeclared ? null : await asRefusal(() => readParameter(aws, name));
    if (value !== null) values.set(name, value);
    if (value === null && isPartOfOthers) throw secureString(name);
    for (const [parameter, { secret }] of whole)
      if (value === null || secret === true) secrets.set(parameter, `ssm:${name}`);
  }
  return { values, secrets: Object.fromEntries(secrets) };
}

/** AWS is asked who and where we are only where a default that is used needs it. Throws Refusal. */
export async function defaultScope(
  document: Document,
  given: Arguments,
  stored: ReadonlyMap<string, Json>,
  tools: DefaultTools,
): Promise<Scope> {
  const used = Object.entries(document.parameters).filter(([name]) => !Object.hasOwn(given, name));
  const needsIdentity = used
    .flatMap(([, { default: fallback }]) => (fallback === undefined ? [] : referencesIn(fallback)))
    .some(({ kind, text }) => kind === 'global' && /(?:REGION|ACCOUNT_ID|AWS_PARTITION)$/.test(text));
  const identity = needsIdentity ? await asRefusal(() => identityOf(tools)) : {};
  return {
    lookup: (reference) => {
      const name = reference.kind === 'output' ? '' : reference.name;
      const value = lookup(reference.kind, name, { stored, identity, tools });
      return value === undefined
        ? { kind: 'absent', why: `${reference.text} cannot be read here` }
        : { kind: 'value', value };
    },
  };
}

function only({ parameters, ...rest }: Document, name: string): Document {
  const parameter = own(parameters, name);
  return { ...rest, parameters: parameter === undefined ? {} : { [name]: parameter } };
}

async function asRefusal<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof AwsFailure)) throw error;
    throw new Refusal('usage', error.code, `a default could not be read from AWS: ${error.message}`);
  }
}

function secureString(name: string): Refusal {
  return new Refusal(
    'usage',
    'SECURE_STRING',
    `${name} is a SecureString: only as the whole default of a parameter can it be kept secret`,
    { hint: `give it a parameter of its own, with the default "{{ ssm:${name} }}"` },
  );
}

function lookup(
  kind: string,
  name: string,
  {
    stored,
    identity,
    tools,
  }: { stored: ReadonlyMap<string, Json>; identity: JsonObject; tools: DefaultTools },
): Json | undefined {
  if (kind === 'parameterStore') return stored.get(name);
  if (kind === 'automation') return tools.executionId;
  if (kind !== 'global') return undefined;
  const iso = new Date(tools.now).toISOString();
  if (name === 'DATE') return iso.slice(0, 10);
  if (name === 'DATE_TIME') return iso.slice(0, 19).replace('T', '_').replaceAll(':', '.');
  return own(identity, name);
}

async function identityOf(tools: DefaultTools): Promise<JsonObject> {
  const { account, region, partition } = await tools.transports.aws.identity();
  return { ACCOUNT_ID: account, REGION: region, AWS_PARTITION: partition };
}

/** Null: a SecureString. AWS marks the value of every parameter as sensitive, plain ones too. */
async function readParameter(aws: Aws, name: string): Promise<Json> {
  const call = { service: 'ssm', operation: 'GetParameter', params: { Name: name } };
  const { Parameter: parameter } = await aws.call(call, { reveal: true });
  const { Type: type, Value: value } = isJsonObject(parameter) ? parameter : {};
  if (type === 'SecureString') return null;
  if (typeof value !== 'string' || (type !== 'String' && type !== 'StringList')) {
    throw new Refusal('usage', 'BAD_REPLY', `Parameter Store gave no text for ${name}`);
  }
  return type === 'StringList' ? value.split(',') : value;
}
