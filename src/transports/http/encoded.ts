/** Text as it stands in the path or the query of a request, which signatures cover. */

/** Percent-encoded but for the unreserved characters of RFC 3986. */
export function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
