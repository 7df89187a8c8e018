/** check:nginx: nginx takes its configuration, and an upstream has exactly the servers that it must have. */
import { Type } from 'typebox';
import type { Judged } from '../../compliance/types.ts';
import { defineHostCheck } from './define-check.ts';
import { broken, compared, fieldOf, kept, unknown } from './judging.ts';

/** nginx -T prints what it would load, includes and all: what stands in files that it does not include does not count. */
const body = `
upstream=$1
needs id sed head
command -v nginx >/dev/null || { say nginx absent; return 0; }
[ "$(id -u)" = 0 ] || no NOT_ROOT "only root can have nginx test its configuration"
dump=$(nginx -T 2>&1)
rc=$?
if [ $rc -ne 0 ]; then say valid no; say why "$(in_words "$(printf '%s\\n' "$dump" | sed -n 's/^.*\\(\\[emerg\\]\\|\\[crit\\]\\)\\( [0-9]*#[0-9]*:\\)\\{0,1\\} *//p' | head -n 1)")"; return 0; fi
say valid yes
[ "$upstream" != - ] || return 0
needs awk getent sort tr sed
servers=$(printf '%s\\n' "$dump" | BELAY_UPSTREAM=$upstream awk '
  { sub(/(^|[ \\t])#.*$/, "") }
  { text = text " " $0 }
  END {
    gsub(/[{};]/, " & ", text)
    n = split(text, w, /[ \\t]+/)
    for (i = 1; i <= n; i++) {
      if (w[i] == "upstream" && w[i + 2] == "{") { name = w[i + 1]; gsub(/["\\047]/, "", name); in_it = (name == ENVIRON["BELAY_UPSTREAM"]); if (in_it) print "found"; depth = 1; i += 2; continue }
      if (!in_it) continue
      if (w[i] == "{") depth++
      if (w[i] == "}") { depth--; if (depth == 0) in_it = 0 }
      if (w[i] == "server") { line = ""; for (i++; i <= n && w[i] != ";"; i++) line = line " " w[i]; print "server" line }
    }
  }')
printf '%s\\n' "$servers" | lines upstream
shift
set -f
for name in "$@" $(printf '%s\\n' "$servers" | sed -n 's/^server \\([^ ]*\\).*/\\1/p' | sed 's/:[0-9]*$//; s/^\\[\\(.*\\)\\]$/\\1/' | sort -u); do say resolved "$name $(getent ahosts "$name" 2>/dev/null | awk '{ print $1 }' | sort -u | tr '\\n' ' ')"; done
`;

