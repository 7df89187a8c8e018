/**
 * The runbooks that a task runs: its own, and those that its steps name, as far as that can be told before it runs. Reads files, and
 * asks nobody.
 */
import { basename } from 'node:path';
import { isOfService } from '../../actions/index.ts';
import { fitArgument, isRunbookFile, resolveInputs, type Document, type Step } from '../../document/index.ts';
import { isJsonObject, own, type Json, type JsonObject } from '../../json.ts';
import { awsRunbook } from '../aws-runbooks.ts';
import { depthMax, runbookFile } from '../child-runbooks.ts';
import { parameterScope } from '../parameter-scope.ts';

/** A checked runbook, or why there is none. `text`: of one that is not a file. */
export type ReadRunbook = (
  file: string,
  text?: string,
) => { readonly document: Document } | { readonly problem: string };

export interface TaskRunbook {
  /** In front of the paths of its steps: `PatchOne/patch.yaml/`; empty for the task's own. */
  readonly prefix: string;
  /** Absolute; `aws:NAME` of one that AWS owns and Belay knows. */
  readonly file: string;
  readonly document: Document;
  /** As far as they are known. */
  readonly parameters: JsonObject;
  /** Whether what it does has to be taken back by its own steps: no step that calls it says otherwise. */
  readonly climbsDown: boolean;
}

/** A runbook that a step names, and that nobody can look into beforehand. */
export interface UnreadRunbook {
  readonly kind: 'unknown' | 'broken' | 'service';
  readonly path: string;
  /** A clause: `runs a runbook that is only known when it runs`. */
  readonly why: string;
  readonly climbsDown: boolean;
}

export interface TaskRunbooks {
  /** The task's own first. */
  readonly runbooks: readonly TaskRunbook[];
  readonly unread: readonly UnreadRunbook[];
}

export interface RunbookSources {
  readonly read: ReadRunbook;
  /** Folders that belay.yaml names, absolute. */
  readonly folders: readonly string[];
}

/** More of them are told as unread: runbooks that call each other in many ways would never end. */
const runbooksMax = 200;

export function runbooksOf(
  root: Pick<TaskRunbook, 'file' | 'document' | 'parameters'>,
  sources: RunbookSources,
): TaskRunbooks {
  const runbooks: TaskRunbook[] = [];
  const unread: UnreadRunbook[] = [];
  const look = (runbook: TaskRunbook, chain: readonly string[]): void => {
    runbooks.push(runbook);
    for (const { step, path } of forwardSteps(runbook.document.mainSteps, runbook.prefix)) {
      if (step.action !== 'aws:executeAutomation') continue;
      const found = called(step, path, runbook, sources);
      if (!('document' in found)) unread.push(found);
      // One that runs itself is refused when it comes to that; what it does has been looked at.
      else if (runbooks.length >= runbooksMax || chain.length > depthMax)
        unread.push({
          kind: 'unknown',
          path,
          why: 'calls more runbooks than are looked at',
          climbsDown: found.climbsDown,
        });
      else if (!chain.includes(found.file)) look(found, [...chain, found.file]);
    }
  };
  look({ ...root, prefix: '', climbsDown: true }, [root.file]);
  return { runbooks, unread };
}

function called(
  step: Step,
  path: string,
  caller: TaskRunbook,
  { read, folders }: RunbookSources,
): TaskRunbook | UnreadRunbook {
  const climbsDown = caller.climbsDown && step.undo.kind === 'auto';
  const not = (kind: UnreadRunbook['kind'], why: string): UnreadRunbook => ({ kind, path, why, climbsDown });
  const scope = parameterScope(caller.parameters);
  const resolved = resolveInputs(step.inputs['DocumentName'] ?? '', scope);
  const name = resolved.ok && typeof resolved.value === 'string' ? resolved.value : '';
  if (name === '') return not('unknown', 'runs a runbook whose name is only known when it runs');
  const runs = `has Systems Manager run ${name}`;
  if ((step.inputs['TargetLocations'] ?? null) !== null && !isRunbookFile(name)) return not('service', runs);
  const file = runbookFile(name, { file: caller.file, folders });
  const text = file === undefined ? awsRunbook(name) : undefined;
  if (file === undefined && text === undefined) {
    return isOfService(name)
      ? not('service', runs)
      : not('unknown', `runs ${name}, which is not a file here and is only read when it runs`);
  }
  const source = file ?? `aws:${name}`;
  const found = text === undefined ? read(source) : read(source, text);
  if ('problem' in found) return not('broken', `runs a runbook that is not right: ${found.problem}`);
  const { document } = found;
  return {
    prefix: `${path}/${basename(source)}/`,
    file: source,
    document,
    parameters: { ...defaultsOf(document), ...given(step, document, caller.parameters) },
    climbsDown,
  };
}

/** What the step gives, where that is known; the target of each run is not. */
function given(step: Step, document: Document, parameters: JsonObject): JsonObject {
  const { RuntimeParameters: written, TargetParameterName: ofTarget } = step.inputs;
  if (!isJsonObject(written)) return {};
  const scope = parameterScope(parameters);
  const known = Object.entries(written).flatMap(([name, value]): [string, Json][] => {
    const resolved = resolveInputs(value, scope);
    if (!resolved.ok || name === ofTarget) return [];
    const parameter = own(document.parameters, name);
    const { value: fitting } = resolved;
    return [[name, parameter === undefined ? fitting : fitArgument(parameter.type, fitting)]];
  });
  return Object.fromEntries(known);
}

/** Defaults that are values; an expression is only known when it runs. */
export function defaultsOf(document: Document): JsonObject {
  const known = Object.entries(document.parameters).flatMap(([name, parameter]): [string, Json][] =>
    parameter.default === undefined || JSON.stringify(parameter.default).includes('{{')
      ? []
      : [[name, parameter.default]],
  );
  return Object.fromEntries(known);
}

/** Steps of the way forward, nested ones too, with their places in the document. */
export function* forwardSteps(
  steps: readonly Step[],
  prefix: string,
): Generator<{ readonly step: Step; readonly path: string }> {
  for (const step of steps) {
    const path = prefix + step.name;
    yield { step, path };
    for (const [list, nested] of Object.entries(step.nested ?? {}))
      yield* forwardSteps(nested, `${path}/${list}/`);
  }
}
