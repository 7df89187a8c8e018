/** What mends a finding, as the command line to type: a runbook with its parameters filled from the finding. */
import type { Json, JsonObject } from '../json.ts';
import type { Finding, Remedy } from './types.ts';

const names = ['TARGET', 'SUBJECT', 'WANTED', 'FOUND', 'RULE'] as const;
type Name = (typeof names)[number];
const braces = /\{\{\s*([A-Za-z_]+)\s*\}\}/g;

/** Parameters of the remedy for one finding. */
export function remedyParameters({ parameters }: Remedy, finding: Finding): JsonObject {
  const values: Readonly<Record<Name, string>> = {
    TARGET: finding.target,
    SUBJECT: finding.subject,
    WANTED: finding.wanted,
    FOUND: finding.found,
    RULE: finding.rule,
  };
  return Object.fromEntries(Object.entries(parameters).map(([key, value]) => [key, filled(value, values)]));
}

/** Names in braces that stand for nothing. */
export function unknownInRemedy(parameters: Json): string[] {
  if (typeof parameters === 'string')
    return [...parameters.matchAll(braces)].map(([, name = '']) => name).filter((name) => !isName(name));
  if (typeof parameters !== 'object' || parameters === null) return [];
  return Object.values(parameters).flatMap((value) => unknownInRemedy(value));
}

/** What `belay run` is given. */
export function remedyArguments(remedy: Remedy, finding: Finding): string[] {
  const pairs = Object.entries(remedyParameters(remedy, finding)).flatMap(([name, value]) => [
    '-p',
    `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  ]);
  return [remedy.runbook, ...pairs];
}

/** `belay run /etc/belay/restart.yaml -p Host=web1`. What a host said is quoted, so that no shell runs it. */
export function remedyCommand(remedy: Remedy, finding: Finding): string {
  return ['belay run', ...remedyArguments(remedy, finding).map(shellWord)].join(' ');
}

function filled(value: Json, values: Readonly<Record<Name, string>>): Json {
  if (typeof value === 'string')
    return value.replaceAll(braces, (all, name: string) => (isName(name) ? values[name] : all));
  if (Array.isArray(value)) return (value as readonly Json[]).map((each) => filled(each, values));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value as JsonObject).map(([key, each]) => [key, filled(each, values)]),
  );
}

function isName(name: string): name is Name {
  return names.some((each) => each === name);
}

function shellWord(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
