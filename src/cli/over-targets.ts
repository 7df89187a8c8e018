/** `belay run FILE --targets …` and `--target-locations …`: one execution of the runbook for each, as a runbook of one step that starts them. */
import { basename, dirname, join, resolve } from 'node:path';
import { targetProblem } from '../actions/index.ts';
import { checkArguments, parseArgument, shareOf, type Document, type SourceText } from '../document/index.ts';
import { own, type Json, type JsonObject } from '../json.ts';
import type { StartRequest } from '../runtime/belay.ts';
import { Refusal } from '../runtime/refusal.ts';
import { flagOf, textOf, textsOf, type RawOptions } from './options.ts';
import { targetLocations } from './target-locations.ts';

/** The request for all targets; the same request where no targets are asked for. Throws Refusal. */
export function overTargets(
  request: StartRequest,
  document: Document | undefined,
  options: RawOptions,
): StartRequest {
  const targets = textsOf(options, 'targets');
  const locations = textsOf(options, 'targetLocations');
  const { file } = request;
  const flag = targets.length > 0 ? '--targets' : '--target-locations';
  if (targets.length + locations.length > 0 && request.mode === 'Interactive')
    throw usage(
      'NOT_WITH_TARGETS',
      `--interactive waits before each step of one execution, and ${flag} starts several`,
      'Leave one of them out.',
    );
  if (targets.length + locations.length === 0) return refuseAlone(options, request);
  if (document === undefined || typeof file !== 'string') return request;
  const parameter = targets.length > 0 ? targetParameter(document, options) : undefined;
  const [name] = Object.keys(request.secrets);
  if (name !== undefined)
    throw usage(
      'SECRET_NOT_ALLOWED',
      `--secret ${name} cannot go to the executions of ${flag}`,
      'Run it for one target, or read the secret by a default "{{ ssm:NAME }}".',
    );
  const given = argumentsOf(request, document);
  refuseProblems(document, given, parameter);
  const limits = limitsOf(options);
  const over = parameter === undefined ? {} : overOf(targets, parameter, limits);
  const places = targetLocations(locations, parameter === undefined ? limits : {});
  const step = {
    name: 'Targets',
    action: 'aws:executeAutomation',
    inputs: {
      DocumentName: resolve(file),
      RuntimeParameters: given,
      ...over,
      ...(places.length === 0 ? {} : { TargetLocations: places }),
      ...(flagOf(options, 'strictErrors') ? { StrictErrors: true } : {}),
    },
  };
  const when = request.rollback ?? document.rollback.when;
  const text = JSON.stringify({
    schemaVersion: '0.3',
    description: `${basename(file)} for each target of ${[...targets, ...locations].join(', ')}`,
    rollback: { when, timeoutSeconds: document.rollback.timeoutSeconds },
    mainSteps: [step],
    outputs: ['Targets.Succeeded', 'Targets.Failed', 'Targets.NotStarted'],
  });
  const { rollback: _own, targets: _targets, ...rest } = request;
  const [chosen] = (over['Targets'] ?? []) as { Key?: string }[];
  const source: SourceText = {
    file: join(dirname(file), `${basename(file).replace(/\.\w+$/, '')} over ${chosen?.Key ?? 'locations'}`),
    text,
  };
  return { ...rest, file: source, texts: {}, values: {} };
}

function overOf(targets: readonly string[], parameter: string, limits: JsonObject): JsonObject {
  const { Key, Values } = choiceOf(targets);
  return { Targets: [{ Key, Values: [...Values] }], TargetParameterName: parameter, ...limits };
}

/** A limit without targets would be taken for one of something else. */
function refuseAlone(options: RawOptions, request: StartRequest): StartRequest {
  for (const [name, flag] of [
    ['targetParameter', '--target-parameter'],
    ['maxConcurrency', '--max-concurrency'],
    ['maxErrors', '--max-errors'],
    ['strictErrors', '--strict-errors'],
  ] as const)
    if (options[name] !== undefined)
      throw usage(
        'NO_TARGETS',
        `${flag} is for the targets of --targets, and there are none`,
        'for example  --targets tag:Role=db',
      );
  return request;
}

