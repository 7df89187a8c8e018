/** Why a server could not be asked over HTTP. An answer, whatever its status, is not a failure of this kind. */
import { TransportFailure } from '../failure.ts';
import { HostFailure } from '../host.ts';

export const httpFailureCodes = [
  /** The host is reached, and nothing listens on the port. */
  'REFUSED',
  /** No way to the host or the address. */
  'UNREACHABLE',
  /** Connected, and then silence for longer than was allowed. */
  'NO_REPLY',
  'CONNECTION_LOST',
  /** No authority that was given, or is known here, has signed the certificate. */
  'TLS_UNTRUSTED',
  /** The certificate is for other names. */
  'TLS_WRONG_NAME',
  'TLS_EXPIRED',
  'TLS_FAILED',
  /** What answers does not speak HTTP: the port of something else, or TLS where plain HTTP was sent. */
  'NOT_HTTP',
  'REPLY_TOO_LARGE',
  /** HTTP cannot carry it: a header or the path has characters that it does not allow. */
  'BAD_REQUEST',
  'CANCELLED',
] as const;
export type HttpFailureCode = (typeof httpFailureCodes)[number];

export class HttpFailure extends TransportFailure<HttpFailureCode> {
  override readonly name = 'HttpFailure';
}

/** What a HostFailure of dialling means to who wanted to ask over it; failures of the way itself stay what they are. */
export function dialFailure(label: string, error: unknown): unknown {
  if (!(error instanceof HostFailure) || error.code !== 'PORT_REFUSED') return error;
  return new HttpFailure({
    code: 'REFUSED',
    message: `${label}: nothing listens there (connection refused). The server is stopped, starting, or on another port.`,
    retryable: true,
    effect: 'none',
    cause: error,
  });
}

/** Node's codes for certificates that were looked at and not accepted. Source: OpenSSL, X509_verify_cert_error_string. */
const untrusted = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
]);

export function tlsFailure(label: string, serverName: string, error: NodeJS.ErrnoException): HttpFailure {
  const failure = (code: HttpFailureCode, text: string, retryable = false): HttpFailure =>
    new HttpFailure({
      code,
      message: `${label}: ${text} Nothing was asked.`,
      retryable,
      effect: 'none',
      cause: error,
    });
  const { code = '', message } = error;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const held =
      /altnames: (DNS:.*|IP Address:.*)/.exec(message)?.[1] ?? /cert's list: (.*)/.exec(message)?.[1];
    return failure(
      'TLS_WRONG_NAME',
      `its certificate is not for ${serverName}${held === undefined ? '' : `, it is for ${held}`}. Name one of these as ServerName, or install a certificate that holds the name.`,
    );
  }
  if (code === 'CERT_HAS_EXPIRED')
    return failure('TLS_EXPIRED', 'its certificate has expired. Install a new one.');
  if (code === 'CERT_NOT_YET_VALID') {
    return failure('TLS_EXPIRED', 'its certificate is not valid yet. Compare the clocks of both machines.');
  }
  if (untrusted.has(code)) {
    return failure(
      'TLS_UNTRUSTED',
      `its certificate is signed by no authority that is known here (${message}). Give the authority's certificate as CaCertificates.`,
    );
  }
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    return failure('CONNECTION_LOST', 'the connection was closed during the TLS handshake.', true);
  }
  if (/wrong version number|packet length too long|http request/i.test(message)) {
    return failure('NOT_HTTP', 'what answers there does not speak TLS. For plain HTTP say Tls: false.');
  }
  return failure('TLS_FAILED', `the TLS handshake failed: ${message}.`);
}
