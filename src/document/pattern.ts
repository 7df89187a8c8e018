/**
 * `allowedPattern`: a regular expression in Java's dialect, run by RE2 where that can, so that no pattern of a stranger's document
 * takes longer than its text; and by JavaScript's engine with a time limit where it cannot.
 *
 * Nearly all of both dialects is the same; what JavaScript spells otherwise is translated, and what it lacks
 * (possessive quantifiers, atomic groups, class intersections) is refused with its name rather than
 * matched wrongly. A pattern matches anywhere in the value, as in Go on the agent; authors anchor it.
 * Source: java.util.regex.Pattern, Java 17.
 */
import { own } from '../json.ts';

import { runInNewContext } from 'node:vm';
import { RE2JS } from 're2js';

/** How long a pattern with look-around may take on one value, in ms. */
export const patternTimeoutMs = 250;

export type PatternAnswer = 'match' | 'differs' | 'tooSlow';

export type CompiledPattern =
  | { readonly ok: true; matches(text: string): PatternAnswer }
  | { readonly ok: false; readonly problem: string };

const posixClasses: Readonly<Record<string, string>> = {
  Lower: 'a-z',
  Upper: 'A-Z',
  ASCII: '\\x00-\\x7F',
  Alpha: 'A-Za-z',
  Digit: '0-9',
  Alnum: 'A-Za-z0-9',
  Punct: '!-\\/:-@\\[-`{-~',
  Graph: '!-~',
  Print: ' -~',
  Blank: ' \\t',
  Cntrl: '\\x00-\\x1F\\x7F',
  XDigit: '0-9A-Fa-f',
  Space: '\\s',
};

/** Compiles a Java pattern; the problem is a clause that completes "the pattern …". */
export function compilePattern(java: string): CompiledPattern {
  const translated = translate(java);
  if ('problem' in translated) return { ok: false, problem: translated.problem };
  try {
    const pattern = new RegExp(translated.source, translated.flags);
    return { ok: true, matches: linear(pattern) ?? ((text) => backtracking(pattern, text)) };
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^.*\/[a-z]*: /s, '') : String(error);
    return { ok: false, problem: `is not a regular expression: ${reason}` };
  }
}

/** By RE2, whose time grows with the text alone; undefined for what it cannot do: look-around, counts beyond 1000. */
function linear(pattern: RegExp): ((text: string) => PatternAnswer) | undefined {
  const flags = [
    pattern.ignoreCase ? RE2JS.CASE_INSENSITIVE : 0,
    pattern.dotAll ? RE2JS.DOTALL : 0,
    pattern.multiline ? RE2JS.MULTILINE : 0,
  ].reduce((all, flag) => all | flag, 0);
  try {
    const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern.source), flags);
    return (text) => (compiled.matcher(text).find() ? 'match' : 'differs');
  } catch {
    return undefined;
  }
}

/** By JavaScript's own engine, which may try every way to match: it is stopped after a time. */
function backtracking(pattern: RegExp, text: string): PatternAnswer {
  const script = 'new RegExp(source, flags).test(text)';
  const { source, flags } = pattern;
  try {
    const found: unknown = runInNewContext(script, { source, flags, text }, { timeout: patternTimeoutMs });
    return found === true ? 'match' : 'differs';
  } catch {
    return 'tooSlow';
  }
}

type Translation = { readonly source: string; readonly flags: string } | { readonly problem: string };

