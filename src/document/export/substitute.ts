/** Expressions of a value exchanged for others, as text: nothing is resolved. */
import { isJsonObject, type Json } from '../../json.ts';
import { parseTemplate, wholeReference } from '../expression.ts';
import type { Reference } from '../reference.ts';

/** What stands in the place of a reference; undefined: it stays. A value that is not text cannot stand inside a text. */
export type Substitute = (reference: Reference) => Json | undefined;

export function substitute(value: Json, by: Substitute): Json {
  if (typeof value === 'string') return substituteText(value, by);
  if (Array.isArray(value)) return (value as readonly Json[]).map((item) => substitute(item, by));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, substitute(member, by)]));
}

function substituteText(text: string, by: Substitute): Json {
  if (!text.includes('{{')) return text;
  const whole = wholeReference(text);
  if (whole !== undefined) return by(whole) ?? text;
  return parseTemplate(text)
    .map((part) => {
      if (part.kind === 'text') return part.text;
      const found = by(part.reference);
      if (found === undefined) return text.slice(part.start, part.end);
      return typeof found === 'string' ? found : JSON.stringify(found);
    })
    .join('');
}
