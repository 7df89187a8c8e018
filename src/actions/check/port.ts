/** check:port: something listens on a port, only where it may, or nothing does. */
import { Type } from 'typebox';
import { defineHostCheck } from './define-check.ts';
import { badReply, broken, compared, kept } from './judging.ts';

/** The kernel's own tables: no tool is needed. State 0A is LISTEN; a bound and unconnected UDP socket is 07. */
const body = `
protocol=$1 port=$(printf %04X "$2")
case $protocol in tcp) state=0A ;; *) state=07 ;; esac
needs awk sort
[ -r /proc/net/$protocol ] || no NO_PROC "there is no /proc/net/$protocol here"
for table in $protocol \${protocol}6; do
  [ -e /proc/net/$table ] || continue
  found=$(awk -v port="$port" -v state=$state 'NR > 1 && $4 == state { split($2, a, ":"); if (a[2] == port) print a[1] } END { print "end" }' /proc/net/$table 2>&1) || no UNREADABLE "$(in_words "$found")"
  case $found in *end) ;; *) no UNREADABLE "/proc/net/$table was not read to its end" ;; esac
  printf '%s\n' "$found" | sort -u | lines listens
done
say looked yes
`;

export const checkPort = defineHostCheck({
  name: 'check:port',
  summary: 'Looks whether something listens on a port of the host, and on which addresses.',
  source: 'https://man7.org/linux/man-pages/man5/proc_pid_net.5.html',
  example: `
    - name: DatabaseListensOnlyHere
      action: check:port
      inputs: { Hosts: [db1], Port: 5432, Only: [127.0.0.1, '::1'] }`,
  inputs: {
    Port: Type.Integer({ minimum: 1, maximum: 65_535 }),
    Protocol: Type.Optional(Type.Union([Type.Literal('tcp'), Type.Literal('udp')], { default: 'tcp' })),
    State: Type.Optional(
      Type.Union([Type.Literal('listening'), Type.Literal('closed')], { default: 'listening' }),
    ),
    Only: Type.Optional(
      Type.Array(Type.String({ pattern: '^[0-9a-fA-F:.]+$' }), {
        minItems: 1,
        description: 'The only addresses on which it may listen.',
      }),
    ),
  },
  problems: ({ State, Only }) =>
    State === 'closed' && Only !== undefined
      ? [{ path: ['Only'], message: 'a closed port has no addresses' }]
      : [],
  body,
  args: ({ Port, Protocol }) => [Protocol ?? 'tcp', String(Port)],
  judge: (fields, { Port, Protocol = 'tcp', State = 'listening', Only }) => {
    if (fields.one('looked') !== 'yes' || fields.one('listens-more') !== undefined)
      throw badReply('it did not list all sockets');
    const addresses = fields
      .all('listens')
      .filter((each) => each !== 'end')
      .map(addressOf);
    const subject = `${protocolName(Protocol)} port ${Port}`;
    if (State === 'closed')
      return [
        compared(subject, 'closed', addresses.length === 0 ? 'closed' : `open on ${addresses.join(', ')}`),
      ];
    if (addresses.length === 0) return [broken(subject, 'listening', 'closed')];
    const allowed = Only?.map((each) => each.toLowerCase());
    const elsewhere = allowed === undefined ? [] : addresses.filter((each) => !allowed.includes(each));
    if (allowed === undefined || elsewhere.length === 0)
      return [kept(subject, `listening on ${addresses.join(', ')}`)];
    return [
      broken(subject, `listening only on ${allowed.join(', ')}`, `listening on ${addresses.join(', ')}`),
    ];
  },
});

const protocolName = (protocol: string): string => protocol.toUpperCase();

/** `0100007F` → 127.0.0.1: words of 32 bits in the byte order of the machine, which is taken for little-endian. */
export function addressOf(hex: string): string {
  if (!/^([0-9A-F]{8}|[0-9A-F]{32})$/.test(hex)) throw badReply(`${hex.slice(0, 40)} is not an address`);
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) =>
    (word.match(/../g) ?? []).toReversed().map((byte) => Number.parseInt(byte, 16)),
  );
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff)
    return bytes.slice(12).join('.');
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0)).toString(16),
  );
  return shortened(groups);
}

/** The longest run of zeros as `::` (RFC 5952, section 4.2). */
function shortened(groups: readonly string[]): string {
  let best = { at: -1, length: 1 };
  for (let at = 0; at < groups.length; at += 1) {
    let length = 0;
    while (groups[at + length] === '0') length += 1;
    if (length > best.length) best = { at, length };
  }
  if (best.at === -1) return groups.join(':');
  return `${groups.slice(0, best.at).join(':')}::${groups.slice(best.at + best.length).join(':')}`;
}
