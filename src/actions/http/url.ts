/** Whether a text is a URL that can be asked. */

/** What is wrong with it, as the end of a sentence about it; undefined: nothing. */
export function urlProblem(text: string): string | undefined {
  const scheme = /^(?<scheme>[^:/?#]*):\/\//.exec(text)?.groups?.['scheme'];
  if (scheme === undefined) return 'does not begin with http:// or https://';
  if (!/^https?$/i.test(scheme)) return `begins with ${scheme}://, and must begin with http:// or https://`;
  const authority = /^[^:]*:\/\/(?<authority>[^/?#]*)/.exec(text)?.groups?.['authority'] ?? '';
  if (authority === '') return 'names no host';
  if (authority.includes('@'))
    return 'holds a user or a password: give them as a header, from a secret parameter';
  if (!authority.startsWith('[') && authority.split(':').length > 2) {
    return 'holds an IPv6 address, which is written in brackets: http://[::1]:9000/';
  }
  const port = /:(?<port>[^:\]]*)$/.exec(authority)?.groups?.['port'];
  if (port !== undefined && port !== '' && !(/^\d{1,5}$/.test(port) && Number(port) <= 65_535)) {
    return `has the port ${port}, and a port is a number up to 65535`;
  }
  if (/[\s"<>\\^`{|}]/.test(text)) return 'holds a character that a URL has only as %-code';
  return URL.canParse(text) ? undefined : `names no host that there can be: ${authority}`;
}
