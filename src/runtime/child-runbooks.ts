/**
 * The runbooks that steps of an execution start: found beside the caller's file or in runbooks/ there, or fetched from Systems
 * Manager, checked, and given their parameters. Only reads.
 */
import { realpathSync } from 'node:fs';
import { basename, dirname, extname, isAbsolute, join } from 'node:path';
import { ActionFailure, describeStep, isOfService, type AnyAction } from '../actions/index.ts';
import {
  checkArguments,
  checkDocument,
  fitArgument,
  isRunbookFile,
  resolveParameters,
  type Catalog,
  type Document,
  type SourceText,
} from '../document/index.ts';
import { plan, type AsJson, type FoundRunbook, type Program } from '../engine/index.ts';
import { own, type Json, type JsonObject } from '../json.ts';
import type { Aws } from '../transports/aws.ts';
import { awsRunbook } from './aws-runbooks.ts';
import { overRunbook } from './over-runbook.ts';
import { defaultScope, readStored } from './defaults.ts';
import { readText } from './read-text.ts';
import { Refusal } from './refusal.ts';
import { holdsPlaceholder } from './secrets/placeholder.ts';

export interface ChildRunbooks {
  /** Throws ActionFailure. */
  find(name: string, version: string | null, aws: Aws): Promise<FoundRunbook>;
  /** A runbook of one step that runs that file for each of several targets: `over`, with the inputs of the step. Throws ActionFailure. */
  over(file: string, over: JsonObject): FoundRunbook;
  /** Values for all parameters. `childId`: of the child that gets them. Throws ActionFailure. */
  fit(asked: Fitting, aws: Aws): Promise<JsonObject>;
}

export interface Fitting {
  readonly runbook: string;
  readonly document: Document;
  readonly given: JsonObject;
  readonly childId: string;
}

/** Who runs runbooks that a step names: Belay, Systems Manager, or Belay where it has the runbook. */
export type ChildrenRunBy = 'local' | 'ssm' | 'auto';

export interface CallerOf {
  readonly runBy: ChildrenRunBy;
  /** Folders that belay.yaml names, absolute. */
  readonly folders: readonly string[];
  /** Of the calling runbook, absolute. */
  readonly file: string;
  /** The files of the executions from the root to the caller, this one's last. */
  readonly chain: readonly string[];
  readonly actions: ReadonlyMap<string, AnyAction>;
  readonly catalog: () => Catalog;
  readonly now: () => number;
}

/** Executions below executions. */
export const depthMax = 10;
const endings = ['', '.yaml', '.yml', '.json'];

export function childRunbooks(caller: CallerOf): ChildRunbooks {
  return {
    find: async (name, version, aws) => {
      // A path from the root of the disk is how Belay itself names a runbook, for its targets.
      if (caller.runBy === 'ssm' && !isAbsolute(name)) return ofService(name);
      const folders = foldersOf(caller);
      const path = fileOf(name, folders);
      if (path === undefined && isPath(name)) throw missing(name, folders);
      const owned = path === undefined && isDefault(version) ? awsRunbook(name) : undefined;
      if (path === undefined && owned === undefined && isOfService(name)) {
        if (caller.runBy === 'local') throw notHere(name);
        return { kind: 'service' };
      }
      const source =
        owned !== undefined
          ? { file: `aws:${name}`, text: owned }
          : path === undefined
            ? await fetched(name, version, aws)
            : readFile(path);
      refuseChain(caller.chain, source.file);
      const document = checked(source, caller.catalog());
      if (caller.runBy === 'local' && locationsIn(document) !== undefined)
        throw new ActionFailure({
          code: 'NOT_LOCAL',
          message: locationsMessage(locationsIn(document) ?? ''),
        });
      return planned(source, document, caller);
    },
    over: (file, over) => {
      const source = overRunbook(file, checked(readFile(file), caller.catalog()), over);
      return planned(source, checked(source, caller.catalog()), caller);
    },
    fit: async (asked, aws) => {
      try {
        return await fit(asked, aws, caller.now());
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        throw new ActionFailure({
          code: error.code,
          message: `${asked.runbook}: ${error.message}; it was not started`,
        });
      }
    },
  };
}

