/** Many hosts in one sentence: the first few by name, and how many more there are. Pure. */

/** Hosts that a sentence names. */
const namedMax = 10;

/** `db1, db2 and 7 more`. */
export function namedText(hosts: readonly string[]): string {
  const more = hosts.length - namedMax;
  return more > 0 ? `${hosts.slice(0, namedMax).join(', ')} and ${more} more` : hosts.join(', ');
}

/** `db1: why; db2: why; 7 more`. What names its host by itself is not given the name once more. */
export function eachText(sayings: readonly (readonly [host: string, said: string])[]): string {
  const texts = sayings
    .slice(0, namedMax)
    .map(([host, said]) => (said.startsWith(host) ? said : `${host}: ${said}`));
  const more = sayings.length - texts.length;
  return [...texts, ...(more > 0 ? [`${more} more`] : [])].join('; ');
}
