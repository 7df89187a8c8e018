/** check:certificate: how many days a certificate is still valid, read from its file or asked of a TLS port. */
import { X509Certificate } from 'node:crypto';
import { Type } from 'typebox';
import type { Judged } from '../../compliance/types.ts';
import { defineHostCheck } from './define-check.ts';
import { badReply, broken, kept, unknown } from './judging.ts';

/** Only what is public of a file that may hold a key as well. */
const body = `
kind=$1 at=$2 name=$3
needs ls grep sed head base64
case $kind in
  file)
    [ -e "$at" ] || { ls -d -- "$at" 2>&1 | grep -q 'Permission denied' && no UNREADABLE "$at cannot be read"; say there no; return 0; }
    [ -r "$at" ] || no UNREADABLE "$at cannot be read"
    say there yes
    sed -n '/^-----BEGIN CERTIFICATE-----/,/^-----END CERTIFICATE-----/p' <"$at" | head -c 49152 | base64 -w 390 | lines pem ;;
  port)
    needs openssl timeout
    said=$(timeout 10 openssl s_client -connect "$at" -showcerts \${name:+-servername "$name"} </dev/null 2>&1)
    case $said in
      *"-----BEGIN CERTIFICATE-----"*) say there yes ;;
      *onnection*refused* | *errno=111*) say there refused; return 0 ;;
      *) no NO_CERTIFICATE "$at gave no certificate: $(in_words "$(printf '%s\\n' "$said" | tail -n 3)")" ;;
    esac
    printf '%s\\n' "$said" | sed -n '/^-----BEGIN CERTIFICATE-----/,/^-----END CERTIFICATE-----/p' | head -c 49152 | base64 -w 390 | lines pem ;;
esac
`;
const dayMs = 86_400_000;

export const checkCertificate = defineHostCheck({
  name: 'check:certificate',
  summary: 'Looks for how many days a certificate is still valid, in its file or behind a TLS port.',
  source: 'https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.5',
  example: `
    - name: CertificateLasts
      action: check:certificate
      inputs: { Hosts: ['group:minio'], Path: /etc/minio/certs/public.crt, MinDays: 21 }`,
  inputs: {
    Path: Type.Optional(
      Type.String({ pattern: '^/', description: 'A PEM file on the host; all certificates in it count.' }),
    ),
    Port: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 65_535, description: 'Asked from the host itself.' }),
    ),
    Address: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9.:-]+$', default: '127.0.0.1' })),
    ServerName: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9.*_-]+$' })),
    MinDays: Type.Number({ minimum: 0 }),
  },
  problems: ({ Path, Port, Address, ServerName }) => [
    ...((Path === undefined) === (Port === undefined)
      ? [{ path: [], message: 'it takes either a Path or a Port' }]
      : []),
    ...(Path !== undefined && (Address ?? ServerName) !== undefined
      ? [{ path: [], message: 'Address and ServerName belong to a Port' }]
      : []),
  ],
  body,
  args: ({ Path, Port, Address = '127.0.0.1', ServerName }) =>
    Path === undefined
      ? ['port', `${Address.includes(':') ? `[${Address}]` : Address}:${Port}`, ServerName ?? '']
      : ['file', Path, ''],
  judge: (fields, { Path, Port, Address = '127.0.0.1', MinDays }, { until }): readonly Judged[] => {
    const subject = Path ?? `${Address} port ${Port}`;
    const there = fields.one('there');
    if (there === 'no') return [broken(subject, `valid for ${MinDays} days`, 'absent')];
    if (there === 'refused')
      return [broken(subject, `valid for ${MinDays} days`, 'a port on which nothing listens')];
    if (there !== 'yes' || fields.one('pem-more') !== undefined)
      throw badReply('it gave no whole certificate');
    const pem = Buffer.from(fields.all('pem').join(''), 'base64').toString('latin1');
    const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    if (blocks.length === 0) return [broken(subject, 'a certificate', 'no certificate')];
    let first: { readonly days: number; readonly until: string; readonly isLeaf: boolean } | undefined;
    for (const [index, block] of blocks.entries()) {
      const read = parse(block);
      if (read === undefined)
        return [
          unknown(
            subject,
            'BAD_CERTIFICATE',
            `certificate ${index + 1} of ${blocks.length} in it cannot be read`,
          ),
        ];
      if (read.from > until)
        return [broken(subject, 'valid now', `valid only from ${new Date(read.from).toISOString()}`)];
      const days = Math.floor((read.to - until) / dayMs);
      if (first === undefined || days < first.days)
        first = { days, until: new Date(read.to).toISOString().slice(0, 10), isLeaf: index === 0 };
    }
    if (first === undefined) throw badReply('it gave no certificate');
    const what = first.isLeaf ? '' : ' (of its chain)';
    const found =
      first.days < 0
        ? `expired since ${first.until}${what}`
        : `valid for ${first.days} days, until ${first.until}${what}`;
    return [
      first.days >= MinDays ? kept(subject, found) : broken(subject, `valid for ${MinDays} days`, found),
    ];
  },
});

function parse(pem: string): { readonly from: number; readonly to: number } | undefined {
  try {
    const { validFrom, validTo } = new X509Certificate(pem);
    const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
    return Number.isNaN(from) || Number.isNaN(to) ? undefined : { from, to };
  } catch {
    return undefined;
  }
}