function planned({ file }: SourceText, document: Document, { actions }: CallerOf): FoundRunbook {
  const program = plan(document, (step) => describeStep(actions, step));
  const runbook = basename(file).replace(/^aws:|\.(ya?ml|json)$/g, '');
  return { kind: 'runbook', runbook, file, program: written(program) };
}

/** A copy as it is written down. */
const written = (program: Program): AsJson<Program> => JSON.parse(JSON.stringify(program)) as AsJson<Program>;

/** Whether a name means a file, and nothing that Systems Manager has. */
export const isPath = (name: string): boolean => /[/\\]/.test(name) || /\.(?:ya?ml|json)$/.test(name);

const isDefault = (version: string | null): boolean =>
  version === null || version === '$DEFAULT' || version === '$LATEST';

function ofService(name: string): FoundRunbook {
  if (!isPath(name) || name.startsWith('arn:')) return { kind: 'service' };
  throw new ActionFailure({
    code: 'NOT_OF_SERVICE',
    message: `${name} is a file, and with --children ssm Systems Manager runs all runbooks that steps name: name a document that it has`,
  });
}

/** The step that has Systems Manager run a document of its own in other accounts and regions, which is never done here. */
export function locationsIn({ mainSteps }: Pick<Document, 'mainSteps'>): string | undefined {
  for (const { name, inputs, nested = {} } of mainSteps) {
    if ((inputs['TargetLocations'] ?? null) !== null && !isRunbookFile(inputs['DocumentName'])) return name;
    for (const steps of Object.values(nested)) {
      const inner = locationsIn({ mainSteps: steps });
      if (inner !== undefined) return inner;
    }
  }
  return undefined;
}

export const locationsMessage = (step: string): string =>
  `step ${step} has TargetLocations, which Systems Manager goes over, and with --children local nothing is handed to it`;

function notHere(name: string): ActionFailure {
  return new ActionFailure({
    code: 'NOT_LOCAL',
    message: `${name} is a runbook that only Systems Manager has, and with --children local nothing is handed to it. Lay a runbook of that name beside the caller, or leave --children away`,
  });
}

/** Where runbooks are looked for, in this order. */
function foldersOf({ file, folders }: Pick<CallerOf, 'file' | 'folders'>): readonly string[] {
  const folder = dirname(file);
  return [folder, join(folder, 'runbooks'), ...folders];
}

/** The file that a step of that caller means by the name, absolute; undefined: there is none. */
export function runbookFile(name: string, caller: Pick<CallerOf, 'file' | 'folders'>): string | undefined {
  return fileOf(name, foldersOf(caller));
}

/** The file that the name means; undefined: there is none. Links are followed, so that a file has one name. */
function fileOf(name: string, folders: readonly string[]): string | undefined {
  if (name.startsWith('arn:')) return undefined;
  for (const place of isAbsolute(name) ? [''] : folders)
    for (const ending of extname(name) === '' ? endings.slice(1) : endings) {
      try {
        return realpathSync(join(place, `${name}${ending}`));
      } catch {
        // Not there; the next place may have it.
      }
    }
  return undefined;
}

function readFile(path: string): SourceText {
  try {
    return readText(path);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new ActionFailure({ code: error.code, message: `${error.message}; it was not started` });
  }
}

function missing(name: string, folders: readonly string[]): ActionFailure {
  return new ActionFailure({
    code: 'UNKNOWN_RUNBOOK',
    message: `there is no runbook ${name} in ${folders.join(' or in ')}`,
  });
}

/** The same in words, for a caller. */
export const missingText = (name: string, caller: Pick<CallerOf, 'file' | 'folders'>): string =>
  missing(name, foldersOf(caller)).message;

