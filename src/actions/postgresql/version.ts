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
