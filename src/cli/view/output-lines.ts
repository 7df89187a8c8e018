/** Outputs as text: a name and its value per line, what is not text as JSON. */
import type { Json, JsonObject } from '../../json.ts';
import { printable } from './printable.ts';

export function outputLines(outputs: JsonObject): string {
  return Object.entries(outputs)
    .map(([name, value]) => `${printable(name)}: ${plainValue(value)}\n`)
    .join('');
}

export function plainValue(value: Json): string {
  if (Array.isArray(value) && value.length > 0 && value.every(isPlainText))
    return value.map(printable).join(', ');
  return printable(typeof value === 'string' ? value : JSON.stringify(value));
}

/** `Host=db1  Version=latest`. */
export function parametersText(parameters: JsonObject): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${printable(name)}=${plainValue(value).replaceAll(', ', ',')}`)
    .join('  ');
}

/** A text that can stand in a list without being misread. */
function isPlainText(value: Json): value is string {
  return typeof value === 'string' && value !== '' && !/[,\s"[\]{}]/.test(value);
}
