/** What is checked of aws:executeAutomation at validation: its targets, its limits and its locations. Inputs as written. */
import type { CatalogProblem } from '../../document/catalog.ts';
import { isExpression, isRunbookFile } from '../../document/index.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { shareLimits, shareProblem } from './share-problem.ts';
import { documentNameInSsm, shareInSsm, targetMapsInSsm, targetValuesInSsm } from './ssm-rules.ts';
import { targetProblem } from './target-choice.ts';

type Path = readonly (string | number)[];

/** As `shareLimits`, of a location. */
const locationLimits = [
  ['TargetLocationMaxConcurrency', 1],
  ['TargetLocationMaxErrors', 0],
  ['TargetsMaxConcurrency', 1],
  ['TargetsMaxErrors', 0],
] as const;

const listOf = (value: Json | undefined): readonly Json[] =>
  Array.isArray(value) ? (value as readonly Json[]) : [];

export function checkAutomation(inputs: JsonObject): readonly CatalogProblem[] {
  const problems: CatalogProblem[] = [];
  const { Targets, TargetMaps, TargetParameterName: parameter, TargetLocations } = inputs;
  const about = (name: string, message: string): void => {
    const path = inputs[name] === undefined ? [] : [name];
    problems.push({ code: 'WRONG_INPUT', path, message, isAboutKey: true });
  };
  const isOfFile = isRunbookFile(inputs['DocumentName']);
  if (TargetLocations !== undefined && !isOfFile && inputs['StrictErrors'] !== undefined)
    about(
      'StrictErrors',
      'the service goes over TargetLocations of its documents, and knows no StrictErrors',
    );
  if (isOfFile) for (const message of beyondFiles(TargetLocations)) about('TargetLocations', message);
  if (Targets !== undefined && TargetMaps !== undefined)
    about('TargetMaps', 'aws:executeAutomation takes either Targets or TargetMaps, and is given both');
  if (Targets !== undefined && parameter === undefined)
    about('Targets', 'Targets needs TargetParameterName: the parameter that gets the target');
  for (const message of targetProblems(Targets)) about('Targets', message);
  for (const [name, least] of shareLimits) {
    const message = shareProblem(name, inputs[name], least);
    if (message !== undefined) about(name, message);
  }
  for (const [index, entry] of listOf(TargetLocations).entries()) {
    if (!isJsonObject(entry)) continue;
    const at = (name: string, message: string): void => {
      problems.push({ code: 'WRONG_INPUT', path: ['TargetLocations', index, name], message });
    };
    for (const [name, least] of locationLimits) {
      const message = shareProblem(name, entry[name], least);
      if (message !== undefined) at(name, message);
    }
    for (const message of targetProblems(entry['Targets'])) at('Targets', message);
  }
  return problems;
}

/** Of targets whose key and values stand there. */
function targetProblems(targets: Json | undefined): readonly string[] {
  return listOf(targets).flatMap((target) => {
    if (!isJsonObject(target)) return [];
    const { Key: key, Values: values } = target;
    if (typeof key !== 'string' || isExpression(key) || !Array.isArray(values)) return [];
    const written = values as readonly Json[];
    if (written.some((value) => isExpression(value))) return [];
    return targetProblem(key, written.map(String)) ?? [];
  });
}

/** What only Systems Manager does with locations, where Belay is to go over them. */
function beyondFiles(written: Json | undefined): readonly string[] {
  const problems = new Set<string>();
  for (const entry of listOf(written)) {
    if (!isJsonObject(entry)) continue;
    const { Accounts: accounts, TargetLocationAlarmConfiguration: alarm } = entry;
    for (const account of listOf(accounts))
      if (typeof account === 'string' && account.startsWith('ou-') && !isExpression(account))
        problems.add(
          `organizational units such as ${account} are looked up by Systems Manager alone: name the accounts of the unit`,
        );
    if (alarm !== undefined)
      problems.add(
        'TargetLocationAlarmConfiguration is looked at by Systems Manager alone: run it with --alarm',
      );
  }
  return [...problems];
}

/** What AWS refuses beyond that. */
export function automationInSsm(inputs: JsonObject): readonly CatalogProblem[] {
  const { Targets: targets, MaxConcurrency, MaxErrors } = inputs;
  return [
    ...documentNameInSsm(inputs),
    ...targetMapsInSsm(inputs),
    ...targetsInSsm(targets, ['Targets']),
    ...shareInSsm(MaxConcurrency, 'concurrency', ['MaxConcurrency']),
    ...shareInSsm(MaxErrors, 'errors', ['MaxErrors']),
    ...listOf(inputs['TargetLocations']).flatMap((entry, index) =>
      isJsonObject(entry) ? locationInSsm(entry, ['TargetLocations', index]) : [],
    ),
  ];
}

function targetsInSsm(targets: Json | undefined, path: Path): readonly CatalogProblem[] {
  const [target] = listOf(targets);
  const { Key: key, Values: values } = isJsonObject(target ?? null) ? (target as JsonObject) : {};
  const problems = [...targetValuesInSsm(targets, path)];
  if (key === 'Hosts')
    problems.push({
      code: 'ADDITION',
      path: [...path, 0, 'Key'],
      message: "Hosts is Belay's addition, which AWS does not know",
    });
  if (key === 'ResourceGroup' && listOf(values).length > 1)
    problems.push({
      code: 'WRONG_INPUT',
      path: [...path, 0, 'Values'],
      message: `AWS takes the name of one resource group, and these are ${listOf(values).length}`,
    });
  return problems;
}

function locationInSsm(entry: JsonObject, path: Path): readonly CatalogProblem[] {
  const { TargetLocationAlarmConfiguration: alarm, Targets: targets } = entry;
  const alarms = isJsonObject(alarm ?? null) ? listOf((alarm as JsonObject)['Alarms']) : undefined;
  return [
    ...targetsInSsm(targets, [...path, 'Targets']),
    ...locationLimits.flatMap(([name, least]) =>
      shareInSsm(entry[name], least === 1 ? 'concurrency' : 'errors', [...path, name]),
    ),
    ...(alarms === undefined || alarms.length === 1
      ? []
      : [
          {
            code: 'WRONG_INPUT',
            path: [...path, 'TargetLocationAlarmConfiguration'],
            message: `AWS takes exactly one alarm, and these are ${alarms.length}`,
          },
        ]),
  ];
}