function targetParameter(document: Document, options: RawOptions): string {
  const given = textOf(options, 'targetParameter');
  const known = Object.keys(document.parameters);
  const [only] = known;
  if (given === undefined && only !== undefined && known.length === 1) return only;
  if (given === undefined)
    throw usage(
      'MISSING_PARAMETER',
      '--targets needs --target-parameter: the parameter that gets the target',
      `the runbook has ${known.join(', ') || 'no parameters'}`,
    );
  if (own(document.parameters, given) !== undefined) return given;
  throw usage(
    'UNKNOWN_PARAMETER',
    `--target-parameter ${given}: the runbook has no such parameter`,
    `it has ${known.join(', ') || 'none'}`,
  );
}

function argumentsOf({ texts, values }: StartRequest, document: Document): JsonObject {
  const read = Object.entries(texts).map(([name, text]): [string, Json] => {
    const parameter = own(document.parameters, name);
    const parsed = parameter === undefined ? undefined : parseArgument(parameter, text);
    return [name, parsed?.ok === true ? parsed.value : text];
  });
  return { ...values, ...Object.fromEntries(read) };
}

/** Before anything is started, for all targets alike. Throws Refusal. */
function refuseProblems(document: Document, given: JsonObject, target: string | undefined): void {
  if (target !== undefined && own(given, target) !== undefined)
    throw usage(
      'GIVEN_TWICE',
      `parameter ${target} is given, and --targets gives it too`,
      'Leave one of them out.',
    );
  const [problem] = checkArguments(document, given).filter(({ parameter }) => parameter !== target);
  if (problem === undefined) return;
  throw new Refusal(
    'usage',
    problem.code,
    problem.message,
    problem.hint === undefined ? {} : { hint: problem.hint },
  );
}

const keyed = /^(tag:[^=]+|ParameterValues|ResourceGroup|InstanceIds|AWS::EC2::Instance)=(.*)$/;

/** `tag:Role=db,web`, `ParameterValues=a,b`, or hosts as the inventory names them. Throws Refusal. */
function choiceOf(texts: readonly string[]): { readonly Key: string; readonly Values: readonly string[] } {
  const choices = texts.map((text) => keyed.exec(text));
  const halfTag = texts.find((text, index) => choices[index] === null && text.startsWith('tag:'));
  if (halfTag !== undefined)
    throw usage(
      'BAD_PAIR',
      `--targets ${halfTag}: a tag has a value behind an =`,
      'for example  --targets tag:Role=db',
    );
  if (choices.every((choice) => choice === null)) return { Key: 'Hosts', Values: texts };
  const [text = ''] = texts;
  const [, Key = '', list = ''] = choices[0] ?? [];
  if (texts.length > 1)
    throw usage(
      'TARGETS',
      `--targets ${texts.join(' and ')}: only hosts may be named more than once`,
      'Give several values with commas: --targets tag:Role=db,web',
    );
  const Values = list
    .split(',')
    .map((value) => value.trim())
    .filter((value) => value !== '');
  const problem = Values.length === 0 ? undefined : targetProblem(Key, Values);
  if (problem !== undefined)
    throw usage('TARGETS', `--targets ${text}: ${problem}`, 'for example  --targets InstanceIds=i-1,i-2');
  // Twice the same would act twice at once on one target.
  if (Values.length > 0) return { Key, Values: [...new Set(Values)] };
  throw usage(
    'BAD_PAIR',
    `--targets ${text}: there is no value behind the =`,
    'for example  --targets tag:Role=db',
  );
}

/** Throws Refusal. */
function limitsOf(options: RawOptions): JsonObject {
  const limits: Record<string, Json> = {};
  for (const [name, input, flag, least] of [
    ['maxConcurrency', 'MaxConcurrency', '--max-concurrency', 1],
    ['maxErrors', 'MaxErrors', '--max-errors', 0],
  ] as const) {
    const text = textOf(options, name);
    if (text === undefined) continue;
    if (shareOf(text, 100, least) === undefined)
      throw usage(
        'BAD_LIMIT',
        `${flag} ${text}: that is neither a number from ${least} on nor a share such as 10%`,
        `for example  ${flag} 10%`,
      );
    limits[input] = text;
  }
  return limits;
}

function usage(code: string, message: string, hint: string): Refusal {
  return new Refusal('usage', code, message, { hint });
}
