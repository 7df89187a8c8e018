/** What the terminal can do: colour, characters, questions. Pure, given the environment and the streams. */

export interface StreamFacts {
  readonly isTTY: boolean;
}

export type ColorWish = 'always' | 'never' | 'auto';

/** Order: `--color`, NO_COLOR (any text), FORCE_COLOR, TERM=dumb, then whether it is a terminal. */
export function wantsColor(
  wish: ColorWish,
  env: Readonly<Record<string, string | undefined>>,
  stream: StreamFacts,
): boolean {
  if (wish !== 'auto') return wish === 'always';
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return stream.isTTY && env['TERM'] !== 'dumb';
}

/** By the locale, as POSIX orders its variables: the first that is set and not empty counts. */
export function hasUnicode(env: Readonly<Record<string, string | undefined>>, platform: string): boolean {
  if (platform === 'win32') return true;
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find(
    (value) => value !== undefined && value !== '',
  );
  return /utf-?8/i.test(locale ?? '');
}

/** Whether lines can be moved about: a terminal that knows how. */
export function canMove(env: Readonly<Record<string, string | undefined>>, stream: StreamFacts): boolean {
  return stream.isTTY && env['TERM'] !== 'dumb';
}
