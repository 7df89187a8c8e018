/**
 * What can be known before the first effect, and would be found out in the middle otherwise: a host that nobody knows, AWS
 * that does not know the caller. Only what stands in the document and its parameters is looked at.
 */
import { ActionFailure, urlProblem, type AnyAction } from '../actions/index.ts';
import { lockNameProblem, resolveInputs, type Document, type Step } from '../document/index.ts';
import type { JsonObject } from '../json.ts';
import { AwsFailure } from '../transports/aws.ts';
import { fittingInputs } from './activities/inputs.ts';
import type { ChildProblems } from './child-problems.ts';
import { wantedLocks } from './locks/lock-names.ts';
import { everyStep, programFiles } from './program-files.ts';
import { namedInInputs } from './named-in-inputs.ts';
import { parameterScope } from './parameter-scope.ts';
import type { Transports } from './transports.ts';
import { Refusal } from './refusal.ts';

export interface Preflight {
  /** Whether any step may call AWS. */
  readonly usesAws: boolean;
}

export interface Asked {
  readonly document: Document;
  readonly parameters: JsonObject;
  /** Of the document, absolute. */
  readonly file: string;
  readonly actions: ReadonlyMap<string, AnyAction>;
  readonly transports: Transports;
  readonly isSandbox: boolean;
  /** Of the runbook that a step starts. */
  readonly childProblems: ChildProblems;
}

/** Throws Refusal. */
export async function preflight(asked: Asked): Promise<Preflight> {
  const { document, parameters, actions, transports, isSandbox } = asked;
  let usesAws = document.notify?.sns !== undefined;
  for (const step of everyStep(document.mainSteps)) {
    const action = actions.get(step.action);
    if (action === undefined) continue;
    if (action.permissions(step.inputs).length > 0) usesAws = true;
    const { hosts, selectors, urls } = namedInInputs(step, action, parameters);
    for (const url of urls) refuseUrl(url, step);
    refuseChild(step, asked);
    const targets = selectors.length === 0 ? [] : targetsOf(transports, selectors, step);
    for (const name of [...hosts, ...targets]) {
      if (hostOf(transports, name, step, isSandbox).transport === 'ssm') usesAws = true;
    }
    await refuseUnready(step, action, asked);
  }
  for (const name of lockedHosts(document, parameters, transports, isSandbox)) {
    if (transports.host(name).transport === 'ssm') usesAws = true;
  }
  if (usesAws && !isSandbox) await askAws(transports);
  return { usesAws };
}

/** Throws Refusal where the step could not run on this machine. */
async function refuseUnready(
  step: Step,
  action: AnyAction,
  { document, parameters, file, transports }: Asked,
): Promise<void> {
  if (action.ready === undefined) return;
  const scope = parameterScope(parameters);
  const known: JsonObject = Object.fromEntries(
    Object.entries(step.inputs).flatMap(([name, written]) => {
      const resolved = resolveInputs(written, scope);
      return resolved.ok ? [[name, resolved.value]] : [];
    }),
  );
  // What a parameter made of them the step itself refuses, should it come to that.
  const fitting = fittingInputs(action, known);
  if (fitting === undefined) return;
  const inputs = { ...step.inputs, ...fitting };
  const files = programFiles(document, file);
  try {
    await action.ready(inputs, {
      scripts: transports.scripts,
      // What lies in S3 is read by the step, with the document's role.
      attachment: (name) => files.attachment(name, undefined),
      commandDocument: (name) => files.commandDocument(name),
      host: (name) => transports.host(name),
    });
  } catch (error) {
    if (!(error instanceof ActionFailure)) throw error;
    throw new Refusal('usage', error.code, `step ${step.name}: ${error.message}`);
  }
}

/** Of a name that a parameter gives; one that is written there has been looked at with the document. */
function refuseChild({ action, name, inputs }: Step, { parameters, childProblems }: Asked): void {
  const resolved = resolveInputs(inputs['DocumentName'] ?? null, parameterScope(parameters));
  if (!resolved.ok) return;
  const [problem] = childProblems(action, { ...inputs, DocumentName: resolved.value });
  if (problem === undefined) return;
  const { code, message, hint } = problem;
  throw new Refusal('usage', code, `step ${name}: ${message}`, hint === undefined ? {} : { hint });
}

function refuseUrl(url: string, step: Step): void {
  const problem = urlProblem(url);
  if (problem === undefined) return;
  throw new Refusal('usage', 'BAD_URL', `step ${step.name}: the URL ${url} ${problem}`);
}

function targetsOf(transports: Transports, selectors: readonly string[], step: Step): readonly string[] {
  try {
    return transports.targets(selectors);
  } catch (error) {
    if (!(error instanceof ActionFailure)) throw error;
    throw new Refusal('usage', error.code, `step ${step.name}: ${error.message}`, {
      hint: 'Targets are hosts of belay.yaml, ranges, group:NAME and tag:KEY=VALUE',
    });
  }
}

/** Hosts on which the document's locks will be held. Throws Refusal where a lock names what nobody knows. */
function lockedHosts(
  document: Document,
  parameters: JsonObject,
  transports: Transports,
  isSandbox: boolean,
): readonly string[] {
  const resolved = resolveInputs([...(document.locks ?? [])], parameterScope(parameters));
  if (!resolved.ok || !Array.isArray(resolved.value)) return [];
  const names = resolved.value
    .filter((name) => typeof name === 'string')
    .filter((name) => lockNameProblem(name) === undefined);
  try {
    const wanted = wantedLocks(names, isSandbox, (selectors) => transports.targets(selectors));
    return wanted.flatMap(({ host }) => (host === null ? [] : [host]));
  } catch (error) {
    if (!(error instanceof ActionFailure)) throw error;
    throw new Refusal('usage', error.code, `locks: ${error.message}`, {
      hint: 'host: names a host and cluster: a group of belay.yaml',
    });
  }
}

function hostOf(transports: Transports, name: string, step: Step, isSandbox: boolean) {
  try {
    return transports.host(name);
  } catch (error) {
    if (!(error instanceof ActionFailure)) throw error;
    throw new Refusal('usage', error.code, `step ${step.name}: ${error.message}`, {
      hint: isSandbox
        ? 'give one of those, or run it without --sandbox'
        : 'name it under hosts: in belay.yaml, or give an instance id',
    });
  }
}

async function askAws(transports: Transports): Promise<void> {
  try {
    await transports.aws.identity();
  } catch (error) {
    if (!(error instanceof AwsFailure)) throw error;
    throw new Refusal(
      'usage',
      error.code,
      `the runbook needs AWS, and AWS does not answer: ${error.message}`,
      {
        hint: 'belay doctor shows who you are to AWS',
      },
    );
  }
}