function translate(java: string): Translation {
  // In Java a character beyond U+FFFF is one, wherever it stands.
  const isBeyond = /[\u{10000}-\u{10FFFF}]/u.test(java);
  let flags = '';
  let source = '';
  let rest = java;
  const opening = /^\(\?([a-zA-Z]+)\)/.exec(rest);
  if (opening?.[1] !== undefined) {
    if (/[^ismuU]/.test(opening[1]))
      return { problem: `uses the flags ${opening[0]}, which Belay cannot run` };
    flags = opening[1].replaceAll(/[uU]/g, '');
    rest = rest.slice(opening[0].length);
  }
  if (isBeyond) flags += 'u';
  let classDepth = 0;
  while (rest.length > 0) {
    const pair = surrogates.exec(rest);
    if (pair !== null) {
      // Two escapes that are one character, as AWS writes ranges beyond U+FFFF.
      source += `\\u{${codePointOf(pair).toString(16)}}`;
      if (!flags.includes('u')) flags += 'u';
      rest = rest.slice(pair[0].length);
      continue;
    }
    if (rest.startsWith('\\')) {
      const piece = translateEscape(rest, classDepth > 0);
      if ('problem' in piece) return piece;
      source += piece.source;
      if (piece.isUnicode === true && !flags.includes('u')) flags += 'u';
      rest = rest.slice(piece.length);
      continue;
    }
    const missing = classDepth > 0 ? undefined : missingFeature(rest);
    if (missing !== undefined) return { problem: `uses ${missing}, which Belay cannot run` };
    if (rest.startsWith('[')) {
      if (classDepth > 0) return { problem: 'nests one character class in another, which Belay cannot run' };
      classDepth = 1;
    } else if (classDepth > 0 && rest.startsWith('&&')) {
      return { problem: 'intersects character classes (&&), which Belay cannot run' };
    } else if (classDepth > 0 && rest.startsWith(']') && !/\[\^?$/.test(source)) {
      classDepth = 0;
    } else if (classDepth > 0 && rest.startsWith(']')) {
      // In Java a bracket that opens a class is a member of it; JavaScript would close the class.
      source += '\\';
    }
    source += rest.slice(0, 1);
    rest = rest.slice(1);
  }
  const isUnicode = flags.includes('u');
  return { source: isUnicode ? plainEscapes(source) : source, flags: [...new Set(flags)].join('') };
}

const surrogates = /^\\u([dD][89abAB][0-9A-Fa-f]{2})\\u([dD][c-fC-F][0-9A-Fa-f]{2})/;

function codePointOf([, high = '', low = '']: RegExpExecArray): number {
  return (Number.parseInt(high, 16) - 0xd800) * 0x400 + (Number.parseInt(low, 16) - 0xdc00) + 0x10000;
}

/** Whose patterns are read with `u` may escape no character that means nothing else. */
function plainEscapes(source: string): string {
  return source.replaceAll(/\\([^])/g, (escape, letter: string) =>
    /[A-Za-z0-9^$\\.*+?()[\]{}|/-]/.test(letter) ? escape : letter,
  );
}

function missingFeature(rest: string): string | undefined {
  if (rest.startsWith('(?>')) return 'an atomic group (?>…)';
  if (/^(?:[*+?]|\{\d+(?:,\d*)?\})\+/.test(rest)) return 'a possessive quantifier';
  if (/^\(\?[a-zA-Z]*-?[a-zA-Z]*\)/.test(rest)) return 'flags in the middle of the pattern';
  return undefined;
}

type Piece =
  | { readonly source: string; readonly length: number; readonly isUnicode?: boolean }
  | { readonly problem: string };

function translateEscape(rest: string, inClass: boolean): Piece {
  const letter = rest.slice(1, 2);
  switch (letter) {
    case '':
      return { problem: 'ends in a backslash' };
    case 'A':
      return { source: '^', length: 2 };
    case 'z':
    case 'Z':
      return { source: '$', length: 2 };
    case 'h':
      return { source: inClass ? ' \\t\\xA0' : '[ \\t\\xA0]', length: 2 };
    case 'R':
      return { source: '(?:\\r\\n|[\\n\\r\\u2028\\u2029])', length: 2 };
    case 'a':
      return { source: '\\x07', length: 2 };
    case 'e':
      return { source: '\\x1B', length: 2 };
    case 'Q': {
      const end = rest.indexOf('\\E', 2);
      const text = rest.slice(2, end === -1 ? undefined : end);
      return {
        source: text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`),
        length: end === -1 ? rest.length : end + 2,
      };
    }
    case 'p':
    case 'P':
      return translateProperty(rest, inClass);
    case 'G':
    case 'X':
    case 'H':
    case 'V':
    case 'N':
      return { problem: `uses \\${letter}, which Belay cannot run` };
    default:
      return { source: rest.slice(0, 2), length: 2 };
  }
}

function translateProperty(rest: string, inClass: boolean): Piece {
  const match = /^\\([pP])(?:\{([A-Za-z0-9_=]+)\}|([A-Z]))/.exec(rest);
  const name = match?.[2] ?? match?.[3];
  if (match === null || name === undefined) return { problem: 'has a \\p without a property' };
  const posix = own(posixClasses, name);
  if (posix === undefined) {
    const property = name.replace(/^Is/, '');
    return { source: `\\${match[1]}{${property}}`, length: match[0].length, isUnicode: true };
  }
  if (match[1] === 'P' && inClass) {
    return { problem: `negates \\P{${name}} inside a class, which Belay cannot run` };
  }
  const source = inClass ? posix : `[${match[1] === 'P' ? '^' : ''}${posix}]`;
  return { source, length: match[0].length };
}
