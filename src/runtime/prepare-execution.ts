/** Everything that is checked before an execution exists: document, arguments, secrets. Nothing has begun when it says no. */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { describeStep, type AnyAction } from '../actions/index.ts';
import {
  checkArguments,
  checkDocument,
  parameterStoreReferences,
  parseArgument,
  resolveParameters,
  type Catalog,
  type Diagnostic,
  type Document,
  type ParameterProblem,
  type RollbackWhen,
  type Scope,
  type SourceText,
} from '../document/index.ts';
import { plan } from '../engine/index.ts';
import type { ExecutionSettings, NewExecution } from '../journal/index.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { AwsFailure, type Aws } from '../transports/aws.ts';
import type { Place } from './places.ts';
import { preflight } from './preflight.ts';
import { Refusal } from './refusal.ts';
import { isSecretReference } from './secrets/references.ts';
import { secretPlaceholder } from './secrets/vault.ts';

export interface RunRequest {
  readonly source: SourceText;
  /** From `-p`: text, read by the parameter's type. */
  readonly texts: Readonly<Record<string, string>>;
  /** From parameter files: values as they are. Texts win. */
  readonly values: JsonObject;
  readonly secrets: Readonly<Record<string, string>>;
  readonly rollback?: RollbackWhen;
  readonly failAt?: string;
  readonly lockWaitSeconds?: number;
  readonly settings: Omit<ExecutionSettings, 'secrets' | 'usesAws'>;
}

export interface PreparedExecution {
  readonly execution: NewExecution;
  readonly warnings: readonly Diagnostic[];
}

export interface PrepareTools {
  readonly catalog: Catalog;
  readonly actions: ReadonlyMap<string, AnyAction>;
  readonly place: Place;
  readonly executionId: string;
  readonly now: number;
}

/** Throws Refusal. */
export async function prepareExecution(request: RunRequest, tools: PrepareTools): Promise<PreparedExecution> {
  const { document, diagnostics } = checkDocument(request.source, tools.catalog);
  if (document === undefined) {
    throw new Refusal('usage', 'BAD_DOCUMENT', 'the runbook is not right', {
      diagnostics,
      sources: [request.source],
    });
  }
  const given = {
    ...request.values,
    ...readTexts(document, request.texts),
    ...secretArguments(document, request),
  };
  refuseProblems(
    checkArguments(document, given).filter(({ parameter }) => !Object.hasOwn(request.secrets, parameter)),
  );
  refuseFailAt(document, request.failAt);
  const resolved = resolveParameters(document, given, await defaultScope(document, given, tools));
  if (!resolved.ok) return refuseProblems(resolved.problems) ?? never();
  const { usesAws } = await preflight(
    document,
    resolved.values,
    tools.actions,
    tools.place,
    request.settings.sandbox,
  );
  const program = plan(document, (step) => describeStep(tools.actions, step));
  const execution: NewExecution = {
    id: tools.executionId,
    runbook: basename(request.source.file).replace(/\.(ya?ml|json)$/, ''),
    file: request.source.file,
    program,
    sha256: createHash('sha256').update(JSON.stringify(program)).digest('hex'),
    input: {
      parameters: resolved.values,
      rollbackWhen: request.rollback ?? document.rollback.when,
      rollbackRequests: [],
      failAt: request.failAt ?? null,
      ...(request.lockWaitSeconds === undefined ? {} : { lockWaitSeconds: request.lockWaitSeconds }),
    },
    settings: { ...request.settings, secrets: request.secrets, usesAws },
    createdAt: tools.now,
  };
  return { execution, warnings: diagnostics };
}

function readTexts(document: Document, texts: Readonly<Record<string, string>>): JsonObject {
  const values: Record<string, Json> = {};
  const problems: ParameterProblem[] = [];
  for (const [name, text] of Object.entries(texts)) {
    const parameter = document.parameters[name];
    if (parameter?.secret === true) {
      throw new Refusal(
        'usage',
        'SECRET_ON_COMMAND_LINE',
        `${name} is secret: its value must not stand on a command line`,
        {
          hint: `--secret ${name}=env:VAR, file:PATH, ssm:/path, secretsmanager:ID or - for standard input`,
        },
      );
    }
    const coerced =
      parameter === undefined ? { ok: true as const, value: text } : parseArgument(parameter, text);
    if (coerced.ok) values[name] = coerced.value;
    else
      problems.push({
        code: 'WRONG_TYPE',
        parameter: name,
        message: `parameter ${name}: ${coerced.problem}`,
      });
  }
  refuseProblems(problems);
  return values;
}

