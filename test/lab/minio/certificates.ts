/**
 * A small certificate authority for one lab, by the openssl command: good pairs for its hosts, and the bad ones that
 * an installation must refuse.
 */
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { coresOfPrivateKey, registerSecret } from '../../support/secret-search/registry.ts';

/** PEM. */
export interface CertificatePair {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface LeafSubject {
  readonly commonName: string;
  /** DNS names it is for. */
  readonly names: readonly string[];
  /** IP addresses it is for. */
  readonly addresses?: readonly string[];
  /** Default: an hour ago. */
  readonly notBefore?: Date;
  /** Default: in 825 days. */
  readonly notAfter?: Date;
}

const day = 86_400_000;
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
const authorityDays = '3650';

export class CertificateAuthority {
  /** The one of this folder (`ca.crt`, `ca.key`), made when there is none. */
  static async open(folder: string, commonName: string): Promise<CertificateAuthority> {
    const file = join(folder, 'ca.crt');
    if (!existsSync(file)) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const key = join(folder, 'ca.key');
      const subject = ['-days', authorityDays, '-subj', `/CN=${commonName}`];
      await execa('openssl', ['req', '-x509', ...newKey, ...subject, '-keyout', key, '-out', file]);
      await chmod(key, 0o600);
    }
    return new CertificateAuthority(folder, await readFile(file, 'utf8'));
  }

  /** PEM. */
  readonly certificate: string;
  readonly file: string;
  readonly #folder: string;

  private constructor(folder: string, certificate: string) {
    this.#folder = folder;
    this.file = join(folder, 'ca.crt');
    this.certificate = certificate;
  }

  /** A fresh key and a certificate for it, with a serial number of its own. */
  async issue(subject: LeafSubject): Promise<CertificatePair> {
    const folder = await mkdtemp(join(this.#folder, 'leaf-'));
    const at = (name: string) => join(folder, name);
    try {
      const alternatives = [
        ...subject.names.map((name) => `DNS:${name}`),
        ...(subject.addresses ?? []).map((address) => `IP:${address}`),
      ];
      await writeFile(at('index'), '');
      await writeFile(at('settings'), settings(folder, alternatives));
      const asked = ['-subj', `/CN=${subject.commonName}`, '-keyout', at('key'), '-out', at('request')];
      await execa('openssl', ['req', '-new', ...newKey, ...asked]);
      // Only `openssl ca` takes both dates in OpenSSL 3.0.
      const how = ['-batch', '-notext', '-config', at('settings')];
      const signer = ['-cert', this.file, '-keyfile', join(this.#folder, 'ca.key')];
      const from = stamp(subject.notBefore ?? new Date(Date.now() - 3_600_000));
      const to = stamp(subject.notAfter ?? new Date(Date.now() + 825 * day));
      const files = ['-in', at('request'), '-out', at('crt')];
      await execa('openssl', ['ca', ...how, ...signer, '-startdate', from, '-enddate', to, ...files]);
      const privateKey = await readFile(at('key'), 'utf8');
      registerSecret(`the private key of ${subject.commonName}`, coresOfPrivateKey(privateKey));
      return { certificate: await readFile(at('crt'), 'utf8'), privateKey };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

function settings(folder: string, alternatives: readonly string[]): string {
  return `[ca]
default_ca = lab
[lab]
database = ${folder}/index
new_certs_dir = ${folder}
default_md = sha256
policy = any
x509_extensions = leaf
unique_subject = no
rand_serial = yes
[any]
commonName = supplied
[leaf]
basicConstraints = CA:FALSE
keyUsage = digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectAltName = ${alternatives.join(', ')}
`;
}

/** 20261127210000Z */
function stamp(date: Date): string {
  return `${date.toISOString().replaceAll(/[-:T]|\.\d+Z/g, '')}Z`;
}

/** The pairs that must not be installed, beside the good one. */
export type PairKind =
  | 'good'
  | 'wrong-name'
  | 'expired'
  | 'not-yet-valid'
  | 'foreign-authority'
  | 'mismatched-key';

/** A pair of that kind for a host that is known by these names and addresses. */
export async function pairOfKind(
  authority: CertificateAuthority,
  foreignFolder: string,
  subject: LeafSubject,
  kind: PairKind,
): Promise<CertificatePair> {
  const now = Date.now();
  switch (kind) {
    case 'good':
      return authority.issue(subject);
    case 'wrong-name':
      return authority.issue({ commonName: 'elsewhere.lab', names: ['elsewhere.lab'] });
    case 'expired':
      return authority.issue({
        ...subject,
        notBefore: new Date(now - 30 * day),
        notAfter: new Date(now - day),
      });
    case 'not-yet-valid':
      return authority.issue({ ...subject, notBefore: new Date(now + day) });
    case 'foreign-authority':
      return (await CertificateAuthority.open(foreignFolder, 'Somebody else')).issue(subject);
    case 'mismatched-key': {
      const [{ certificate }, { privateKey }] = await Promise.all([
        authority.issue(subject),
        authority.issue(subject),
      ]);
      return { certificate, privateKey };
    }
    default:
      return kind satisfies never;
  }
}
