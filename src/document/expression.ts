/**
 * Expressions: finds `{{ … }}` in values and puts values in their place, by SSM Automation's rules.
 *
 * A string that is one expression takes the value with its type. An expression inside a longer string becomes text:
 * strings as they are, everything else as JSON. A list element that is one expression and yields a list is spliced in.
 * What a value brings in is never looked at again, so no value can smuggle in an expression.
 */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { parseReference, type Reference } from './reference.ts';

export type TemplatePart =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'reference';
      readonly reference: Reference;
      /** UTF-16 offsets in the template, braces included. */
      readonly start: number;
      readonly end: number;
    };

export type Lookup =
  | { readonly kind: 'value'; readonly value: Json }
  /** `why` is half a sentence: `step "Find" has not run`. */
  | {
      readonly kind: 'absent';
      readonly why: string;
      /** The step that would have given it lies on a path that was not taken. */
      readonly isNotRun?: boolean;
    };

/** Where references get their values from. */
export interface Scope {
  lookup(reference: Reference): Lookup;
}

export type Path = readonly (string | number)[];

export type Resolution =
  | { readonly ok: true; readonly value: Json }
  | {
      readonly ok: false;
      readonly code: 'ABSENT_VALUE' | 'DUPLICATE_KEY' | 'TOO_LONG';
      readonly message: string;
      /** Path of the value below what was resolved. */
      readonly path: Path;
    };

export interface ResolveOptions {
  /** An absent value is null where it stands alone, and empty inside a longer text; else it is a refusal. */
  readonly absentIsNull?: boolean;
  /**
   * What a step that has not run would have given is null where it stands alone, and this is told of it; inside a longer
   * text it stays a refusal.
   */
  readonly notRun?: (reference: Reference, why: string) => void;
}

const bracesPattern = /\{\{([^{}]*)\}\}/g;

/** Splits a string at its expressions. Text in braces that is not a reference of SSM Automation stays text. */
export function parseTemplate(template: string): TemplatePart[] {
  const parts: TemplatePart[] = [];
  let done = 0;
  for (const match of template.matchAll(bracesPattern)) {
    const reference = parseReference(match[1] ?? '');
    if (reference === undefined) continue;
    if (match.index > done) parts.push({ kind: 'text', text: template.slice(done, match.index) });
    done = match.index + match[0].length;
    parts.push({ kind: 'reference', reference, start: match.index, end: done });
  }
  if (done < template.length) parts.push({ kind: 'text', text: template.slice(done) });
  return parts;
}

/** The one reference that the whole string is, if it is. */
export function wholeReference(template: string): Reference | undefined {
  const [first, ...rest] = template.includes('{{') ? parseTemplate(template) : [];
  return first?.kind === 'reference' && rest.length === 0 ? first.reference : undefined;
}

/** Whether the value is a string with at least one expression in it. */
export function isExpression(value: unknown): boolean {
  return (
    typeof value === 'string' &&
    value.includes('{{') &&
    parseTemplate(value).some((part) => part.kind === 'reference')
  );
}

/** Every reference in a value, at any depth, keys included, in order. */
export function referencesIn(value: Json): Reference[] {
  const found: Reference[] = [];
  const visit = (value: Json): void => {
    if (typeof value === 'string') {
      if (!value.includes('{{')) return;
      for (const part of parseTemplate(value)) if (part.kind === 'reference') found.push(part.reference);
    } else if (Array.isArray(value)) {
      for (const item of value) visit(item);
    } else if (isJsonObject(value)) {
      for (const [key, member] of Object.entries(value)) {
        visit(key);
        visit(member);
      }
    }
  };
  visit(value);
  return found;
}

