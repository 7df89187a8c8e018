/** What commander read from the command line, as exact types. */
import { Refusal } from '../runtime/refusal.ts';

export type RawOptions = Readonly<Record<string, unknown>>;

export function flagOf(options: RawOptions, name: string): boolean {
  return options[name] === true;
}

export function textOf(options: RawOptions, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}

export function textsOf(options: RawOptions, name: string): readonly string[] {
  const value = options[name];
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

/** `['Host=db1']` → `{ Host: 'db1' }`. Throws Refusal for what is no pair and for a name given twice. */
export function pairsOf(flag: string, texts: readonly string[]): Record<string, string> {
  const pairs = new Map<string, string>();
  for (const text of texts) {
    const equals = text.indexOf('=');
    if (equals <= 0) {
      throw new Refusal('usage', 'BAD_PAIR', `${flag} ${text}: that is not a NAME=VALUE`, {
        hint: `for example  ${flag} ${flag === '--secret' ? 'Password=env:PGPASSWORD' : 'Host=db1'}`,
      });
    }
    const name = text.slice(0, equals);
    if (pairs.has(name))
      throw new Refusal('usage', 'GIVEN_TWICE', `${flag} ${name} is given twice`, {
        hint: `a list is one text with commas or JSON: ${flag} '${name}=["a", "b"]'`,
      });
    pairs.set(name, text.slice(equals + 1));
  }
  return Object.fromEntries(pairs);
}