/** Placeholders for secret parameters; their values never come near the document. */
function secretArguments(document: Document, request: RunRequest): JsonObject {
  const values: Record<string, Json> = {};
  for (const [name, reference] of Object.entries(request.secrets)) {
    if (!isSecretReference(reference)) {
      throw new Refusal(
        'usage',
        'BAD_SECRET_REFERENCE',
        `--secret ${name}: that is no reference to a secret`,
        {
          hint: 'use env:VAR, file:PATH, ssm:/path, secretsmanager:ID or - for standard input',
        },
      );
    }
    if (document.parameters[name] === undefined) {
      throw new Refusal(
        'usage',
        'UNKNOWN_PARAMETER',
        `--secret ${name}: the runbook has no parameter ${name}`,
      );
    }
    if (document.parameters[name].secret !== true) {
      throw new Refusal(
        'usage',
        'NOT_SECRET',
        `--secret ${name}: the runbook does not declare ${name} as secret`,
        {
          hint: `write secret: true below ${name}, so that its value is kept out of everything`,
        },
      );
    }
    values[name] = secretPlaceholder(name);
  }
  const missing = Object.entries(document.parameters).filter(
    ([name, { secret, default: value }]) =>
      secret === true && value === undefined && values[name] === undefined,
  );
  if (missing.length > 0) {
    const names = missing.map(([name]) => name);
    throw new Refusal('usage', 'MISSING_SECRET', `the runbook needs the secret ${names.join(', ')}`, {
      hint: `--secret ${names[0]}=env:VAR, file:PATH, ssm:/path, secretsmanager:ID or -`,
    });
  }
  return values;
}

function refuseFailAt(document: Document, failAt: string | undefined): void {
  if (failAt === undefined || document.mainSteps.some(({ name }) => name === failAt)) return;
  throw new Refusal('usage', 'UNKNOWN_STEP', `--fail-at ${failAt}: the runbook has no such step`, {
    hint: `it has ${document.mainSteps.map(({ name }) => name).join(', ')}`,
  });
}

function refuseProblems(problems: readonly ParameterProblem[]): undefined {
  if (problems.length === 0) return undefined;
  const lines = problems.map(
    ({ code, message, hint }) => `${code}  ${message}${hint === undefined ? '' : `\n  ${hint}`}`,
  );
  throw new Refusal('usage', 'BAD_PARAMETERS', lines.join('\n'));
}

function never(): never {
  throw new Error('a problem was not refused');
}

/** What defaults may refer to: globals, the execution id, Parameter Store (never a SecureString). */
async function defaultScope(document: Document, given: JsonObject, tools: PrepareTools): Promise<Scope> {
  const stored = new Map<string, Json>();
  try {
    for (const name of parameterStoreReferences(document, given)) {
      stored.set(name, await readParameter(tools.place.aws, name));
    }
    const needsIdentity = JSON.stringify(document.parameters).includes('global:');
    const identity = needsIdentity ? await identityOrEmpty(tools) : {};
    return {
      lookup: (reference) => {
        const value = lookup(reference.kind, reference.kind === 'output' ? '' : reference.name, {
          stored,
          identity,
          tools,
        });
        return value === undefined
          ? { kind: 'absent', why: `${reference.text} cannot be read here` }
          : { kind: 'value', value };
      },
    };
  } catch (error) {
    if (!(error instanceof AwsFailure)) throw error;
    throw new Refusal('usage', error.code, `a default could not be read from AWS: ${error.message}`);
  }
}

function lookup(
  kind: string,
  name: string,
  {
    stored,
    identity,
    tools,
  }: { stored: ReadonlyMap<string, Json>; identity: JsonObject; tools: PrepareTools },
): Json | undefined {
  if (kind === 'parameterStore') return stored.get(name);
  if (kind === 'automation') return tools.executionId;
  if (kind !== 'global') return undefined;
  const iso = new Date(tools.now).toISOString();
  if (name === 'DATE') return iso.slice(0, 10);
  if (name === 'DATE_TIME') return iso.slice(0, 19).replace('T', '_').replaceAll(':', '.');
  return identity[name];
}

async function identityOrEmpty(tools: PrepareTools): Promise<JsonObject> {
  const { account, region, partition } = await tools.place.aws.identity();
  return { ACCOUNT_ID: account, REGION: region, AWS_PARTITION: partition };
}

async function readParameter(aws: Aws, name: string): Promise<Json> {
  const reply = await aws.call({ service: 'ssm', operation: 'GetParameter', params: { Name: name } });
  const parameter = isJsonObject(reply['Parameter']) ? reply['Parameter'] : {};
  if (parameter['Type'] === 'SecureString') {
    throw new Refusal(
      'usage',
      'SECURE_STRING',
      `${name} is a SecureString: a parameter's default must not hold it`,
      {
        hint: 'declare the parameter with secret: true and give --secret NAME=ssm:/path',
      },
    );
  }
  const value = typeof parameter['Value'] === 'string' ? parameter['Value'] : '';
  return parameter['Type'] === 'StringList' ? value.split(',') : value;
}
