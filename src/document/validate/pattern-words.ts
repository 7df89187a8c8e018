/**
 * A pattern of a schema as a person says it: `^[a-z][a-z0-9-]*$` is "must begin with a small letter and hold only small letters,
 * digits and -". Only the few forms that schemas of actions use are said; of another one the pattern itself is shown.
 */
import { joinOr } from '../suggest.ts';

interface Token {
  /** Undefined for a class of characters. */
  readonly literal?: string;
  readonly set?: CharacterSet;
  /** `+`, `*`, `{1,61}`; empty for once. */
  readonly count: string;
}

interface CharacterSet {
  readonly isNegated: boolean;
  /** Several of them, and one. */
  readonly names: readonly (readonly [string, string])[];
  readonly characters: readonly string[];
}

const ranges: Readonly<Record<string, readonly [string, string]>> = {
  'A-Z': ['capital letters', 'a capital letter'],
  'a-z': ['small letters', 'a small letter'],
  '0-9': ['digits', 'a digit'],
  '0-7': ['digits from 0 to 7', 'a digit from 0 to 7'],
  '1-9': ['digits from 1 to 9', 'a digit from 1 to 9'],
  'a-f': ['a to f', 'a to f'],
  'A-F': ['A to F', 'A to F'],
};
const letters = ['letters', 'a letter'] as const;
const escapes: Readonly<Record<string, readonly [string, string] | string>> = {
  s: ['blanks', 'a blank'],
  r: '',
  n: ['line breaks', 'a line break'],
  '0': ['NUL bytes', 'a NUL byte'],
};
const token =
  /(?<set>\[(?:\\.|[^\]\\])+\])(?<count>[+*]|\{\d+(?:,\d+)?\})?|\\(?<escaped>[^\w])|(?<plain>[\w/ :;,%@#=~"'<>&-])/suy;
const member = /\\(?<escape>.)|(?<range>[\w]-[\w])|(?<plain>.)/gsu;

/** A clause behind the name of the value: `must …`. `examples` show the form where it cannot be said. */
export function patternRule(pattern: string, examples: readonly string[] = []): string {
  const form = examples.length > 0 ? `must have the form of ${joinOr(examples)}` : `must match ${pattern}`;
  return said(pattern) ?? form;
}

function said(pattern: string): string | undefined {
  const isWhole = pattern.endsWith('$') && !pattern.endsWith('\\$');
  const tokens = pattern.startsWith('^') ? tokensOf(pattern.slice(1, isWhole ? -1 : undefined)) : undefined;
  if (tokens === undefined) return undefined;
  const text = tokens.map(({ literal = '' }) => literal).join('');
  const sets = tokens.flatMap(({ set, count }) => (set === undefined ? [] : [{ set, count }]));
  if (!isWhole) return sets.length === 0 && text !== '' ? `must begin with ${text}` : undefined;
  if (tokens.findIndex(({ set }) => set !== undefined) !== text.length) return undefined;
  const [first, second, ...more] = sets;
  if (first === undefined || more.length > 0) return undefined;
  if (second === undefined) {
    if (first.count === '') return undefined;
    const many = manyOf(first.set);
    return text === ''
      ? `must ${many}${lengthOf(first.count, 0)}`
      : `must begin with ${text} and then ${many}${lengthOf(first.count, text.length)}`;
  }
  if (text !== '' || first.count !== '' || first.set.isNegated || second.count === '') return undefined;
  return `must begin with ${joinOr(one(first.set))} and ${manyOf(second.set)}${lengthOf(second.count, 1)}`;
}

/** Undefined where a part of it is none of the known ones. */
function tokensOf(body: string): Token[] | undefined {
  const found: Token[] = [];
  token.lastIndex = 0;
  while (token.lastIndex < body.length) {
    const { set, count = '', escaped, plain } = token.exec(body)?.groups ?? {};
    const literal = escaped ?? plain;
    if (literal !== undefined) found.push({ literal, count });
    else {
      const characters = set === undefined ? undefined : setOf(set.slice(1, -1));
      if (characters === undefined) return undefined;
      found.push({ set: characters, count });
    }
  }
  return found;
}

function setOf(inside: string): CharacterSet | undefined {
  const isNegated = inside.startsWith('^');
  const names: (readonly [string, string])[] = [];
  const characters: string[] = [];
  for (const { groups = {} } of inside.slice(isNegated ? 1 : 0).matchAll(member)) {
    const { escape, range, plain } = groups;
    if (plain === ' ') names.push(['spaces', 'a space']);
    else if (plain !== undefined) characters.push(plain);
    else if (range !== undefined) {
      const name = ranges[range];
      if (name === undefined) return undefined;
      names.push(name);
    } else if (escape !== undefined && /\w/.test(escape)) {
      const name = Object.hasOwn(escapes, escape) ? escapes[escape] : undefined;
      if (name === undefined) return undefined;
      if (typeof name !== 'string') names.push(name);
    } else characters.push(escape ?? '');
  }
  const hasLetters = ['A-Z', 'a-z'].every((range) => names.some((name) => name === ranges[range]));
  const rest = names.filter((name) => !hasLetters || (name !== ranges['A-Z'] && name !== ranges['a-z']));
  return { isNegated, names: hasLetters ? [letters, ...rest] : rest, characters };
}

const one = ({ names, characters }: CharacterSet): string[] => [
  ...names.map(([, single]) => single),
  ...characters,
];

/** `hold only letters, digits and . _ -`. */
function manyOf(set: CharacterSet): string {
  const parts = set.names.map(([several]) => several);
  if (set.isNegated) return `hold no ${joinOr([...parts, ...set.characters])}`;
  const marks = set.characters.join(' ');
  if (parts.length === 0 || marks === '') return `hold only ${marks === '' ? joinAnd(parts) : marks}`;
  return `hold only ${parts.join(', ')} and ${marks}`;
}

/** `before`: how many characters come before those that are counted. */
function lengthOf(count: string, before: number): string {
  const { least, most } = /^\{(?<least>\d+)(?:,(?<most>\d+))?\}$/.exec(count)?.groups ?? {};
  if (least === undefined) return '';
  const [from, to] = [Number(least) + before, Number(most ?? least) + before];
  return `, and have ${from === to ? from : `${from} to ${to}`} characters`;
}

const joinAnd = (parts: readonly string[]): string =>
  [parts.slice(0, -1).join(', '), ...parts.slice(-1)].filter((part) => part !== '').join(' and ');