/** How a value reads inside a longer text. */
export function embeddedText(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Puts values in the place of all expressions. Total: it never throws, whatever the value. */
export function resolveInputs(value: Json, scope: Scope, options: ResolveOptions = {}): Resolution {
  const resolved = resolveAt(value, [], {
    scope,
    absentIsNull: options.absentIsNull ?? false,
    notRun: options.notRun,
  });
  return resolved.ok && isLonger(resolved.value, resolvedLengthMax) ? tooLong([]) : resolved;
}

/** Characters of a resolved value, names of members included: values that hold values double quickly. */
export const resolvedLengthMax = 4 * 1024 * 1024;

function tooLong(path: Path): Resolution {
  const message = `with its values it is longer than ${resolvedLengthMax} characters`;
  return { ok: false, code: 'TOO_LONG', message, path };
}

/** Stops counting where the bound is met: parts of a value may be in it many times. */
function isLonger(value: Json, max: number): boolean {
  let left = max;
  const count = (part: Json): boolean => {
    left -= typeof part === 'string' ? part.length : 1;
    if (left < 0) return true;
    if (Array.isArray(part)) return part.some(count);
    if (!isJsonObject(part)) return false;
    return Object.entries(part).some(([key, member]) => count(key) || count(member));
  };
  return count(value);
}

interface Context {
  readonly scope: Scope;
  readonly absentIsNull: boolean;
  readonly notRun: ResolveOptions['notRun'];
}

function resolveAt(value: Json, path: Path, context: Context): Resolution {
  if (typeof value === 'string') return resolveText(value, path, context);
  if (Array.isArray(value)) return resolveList(value, path, context);
  if (isJsonObject(value)) return resolveMap(value, path, context);
  return { ok: true, value };
}

function resolveText(template: string, path: Path, context: Context): Resolution {
  if (!template.includes('{{')) return { ok: true, value: template };
  const parts = parseTemplate(template);
  const isWhole = parts.length === 1;
  let text = '';
  for (const part of parts) {
    if (part.kind === 'text') {
      text += part.text;
      continue;
    }
    const found = context.scope.lookup(part.reference);
    if (found.kind === 'value') {
      if (isWhole) return { ok: true, value: found.value };
      if (typeof found.value === 'object' && isLonger(found.value, resolvedLengthMax)) return tooLong(path);
      text += embeddedText(found.value);
      if (text.length > resolvedLengthMax) return tooLong(path);
    } else if (isWhole && found.isNotRun === true && context.notRun !== undefined) {
      context.notRun(part.reference, found.why);
      return { ok: true, value: null };
    } else if (!context.absentIsNull) {
      return {
        ok: false,
        code: 'ABSENT_VALUE',
        message: `{{ ${part.reference.text} }} has no value: ${found.why}`,
        path,
      };
    } else if (isWhole) {
      return { ok: true, value: null };
    }
  }
  return { ok: true, value: text };
}

function resolveList(items: readonly Json[], path: Path, context: Context): Resolution {
  const resolved: Json[] = [];
  for (const [index, item] of items.entries()) {
    const result = resolveAt(item, [...path, index], context);
    if (!result.ok) return result;
    const isSpliced =
      Array.isArray(result.value) && typeof item === 'string' && wholeReference(item) !== undefined;
    if (isSpliced) for (const member of result.value) resolved.push(member);
    else resolved.push(result.value);
  }
  return { ok: true, value: resolved };
}

function resolveMap(map: JsonObject, path: Path, context: Context): Resolution {
  const resolved = new Map<string, Json>();
  for (const [key, member] of Object.entries(map)) {
    const name = resolveText(key, [...path, key], context);
    if (!name.ok) return name;
    const result = resolveAt(member, [...path, key], context);
    if (!result.ok) return result;
    const text = name.value === null ? '' : embeddedText(name.value);
    if (resolved.has(text)) {
      return {
        ok: false,
        code: 'DUPLICATE_KEY',
        message: `two keys of one map resolve to ${JSON.stringify(text)}`,
        path: [...path, key],
      };
    }
    resolved.set(text, result.value);
  }
  // fromEntries defines own properties, so that a key called __proto__ stays a key.
  return { ok: true, value: Object.fromEntries(resolved) };
}
