/** Values for the parameters of a document that nobody has seen before: from its own rules, and from what its names mean. */
import fc from 'fast-check';

import { checkArgument, embeddedText, type Document, type Parameter } from '../../../src/document/index.ts';
import type { Json } from '../../../src/json.ts';
import { account, region, type Seeds } from './world.ts';

export function generatedParameters({ parameters, mainSteps }: Document, seeds: Seeds): Record<string, Json> {
  const values: Record<string, Json> = {};
  const inSleeps = new Set(
    [...JSON.stringify(mainSteps).matchAll(/PT\{\{\s*(\w+)\s*\}\}[HMS]/g)].map(([, name = '']) => name),
  );
  for (const [name, parameter] of Object.entries(parameters)) {
    const { default: written } = parameter;
    // A number of seconds that a sleep is made of.
    const isSeconds = inSleeps.has(name) && typeof written === 'string' && /^\d+$/.test(written);
    const given = isSeconds ? undefined : written;
    // Some published defaults are placeholders that their own pattern refuses.
    const isUsable =
      given !== undefined && (isOpen(given) || checkArgument(name, parameter, given).length === 0);
    if (isUsable && !isSlow(given)) continue;
    const candidates = [...(isSeconds ? ['1'] : []), ...candidatesFor(name, parameter, seeds)];
    values[name] =
      candidates.find((value) => checkArgument(name, parameter, value).length === 0) ?? candidates[0] ?? '';
  }
  return values;
}

const isOpen = (value: Json): boolean => JSON.stringify(value).includes('{{');

/** Waits of minutes tell nothing: the shortest is taken where the document lets its caller choose. */
function isSlow(value: Json): boolean {
  return typeof value === 'string' && /^P(?:T?\d+[DHMS])+$/.test(value);
}

function candidatesFor(
  name: string,
  { type, allowedValues, allowedPattern, default: given }: Parameter,
  seeds: Seeds,
): Json[] {
  const all: Json[] = [];
  if (isSlow(given ?? null)) all.push('PT1S');
  for (const value of allowedValues ?? []) all.push(fit(type, value));
  for (const [pattern, value] of seeds) if (pattern.test(name)) all.push(fit(type, value));
  for (const service of [
    'dynamodb',
    'kms',
    'lambda',
    'rds',
    'sqs',
    'secretsmanager',
    'ecs',
    'elasticloadbalancing',
  ])
    for (const resource of [
      'corpus',
      'table/corpus',
      'key/corpus',
      'function:corpus',
      'db:corpus',
      'cluster/corpus',
    ])
      all.push(fit(type, `arn:aws:${service}:${region}:${account}:${resource}`));
  all.push(fit(type, `arn:aws:iam::${account}:instance-profile/corpus`));
  for (const value of ['corpus', '1', '', 'true', 'a1', 'corpus@example.com', '10.0.0.0/16'])
    all.push(fit(type, value));
  if (given !== undefined) all.push(given);
  for (const text of matching(allowedPattern)) all.push(fit(type, text));
  return all;
}

/** Some texts that the pattern takes, always the same; none where it says what a generator cannot follow. */
function matching(pattern: string | undefined): readonly string[] {
  if (pattern === undefined) return [];
  try {
    return fc.sample(fc.stringMatching(new RegExp(pattern), { size: '-1' }), { seed: 42, numRuns: 5 });
  } catch {
    return [];
  }
}

function fit(type: string, value: Json): Json {
  if (type === 'StringList' || type.startsWith('List<')) return Array.isArray(value) ? value : [value];
  if (type === 'StringMap') return typeof value === 'object' ? value : { Key: 'Name', Value: 'corpus' };
  if (type === 'MapList') return Array.isArray(value) ? value : [{ Key: 'Name', Values: ['corpus'] }];
  if (type === 'Boolean') return value === true || value === 'true';
  if (type === 'Integer') return Number.isInteger(Number(value)) ? Number(value) : 1;
  return embeddedText(value);
}