export const checkNginx = defineHostCheck({
  name: 'check:nginx',
  summary:
    'Looks whether nginx takes its configuration, and whether an upstream has exactly the servers that it must have.',
  source: 'https://nginx.org/en/docs/http/ngx_http_upstream_module.html',
  example: `
    - name: AllNodesAreServed
      action: check:nginx
      inputs: { Hosts: [lb1], Upstream: minio, ServersOf: ['group:minio'], Port: 9000 }`,
  inputs: {
    Upstream: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_.-]+$' })),
    Servers: Type.Optional(
      Type.Array(Type.String({ pattern: '^[^\\s;{}]+$' }), {
        minItems: 1,
        maxItems: 100,
        description:
          'Exactly these, as ADDRESS:PORT; a name also matches the addresses that the host resolves it to. Those that are down do not count as served.',
      }),
    ),
    ServersOf: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        minItems: 1,
        description:
          'Exactly these hosts of belay.yaml, each on Port: names, ranges, `group:NAME` or `tag:KEY=VALUE`. A host is served by its address of belay.yaml, its name, or an address that the name resolves to on the asked host.',
      }),
    ),
    Port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535, description: 'Of ServersOf.' })),
  },
  problems: ({ Upstream, Servers, ServersOf, Port }) => [
    ...((Upstream === undefined) !== (Servers === undefined && ServersOf === undefined)
      ? [{ path: [], message: 'Upstream belongs together with Servers or ServersOf' }]
      : []),
    ...(Servers !== undefined && ServersOf !== undefined
      ? [{ path: ['ServersOf'], message: 'it takes either Servers or ServersOf' }]
      : []),
    ...((ServersOf === undefined) !== (Port === undefined)
      ? [{ path: [], message: 'ServersOf and Port belong together' }]
      : []),
  ],
  expand: (inputs, context) =>
    inputs.ServersOf === undefined
      ? inputs
      : {
          ...inputs,
          Servers: context.targets(inputs.ServersOf).map((name) => {
            const { address = name } = context.host(name);
            return `${name}=${address.includes(':') ? `[${address}]` : address}:${inputs.Port}`;
          }),
        },
  body,
  args: ({ Upstream, Servers = [] }) => [
    Upstream ?? '-',
    ...new Set(Servers.map(wantedOf).flatMap(({ name, server }) => [name, nameOf(server)])),
  ],
  judge: (fields, { Upstream, Servers = [] }): readonly Judged[] => {
    if (fields.one('nginx') === 'absent') return [broken('nginx', 'installed', 'absent')];
    const valid = fieldOf(fields, 'valid', /^(yes|no)$/);
    if (valid === 'no') {
      const refused = broken(
        'configuration',
        'valid',
        `refused: ${fields.one('why') ?? 'it gives no reason'}`,
      );
      return Upstream === undefined
        ? [refused]
        : [
            refused,
            unknown(
              `upstream ${Upstream}`,
              'NGINX_REFUSED',
              'nginx does not take the configuration that says so',
            ),
          ];
    }
    const judged: Judged[] = [kept('configuration', 'valid')];
    if (Upstream === undefined) return judged;
    if (fields.one('upstream-more') !== undefined)
      return [
        ...judged,
        unknown(`upstream ${Upstream}`, 'OUTPUT_TOO_LARGE', 'it has more servers than are read'),
      ];
    const lines = fields.all('upstream');
    if (!lines.includes('found')) return [...judged, broken(`upstream ${Upstream}`, 'there', 'missing')];
    const served = lines.flatMap((line) => {
      const [word, address, ...flags] = line.split(' ');
      return word === 'server' && address !== undefined ? [{ address, isDown: flags.includes('down') }] : [];
    });
    const addresses = new Map(
      fields.rows('resolved').map(([name = '', ...of]) => [name, of.filter((each) => each !== '')]),
    );
    const placesOf = (each: string): readonly string[] => [each, ...(addresses.get(each) ?? [])];
    const all = Servers.map(wantedOf);
    const isServed = ({ name, server }: Wanted, address: string): boolean => {
      if (portOf(address) !== portOf(server)) return false;
      const meant = new Set([name, nameOf(server)].flatMap(placesOf));
      return placesOf(nameOf(address)).some((each) => meant.has(each));
    };
    for (const wanted of all) {
      const found = served.filter(({ address }) => isServed(wanted, address));
      const is = found.length === 0 ? 'missing' : found.every(({ isDown }) => isDown) ? 'down' : 'served';
      judged.push(compared(`${wanted.shown} in ${Upstream}`, 'served', is));
    }
    for (const { address } of served)
      if (!all.some((wanted) => isServed(wanted, address)))
        judged.push(broken(`${address} in ${Upstream}`, 'absent', 'a server that does not belong there'));
    return judged;
  },
});

interface Wanted {
  readonly name: string;
  /** `ADDRESS:PORT`. */
  readonly server: string;
  readonly shown: string;
}

/** `minio01=10.0.0.1:9000`, as a host of belay.yaml is meant, or `ADDRESS:PORT`. */
function wantedOf(text: string): Wanted {
  const [, name, server] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || server === undefined) return { name: nameOf(text), server: text, shown: text };
  return { name, server, shown: `${name}:${portOf(server)}` };
}

/** `10.0.0.1` of `10.0.0.1:9000`, `fd00::1` of `[fd00::1]:80`. */
function nameOf(server: string): string {
  return /^\[(.*)\]/.exec(server)?.[1] ?? server.replace(/:\d+$/, '');
}

/** As nginx has it, 80 where none is named. */
function portOf(server: string): string {
  return /:(\d+)$/.exec(server.replace(/^\[.*\]/, '_'))?.[1] ?? '80';
}
