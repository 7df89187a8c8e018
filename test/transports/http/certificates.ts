/** Certificates for servers of these tests, made by openssl: an authority, and pairs that it signed. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Pair {
  readonly key: string;
  readonly cert: string;
}

export class Authority implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'belay-ca-'));
  readonly certificate: string;

  constructor() {
    const [key, cert] = [this.#file('ca.key'), this.#file('ca.crt')];
    this.#openssl('req', '-x509', ...this.#newKey(key), '-days', '2', '-subj', '/CN=test CA', '-out', cert);
    this.certificate = readFileSync(cert, 'utf8');
  }

  /** `altNames` as openssl writes them: `DNS:minio1,IP:127.0.0.1`. `days` may be negative: it has expired. */
  sign(name: string, altNames: string, days = 1): Pair {
    const [key, request, cert] = [
      this.#file(`${name}.key`),
      this.#file(`${name}.csr`),
      this.#file(`${name}.crt`),
    ];
    const extensions = this.#file(`${name}.ext`);
    writeFileSync(extensions, `subjectAltName=${altNames}`);
    this.#openssl('req', ...this.#newKey(key), '-subj', `/CN=${name}`, '-out', request);
    const by = ['-CA', this.#file('ca.crt'), '-CAkey', this.#file('ca.key'), '-CAcreateserial'];
    this.#openssl(
      'x509',
      '-req',
      '-in',
      request,
      ...by,
      '-days',
      String(days),
      '-extfile',
      extensions,
      '-out',
      cert,
    );
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #file(name: string): string {
    return join(this.#folder, name);
  }

  #newKey(file: string): string[] {
    return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file];
  }

  #openssl(...args: readonly string[]): void {
    execFileSync('openssl', args, { stdio: 'ignore' });
  }
}
