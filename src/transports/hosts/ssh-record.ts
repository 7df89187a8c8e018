/**
 * What a master's own log says of the connection that it made: which key it accepted and under which name it looked
 * that key up, and that the control socket is its own. Messages of OpenSSH 7.4 to 10 with `-v`: sshconnect.c
 * (verify_host_key, check_host_key), mux.c (muxserver_listen). What a server says comes with a prefix before it.
 */

export interface KeyRecord {
  /** `SHA256:…` of the key, or of the certificate's key; null where Kerberos vouched for the host. */
  readonly key: string | null;
  /** As known_hosts has it: `db1`, `[10.0.0.5]:2222`; null where DNSSEC or Kerberos vouched for the host. */
  readonly knownAs: string | null;
}

export const foreignSocket = 'its control socket belongs to another ssh process';

/** Whether the master found its control socket taken. It goes on without one, and sessions would go elsewhere. */
export function hasForeignSocket(log: string): boolean {
  return /^ControlSocket .* already exists, disabling multiplexing/m.test(log);
}

/** A sentence where the log does not prove where the connection ends. */
export function readKeyRecord(log: string): KeyRecord | string {
  if (hasForeignSocket(log)) return foreignSocket;
  const logins = log.match(/^Authenticated to /gm)?.length ?? 0;
  if (logins !== 1) return `its log tells of ${logins} logins`;
  if (!/^debug1: setting up multiplex master socket/m.test(log)) return 'it made no control socket';
  const key = /^debug1: Server host (?:key|certificate): \S+ (SHA256:[A-Za-z0-9+/]+)/m.exec(log)?.[1];
  if (key === undefined) {
    const isKerberos = /^debug1: kex: algorithm: gss-/m.test(log);
    return isKerberos ? { key: null, knownAs: null } : 'its log names no host key';
  }
  const knownAs = /^debug1: Host '(.+)' is known and matches the \S+ host (?:key|certificate)\.\s*$/m.exec(
    log,
  )?.[1];
  if (knownAs !== undefined) return { key, knownAs };
  const isFromDns = /^debug1: matching host key fingerprint found in DNS/m.test(log);
  return isFromDns ? { key, knownAs: null } : 'its log does not say under which name the host key is known';
}

/** Under which name the key of a host is looked up, given what `ssh -G` prints for it. */
export function knownNameOf(resolved: string): string {
  const of = (keyword: string) => new RegExp(`^${keyword} (.+)$`, 'm').exec(resolved)?.[1]?.trim();
  const alias = of('hostkeyalias');
  if (alias !== undefined && alias !== 'none') return alias;
  return knownName(of('hostname') ?? '', Number(of('port') ?? 22));
}

export function knownName(host: string, port: number): string {
  return port === 22 ? host : `[${host}]:${port}`;
}
