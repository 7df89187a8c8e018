/** A message by mail. nodemailer speaks SMTP; the server's certificate is checked, and its replies are bounded. */
import { createTransport } from 'nodemailer';
import { answered, attemptMs, troubleText, type Delivery, type Letter } from './delivery.ts';

export interface MailServer {
  readonly server: string;
  readonly port: number;
  readonly security: 'starttls' | 'tls' | 'none';
  readonly from: string;
  readonly to: readonly string[];
  readonly user?: string;
  readonly password?: string;
  /** Trusted instead of the usual authorities, PEM. */
  readonly ca?: string;
}

export async function mailMessage(
  mail: MailServer,
  { id, subject, text }: Letter,
  { signal }: { readonly signal: AbortSignal },
): Promise<Delivery> {
  const { server, port, security, user, password } = mail;
  const secrets = password === undefined ? [] : [password, Buffer.from(password).toString('base64')];
  const transport = createTransport({
    host: server,
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    ...(user === undefined ? {} : { auth: { user, pass: password ?? '' } }),
    tls: {
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
      ...(mail.ca === undefined ? {} : { ca: mail.ca }),
    },
    connectionTimeout: attemptMs,
    greetingTimeout: attemptMs,
    socketTimeout: attemptMs,
    dnsTimeout: attemptMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const limit = AbortSignal.any([signal, AbortSignal.timeout(attemptMs)]);
  const failed = (why: string): Delivery => ({ kind: 'failed', why: `${server}:${port}: ${why}` });
  const outOfTime = new Promise<Delivery>((resolve) => {
    const over = (): void =>
      resolve(
        failed(
          signal.aborted
            ? 'it had not taken the mail when Belay ended'
            : `it did not take the mail within ${attemptMs / 1000} s`,
        ),
      );
    if (limit.aborted) over();
    else limit.addEventListener('abort', over, { once: true });
  });
  const sending = transport
    .sendMail({
      from: mail.from,
      to: [...mail.to],
      subject,
      text: `${text}\n`,
      // The same for every try: mail clients and filters drop the second one.
      messageId: `<${id}@belay.${mail.from.split('@')[1] ?? 'invalid'}>`,
      headers: { 'Auto-Submitted': 'auto-generated' },
    })
    .then(({ rejected, response }): Delivery =>
      rejected.length > 0
        ? failed(`it does not take mail for ${rejected.map(String).join(', ')}`)
        : { kind: 'delivered', receipt: answered(response, secrets) },
    )
    .catch((error: unknown) => failed(troubleText(error, secrets)));
  try {
    return await Promise.race([sending, outOfTime]);
  } finally {
    transport.close();
  }
}
