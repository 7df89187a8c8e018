/** Everything that is checked before an execution exists: document, arguments, secrets. Nothing has begun when it says no. */
import { basename } from 'node:path';
import { describeStep, type AnyAction } from '../actions/index.ts';
import {
  checkArguments,
  checkDocument,
  parseArgument,
  resolveParameters,
  type Catalog,
  type Diagnostic,
  type Document,
  type ParameterProblem,
  type RollbackWhen,
  type SourceText,
} from '../document/index.ts';
import { plan } from '../engine/index.ts';
import type { ExecutionSettings, NewExecution } from '../journal/index.ts';
import { own, type Json, type JsonObject } from '../json.ts';
import { refuseFailAt } from './failing-at.ts';
import type { Transports } from './transports.ts';
import { programSha256 } from './program-hash.ts';
import { preflight } from './preflight.ts';
import { Refusal } from './refusal.ts';
import { childProblems, type ChildProblems } from './child-problems.ts';
import { locationsIn, locationsMessage } from './child-runbooks.ts';
import { defaultScope, readStored } from './defaults.ts';
import { fingerprintOf } from './secrets/fingerprint.ts';
import { readSecrets } from './secrets/read-all.ts';
import { isSecretReference, type SecretSources } from './secrets/references.ts';
import { newPlaceholder } from './secrets/placeholder.ts';

export interface RunRequest {
  readonly source: SourceText;
  /** From `-p`: text, read by the parameter's type. */
  readonly texts: Readonly<Record<string, string>>;
  /** From parameter files: values as they are. Texts win. */
  readonly values: JsonObject;
  readonly secrets: Readonly<Record<string, string>>;
  readonly rollback?: RollbackWhen;
  readonly failAt?: string;
  readonly mode?: 'Interactive';
  readonly lockWaitSeconds?: number;
  /** belay.yaml names approvers with keys. */
  readonly signedApprovals?: true;
  readonly settings: Omit<ExecutionSettings, 'secrets' | 'secretPrints' | 'usesAws'>;
}

export interface PreparedExecution {
  readonly execution: NewExecution;
  readonly warnings: readonly Diagnostic[];
}

export interface PrepareTools {
  readonly catalog: Catalog;
  /** Where belay.yaml says that runbooks lie, absolute. */
  readonly runbookFolders: readonly string[];
  readonly actions: ReadonlyMap<string, AnyAction>;
  readonly transports: Transports;
  readonly executionId: string;
  readonly now: number;
  readonly secretSources: Omit<SecretSources, 'aws'>;
}

/** Throws Refusal. */
export async function prepareExecution(request: RunRequest, tools: PrepareTools): Promise<PreparedExecution> {
  const besides = problemsOfChildren(request, tools);
  const written = checked(request, tools, [], besides);
  const plain = { ...request.values, ...readTexts(written.document, request.texts) };
  const stored = await readStored(written.document, { ...plain, ...request.secrets }, tools.transports.aws);
  const secrets = { ...stored.secrets, ...request.secrets };
  const { document, diagnostics } = checked(request, tools, Object.keys(stored.secrets), besides);
  const located = request.settings.children === 'local' ? locationsIn(document) : undefined;
  if (located !== undefined) throw new Refusal('usage', 'NOT_LOCAL', locationsMessage(located));
  const given = { ...plain, ...secretArguments(document, secrets) };
  refuseProblems(
    checkArguments(document, given).filter(({ parameter }) => !Object.hasOwn(secrets, parameter)),
  );
  if (request.failAt !== undefined) refuseFailAt(document, tools.actions, request.failAt);
  const resolved = resolveParameters(
    document,
    given,
    await defaultScope(document, given, stored.values, tools),
  );
  if (!resolved.ok) return refuseProblems(resolved.problems) ?? never();
  const { usesAws } = await preflight({
    document,
    parameters: resolved.values,
    file: fileOf(request),
    childProblems: besides,
    actions: tools.actions,
    transports: tools.transports,
    isSandbox: request.settings.sandbox,
  });
  const values = await readOrRefuse(secrets, document, tools);
  const prints = Array.from(values, ([name, value]) => [name, fingerprintOf(value)] as const);
  const program = plan(document, (step) => describeStep(tools.actions, step));
  const execution: NewExecution = {
    id: tools.executionId,
    runbook: basename(request.source.file).replace(/\.(ya?ml|json)$/, ''),
    file: request.source.file,
    program,
    sha256: programSha256(program),
    input: {
      parameters: resolved.values,
      rollbackWhen: request.rollback ?? document.rollback.when,
      rollbackRequests: [],
      failAt: request.failAt ?? null,
      ...(request.mode === undefined ? {} : { mode: request.mode }),
      ...(request.lockWaitSeconds === undefined ? {} : { lockWaitSeconds: request.lockWaitSeconds }),
      ...(request.signedApprovals === undefined ? {} : { signedApprovals: request.signedApprovals }),
    },
    settings: {
      ...request.settings,
      secrets,
      usesAws,
      // The sandbox has a stand-in for each.
      ...(request.settings.sandbox ? {} : { secretPrints: Object.fromEntries(prints) }),
    },
    createdAt: tools.now,
  };
  return { execution, warnings: diagnostics };
}