/** A document of Systems Manager that is not an AWS-owned one. */
async function fetched(name: string, version: string | null, aws: Aws): Promise<SourceText> {
  const params = { Name: name, ...(version === null ? {} : { DocumentVersion: version }) };
  const reply = await aws.call({ service: 'ssm', operation: 'GetDocument', params });
  const { Content: content, DocumentType: type } = reply;
  if (typeof content !== 'string')
    throw new ActionFailure({
      code: 'BAD_REPLY',
      message: `Systems Manager gave no text of the document ${name}`,
    });
  if (type !== undefined && type !== 'Automation')
    throw new ActionFailure({
      code: 'UNKNOWN_RUNBOOK',
      message: `${name} is a document of type ${JSON.stringify(type)}, and only Automation documents are run as a step`,
    });
  return { file: `ssm:${name}`, text: content };
}

function refuseChain(chain: readonly string[], file: string): void {
  const problem = chainProblem(chain, file);
  if (problem !== undefined) throw new ActionFailure(problem);
}

/** Why a runbook cannot run below those of the chain, the root first. */
export function chainProblem(
  chain: readonly string[],
  file: string,
): { readonly code: string; readonly message: string } | undefined {
  const names = [...chain, file].map((each) => basename(each)).join(' → ');
  if (chain.includes(file)) return { code: 'RECURSION', message: `a runbook cannot run itself: ${names}` };
  if (chain.length > depthMax)
    return { code: 'TOO_DEEP', message: `runbooks run each other at most ${depthMax} deep: ${names}` };
  return undefined;
}

function checked(source: SourceText, catalog: Catalog): Document {
  const { document, diagnostics } = checkDocument(source, catalog);
  if (document !== undefined) return document;
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  const [first] = errors;
  const more =
    errors.length > 1 ? ` (and ${errors.length - 1} more; belay validate ${source.file} tells them)` : '';
  throw new ActionFailure({
    code: 'BAD_DOCUMENT',
    message: `${source.file} is not right: ${first?.code ?? ''} ${first?.message ?? ''}${more}; it was not started`,
  });
}

/** A secret of the caller is a secret of the runbook that it gives it to, or it is not given. Throws Refusal. */
function refuseOpenSecrets(document: Document, values: JsonObject, runbook: string): void {
  for (const [name, value] of Object.entries(values)) {
    const parameter = own(document.parameters, name);
    if (parameter === undefined || parameter.secret === true || !holdsPlaceholder(value)) continue;
    throw new Refusal(
      'usage',
      'SECRET_PARAMETER',
      `${name} of ${runbook} is given a secret, and is not secret there: what it holds is kept and shown`,
      { hint: `secret: true at ${name} in ${runbook}` },
    );
  }
}

/** Throws Refusal. */
async function fit(
  { document, given, childId, runbook }: Fitting,
  aws: Aws,
  now: number,
): Promise<JsonObject> {
  const values: Record<string, Json> = {};
  for (const [name, value] of Object.entries(given)) {
    const parameter = own(document.parameters, name);
    values[name] = parameter === undefined ? value : fitArgument(parameter.type, value);
  }
  refuseOpenSecrets(document, values, runbook);
  const problem = checkArguments(document, values).find(
    ({ parameter }) => !holdsPlaceholder(values[parameter]),
  );
  if (problem !== undefined) throw new Refusal('usage', problem.code, problem.message);
  const tools = { transports: { aws }, executionId: childId, now };
  const stored = await readStored(document, values, aws);
  const [secret] = Object.keys(stored.secrets);
  if (secret !== undefined)
    throw new Refusal(
      'usage',
      'SECRET_PARAMETER',
      `the default of ${secret} is a secret, which ${runbook} as a child cannot read: give it from this runbook`,
    );
  const resolved = resolveParameters(
    document,
    values,
    await defaultScope(document, values, stored.values, tools),
  );
  if (resolved.ok) return { ...resolved.values };
  const [first] = resolved.problems;
  throw new Refusal(
    'usage',
    first?.code ?? 'ABSENT_VALUE',
    first?.message ?? 'its parameters have no values',
  );
}
