/** Compares what a PostgreSQL server calls itself with the version of a package. */

/**
 * `15.20` of `15.20-0+deb12u1`, `15.20-1.pgdg120+1`, `15.20-1PGDG.rhel9` and `15.20 (Debian 15.20-0+deb12u1)`; `17rc1`
 * of `17rc1`. Undefined where there is none.
 */
export function upstreamVersion(text: string): string | undefined {
  return /^(?:\d+:)?(\d+(?:\.\d+)*(?:(?:alpha|beta|rc|devel)\d*)?)/.exec(text.trim())?.[1];
}

/** Whether the server's version is the one wanted; wanting `15` is satisfied by any 15. */
export function satisfies(server: string, wanted: string): boolean {
  const have = upstreamVersion(server);
  const want = upstreamVersion(wanted);
  if (have === undefined || want === undefined) return false;
  return have === want || (!want.includes('.') && have.startsWith(`${want}.`));
}

/** What installing the other version would be. A change of the package alone, as -1 to -2 or +deb12u1 to +deb12u2, counts as an upgrade. */
export function changeTo(installed: string, target: string): 'upgrade' | 'none' | 'downgrade' {
  if (installed === target) return 'none';
  const numbers = (text: string) =>
    (upstreamVersion(text) ?? '').split('.').map((part) => Number.parseInt(part, 10));
  const [have, want] = [numbers(installed), numbers(target)];
  for (let index = 0; index < Math.max(have.length, want.length); index += 1) {
    const difference = (want[index] ?? 0) - (have[index] ?? 0);
    if (difference !== 0) return difference > 0 ? 'upgrade' : 'downgrade';
  }
  return 'upgrade';
}
