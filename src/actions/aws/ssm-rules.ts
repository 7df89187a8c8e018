/**
 * What Systems Manager refuses in the inputs of several actions and Belay takes: binding under --strict-ssm. Values that an
 * expression gives are known when the step runs. Source: the patterns and bounds of the service's own model.
 */
import type { CatalogProblem } from '../../document/catalog.ts';
import { embeddedText, isExpression } from '../../document/index.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';

type Path = readonly (string | number)[];

const wrong = (path: Path, message: string): CatalogProblem => ({ code: 'WRONG_INPUT', path, message });
const tooLarge = (path: Path, message: string): CatalogProblem => ({ code: 'SSM_LIMIT', path, message });

const listOf = (value: Json | undefined): readonly Json[] =>
  Array.isArray(value) ? (value as readonly Json[]) : [];

export function documentNameInSsm({ DocumentName: name }: JsonObject): readonly CatalogProblem[] {
  if (typeof name !== 'string' || isExpression(name) || /^[a-zA-Z0-9_.:/-]{3,128}$/.test(name)) return [];
  return [
    wrong(
      ['DocumentName'],
      `AWS takes a name of 3 to 128 letters, digits and _ - . : /, and no ${JSON.stringify(name)}`,
    ),
  ];
}

/** How AWS writes a count or a percentage: no blanks, and no zero in front. */
const shares = {
  concurrency: /^(?:[1-9][0-9]*|[1-9][0-9]%|[1-9]%|100%)$/,
  errors: /^(?:[1-9][0-9]*|0|[1-9][0-9]%|[0-9]%|100%)$/,
} as const;

export function shareInSsm(
  value: Json | undefined,
  kind: keyof typeof shares,
  path: Path,
): readonly CatalogProblem[] {
  if (value === undefined || isExpression(value) || shares[kind].test(embeddedText(value))) return [];
  const name = path.at(-1) ?? '';
  return [wrong(path, `AWS takes a number such as 5 or 10% as ${name}, and no ${JSON.stringify(value)}`)];
}

const targetValuesMax = 50;

export function targetValuesInSsm(targets: Json | undefined, path: Path): readonly CatalogProblem[] {
  return listOf(targets).flatMap((target, index) => {
    const values = listOf(isJsonObject(target) ? target['Values'] : undefined);
    if (values.length <= targetValuesMax) return [];
    const message = `a target has ${values.length} values, and AWS takes at most ${targetValuesMax}`;
    return [tooLarge([...path, index, 'Values'], message)];
  });
}

/** StartAutomationExecution takes so many keys in a map of TargetMaps, so many values under each, and texts so long. */
const mapKeysMax = 20;
const mapValuesMax = 25;
const mapTextMax = 50;

export function targetMapsInSsm({ TargetMaps: maps }: JsonObject): readonly CatalogProblem[] {
  return listOf(maps).flatMap((map, index): readonly CatalogProblem[] => {
    if (!isJsonObject(map)) return [];
    const path = ['TargetMaps', index];
    const problems: CatalogProblem[] = [];
    const keys = Object.keys(map);
    if (keys.length === 0 || keys.length > mapKeysMax)
      problems.push(
        tooLarge(path, `a map of TargetMaps has ${keys.length} keys, and AWS takes 1 to ${mapKeysMax}`),
      );
    for (const [key, given] of Object.entries(map)) {
      const values = Array.isArray(given) ? (given as readonly Json[]) : [given];
      if (values.length > mapValuesMax)
        problems.push(
          tooLarge(
            [...path, key],
            `a key in a map of TargetMaps has ${values.length} values, and AWS takes at most ${mapValuesMax}`,
          ),
        );
      const lengths = [key, ...values].map((text) => (typeof text === 'string' ? text.length : 0));
      const longest = Math.max(...lengths);
      if (longest > mapTextMax)
        problems.push(
          tooLarge(
            [...path, key],
            `a name or value in a map of TargetMaps has ${longest} characters, and AWS takes at most ${mapTextMax}`,
          ),
        );
    }
    return problems;
  });
}
