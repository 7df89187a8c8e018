/** Whether a certificate and its key may be installed: everything that can be known before a byte is written. Pure. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { rootCertificates } from 'node:tls';

export interface Pair {
  /** PEM; the server's own first, then those that lead to the authority. */
  readonly certificate: string;
  /** PEM, not encrypted. */
  readonly privateKey: string;
}

export interface Demands {
  /** Names and addresses that clients use: the certificate must hold each. */
  readonly names: readonly string[];
  /** PEM of the authorities to which the chain must lead; undefined: those that Node.js trusts. */
  readonly ca: string | undefined;
  /** ms. */
  readonly now: number;
}

export type Verdict =
  | { readonly kind: 'good'; readonly leaf: X509Certificate }
  | { readonly kind: 'bad'; readonly code: string; readonly message: string };

const chainLengthMax = 10;
const bad = (code: string, message: string): Verdict => ({ kind: 'bad', code, message });

export function checkPair({ certificate, privateKey }: Pair, { names, ca, now }: Demands): Verdict {
  const chain = parsed(certificate);
  const [leaf] = chain ?? [];
  if (chain === undefined || leaf === undefined) {
    return bad('CERTIFICATE_UNREADABLE', 'Certificate holds no certificate in PEM that can be read');
  }
  const authorities = parsed(ca ?? rootCertificates.join('\n')) ?? [];
  if (ca !== undefined && authorities.length === 0) {
    return bad('CERTIFICATE_UNREADABLE', 'Ca holds no certificate in PEM that can be read');
  }
  try {
    if (!leaf.checkPrivateKey(createPrivateKey(privateKey))) {
      return bad('KEY_MISMATCH', `the PrivateKey does not belong to the certificate of ${nameOf(leaf)}`);
    }
  } catch {
    return bad(
      'KEY_UNREADABLE',
      'PrivateKey is not a private key in PEM that can be read without a passphrase',
    );
  }
  const missing = names.filter((name) => !holds(leaf, name));
  if (missing.length > 0) {
    return bad(
      'WRONG_NAME',
      `the certificate is not for ${missing.join(', ')}: it names ${leaf.subjectAltName ?? 'nothing (no subjectAltName)'}`,
    );
  }
  return checkDates(chain, now) ?? checkChain(chain, authorities) ?? { kind: 'good', leaf };
}

/** The certificate that a file holds first; undefined when there is none that can be read. */
export function firstCertificate(pem: string): X509Certificate | undefined {
  return parsed(pem)?.[0];
}

/** Undefined when one of them cannot be read. */
function parsed(pem: string): readonly X509Certificate[] | undefined {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    return undefined;
  }
}

/** By subjectAltName only, as browsers and Go do: the common name is not a name. RFC 9525, section 2. */
const holds = (leaf: X509Certificate, name: string) =>
  (isIP(name) === 0 ? leaf.checkHost(name, { subject: 'never' }) : leaf.checkIP(name)) !== undefined;

function checkDates(chain: readonly X509Certificate[], now: number): Verdict | undefined {
  for (const one of chain) {
    const whose = `the certificate of ${nameOf(one)}`;
    if (one.validToDate.getTime() <= now) {
      return bad('CERTIFICATE_EXPIRED', `${whose} expired at ${one.validToDate.toISOString()}`);
    }
    if (one.validFromDate.getTime() > now) {
      return bad(
        'CERTIFICATE_NOT_YET_VALID',
        `${whose} is not valid before ${one.validFromDate.toISOString()}; here it is ${new Date(now).toISOString()}`,
      );
    }
  }
  return undefined;
}

function checkChain(
  [leaf, ...between]: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
): Verdict | undefined {
  let current = leaf;
  for (let length = 0; current !== undefined && length < chainLengthMax; length += 1) {
    const one = current;
    const isIssuer = (other: X509Certificate) =>
      other.ca && one.checkIssued(other) && one.verify(other.publicKey);
    const isTrusted = authorities.some(
      (authority) => authority.fingerprint256 === one.fingerprint256 || isIssuer(authority),
    );
    if (isTrusted) return undefined;
    const next = between.find((other) => other !== one && isIssuer(other));
    if (next === undefined) break;
    current = next;
  }
  return bad(
    'CHAIN_BROKEN',
    `the certificate of ${nameOf(current)} was issued by ${issuerOf(current)}, which is neither among the authorities (${authorities
      .slice(0, 3)
      .map(nameOf)
      .join(', ')}${authorities.length > 3 ? ' …' : ''}) nor in the Certificate's chain`,
  );
}

const oneLine = (name: string | undefined) => (name ?? 'nobody').replaceAll('\n', ', ');
const nameOf = (certificate: X509Certificate | undefined) =>
  oneLine(certificate?.subject || certificate?.subjectAltName);
const issuerOf = (certificate: X509Certificate | undefined) => oneLine(certificate?.issuer);
