/** `--target-locations Accounts=1,2,Regions=eu-west-1,ExecutionRoleName=X`: an entry of TargetLocations, in the shorthand of the AWS CLI. */
import type { Json, JsonObject } from '../json.ts';
import { Refusal } from '../runtime/refusal.ts';

const lists = ['Accounts', 'Regions', 'ExcludeAccounts'];
const texts = ['ExecutionRoleName', 'TargetLocationMaxConcurrency', 'TargetLocationMaxErrors'];

/** `limits`: of the targets, which are those of an entry where it has none of its own. Throws Refusal. */
export function targetLocations(written: readonly string[], limits: JsonObject): readonly JsonObject[] {
  const { MaxConcurrency, MaxErrors } = limits;
  return written.map((text) => ({
    ...(MaxConcurrency === undefined ? {} : { TargetLocationMaxConcurrency: MaxConcurrency }),
    ...(MaxErrors === undefined ? {} : { TargetLocationMaxErrors: MaxErrors }),
    ...entryOf(text),
  }));
}

function entryOf(text: string): JsonObject {
  const entry: Record<string, Json> = {};
  let key: string | undefined;
  for (const part of text.split(',')) {
    const [, name, first] = /^\s*([A-Za-z]+)=(.*)$/.exec(part) ?? [];
    if (name !== undefined) {
      if (![...lists, ...texts].includes(name)) throw wrong(text, `${name} is not a key of a location`);
      if (entry[name] !== undefined) throw wrong(text, `${name} is given twice`);
      key = name;
    }
    const value = (first ?? part).trim();
    if (key === undefined) throw wrong(text, `${value} belongs to no key`);
    if (value === '') throw wrong(text, `there is no value behind ${key}`);
    const had = entry[key];
    if (texts.includes(key) && had !== undefined) throw wrong(text, `${key} has one value`);
    entry[key] = texts.includes(key) ? value : [...((had as string[] | undefined) ?? []), value];
  }
  const bad = [...((entry['Accounts'] as string[] | undefined) ?? [])].find((id) => !/^\d{12}$/.test(id));
  if (bad !== undefined) throw wrong(text, `${bad} is not an account of 12 digits`);
  return entry;
}

function wrong(text: string, why: string): Refusal {
  return new Refusal('usage', 'BAD_PAIR', `--target-locations ${text}: ${why}`, {
    hint: `it has ${[...lists, ...texts].join(', ')}, for example  --target-locations Accounts=111122223333,Regions=eu-west-1,us-east-1`,
  });
}