const fileOf = ({ settings, source }: RunRequest): string => settings.runbookFile ?? source.file;

/** Runbooks that Systems Manager runs are not looked for here. */
function problemsOfChildren(request: RunRequest, { catalog, runbookFolders }: PrepareTools): ChildProblems {
  if (request.settings.children === 'ssm') return () => [];
  return childProblems({ file: fileOf(request), folders: runbookFolders, catalog });
}

/** Throws Refusal. `secretParameters`: those whose default was found to be a secret. */
function checked(
  { source }: RunRequest,
  { catalog }: PrepareTools,
  secretParameters: readonly string[],
  besides: ChildProblems,
): { readonly document: Document; readonly diagnostics: readonly Diagnostic[] } {
  const { document, diagnostics } = checkDocument(source, catalog, { secretParameters, besides });
  if (document !== undefined) return { document, diagnostics };
  throw new Refusal('usage', 'BAD_DOCUMENT', 'the runbook is not right', { diagnostics, sources: [source] });
}

function readTexts(document: Document, texts: Readonly<Record<string, string>>): JsonObject {
  const values = new Map<string, Json>();
  const problems: ParameterProblem[] = [];
  for (const [name, text] of Object.entries(texts)) {
    const parameter = own(document.parameters, name);
    if (parameter?.secret === true) {
      throw new Refusal(
        'usage',
        'SECRET_ON_COMMAND_LINE',
        `${name} is secret: its value must not be on a command line`,
        {
          hint: `--secret ${name}=env:VAR, file:PATH, ssm:/path, secretsmanager:ID or - for standard input`,
        },
      );
    }
    const coerced =
      parameter === undefined ? { ok: true as const, value: text } : parseArgument(parameter, text);
    if (coerced.ok) values.set(name, coerced.value);
    else
      problems.push({
        code: 'WRONG_TYPE',
        parameter: name,
        message: `parameter ${name}: ${coerced.problem}`,
      });
  }
  refuseProblems(problems);
  return Object.fromEntries(values);
}

/** Placeholders for secret parameters; their values never come near the document. */
function secretArguments(document: Document, secrets: Readonly<Record<string, string>>): JsonObject {
  const values = new Map<string, Json>();
  for (const [name, reference] of Object.entries(secrets)) {
    if (!isSecretReference(reference)) {
      throw new Refusal(
        'usage',
        'BAD_SECRET_REFERENCE',
        `--secret ${name}: that is not a reference to a secret`,
        {
          hint: 'use env:VAR, file:PATH, ssm:/path, secretsmanager:ID or - for standard input',
        },
      );
    }
    const parameter = own(document.parameters, name);
    if (parameter === undefined) {
      throw new Refusal(
        'usage',
        'UNKNOWN_PARAMETER',
        `--secret ${name}: the runbook has no parameter ${name}`,
      );
    }
    if (parameter.secret !== true) {
      throw new Refusal(
        'usage',
        'NOT_SECRET',
        `--secret ${name}: the runbook does not declare ${name} as secret`,
        {
          hint: `write secret: true below ${name}, so that its value is kept out of everything`,
        },
      );
    }
    values.set(name, newPlaceholder(name));
  }
  const missing = Object.entries(document.parameters).filter(
    ([name, { secret, default: value }]) => secret === true && value === undefined && !values.has(name),
  );
  if (missing.length > 0) {
    const names = missing.map(([name]) => name);
    throw new Refusal('usage', 'MISSING_SECRET', `the runbook needs the secret ${names.join(', ')}`, {
      hint: `--secret ${names[0]}=env:VAR, file:PATH, ssm:/path, secretsmanager:ID or -`,
    });
  }
  return Object.fromEntries(values);
}

/** Whether each secret can be read: an execution that cannot begin must not come to be. */
async function readOrRefuse(
  secrets: Readonly<Record<string, string>>,
  document: Document,
  { transports, secretSources }: PrepareTools,
): Promise<ReadonlyMap<string, string>> {
  const from = { ...secretSources, aws: () => Promise.resolve(transports.aws) };
  const { values, troubles } = await readSecrets(secrets, document, from);
  if (troubles.length === 0) return values;
  throw new Refusal('usage', 'MISSING_SECRET', `a secret cannot be read\n  ${troubles.join('\n  ')}`);
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
