/** Outputs as text: a name and its value per line, what is no text as JSON. */
import type { Json, JsonObject } from '../../json.ts';
import { printable } from './printable.ts';

export function outputLines(outputs: JsonObject): string {
  return Object.entries(outputs)
    .map(([name, value]) => `${printable(name)}: ${plainValue(value)}\n`)
    .join('');
}

export function plainValue(value: Json): string {
  return printable(typeof value === 'string' ? value : JSON.stringify(value));
}

/** `Host=db1  Version=latest`. */
export function parametersText(parameters: JsonObject): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${printable(name)}=${plainValue(value)}`)
    .join('  ');
}
