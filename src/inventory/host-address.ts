/** `address:` and `user:` as people write them, brought to what ssh takes byte for byte, or refused with what to write instead. */
import { isIPv4, isIPv6 } from 'node:net';

export type Reading = { readonly value: string } | { readonly wanted: string; readonly hint?: string };

const wanted = 'a host name or IP address';
const namePattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;
const zonePattern = /^[A-Za-z0-9_.-]+$/;

/** Brackets around an IPv6 address are taken off: ssh takes none. */
export function readAddress(text: string): Reading {
  const inBrackets = /^\[(?<inner>.*)\](?<rest>.*)$/s.exec(text)?.groups;
  if (inBrackets !== undefined) {
    const inner = inBrackets['inner'] ?? '';
    if (!isIpv6(inner)) return { wanted, hint: 'only an IPv6 address is written in brackets' };
    const port = /^:(\d+)$/.exec(inBrackets['rest'] ?? '')?.[1];
    if (port !== undefined) return { wanted, hint: `write address: '${inner}' and port: ${port}` };
    return inBrackets['rest'] === '' ? { value: inner } : { wanted };
  }
  if (isIpv6(text)) return { value: text };
  const url = /^(?:ssh|sftp):\/\/(?<rest>.*)$/i.exec(text)?.groups?.['rest'];
  if (url !== undefined) return { wanted, hint: 'write user, address and port each under a key of its own' };
  const [user, host] = text.split('@');
  if (host !== undefined && namePattern.test(host)) {
    return { wanted, hint: `write address: ${host} and user: ${user}` };
  }
  const withPort = /^(?<host>[^:]+):(?<port>\d+)$/.exec(text)?.groups;
  if (withPort !== undefined && namePattern.test(withPort['host'] ?? '')) {
    return { wanted, hint: `write address: ${withPort['host']} and port: ${withPort['port']}` };
  }
  if (/^[0-9a-f:.]*:[0-9a-f:.]*$/i.test(text)) return { wanted, hint: 'this is not a whole IPv6 address' };
  if (/^\d+(?:\.\d+){3}$/.test(text) && !isIPv4(text)) {
    return { wanted, hint: 'each of the four numbers of an IPv4 address is at most 255' };
  }
  return namePattern.test(text) ? { value: text } : { wanted };
}

/** `fe80::1%eth0` too: what is local to a link says which link. */
function isIpv6(text: string): boolean {
  const [address = '', zone] = text.split('%');
  return (
    isIPv6(address) &&
    (zone === undefined || (zonePattern.test(zone) && !text.slice(address.length + 1).includes('%')))
  );
}

/** `CORP\jdoe` and `jdoe@corp.example` too. A backslash at the end is refused by ssh itself. */
export function readUser(text: string): Reading {
  return /^[A-Za-z0-9_](?:[A-Za-z0-9_.@\\+$-]*[A-Za-z0-9_.@+$-])?$/.test(text)
    ? { value: text }
    : { wanted: 'a user name' };
}

/** Any path that a file can have: no path holds a NUL, and half a character has no bytes. */
export function readPath(text: string): Reading {
  const isPath = text !== '' && !text.includes('\0') && text.isWellFormed();
  return isPath ? { value: text } : { wanted: 'the path of a file' };
}
