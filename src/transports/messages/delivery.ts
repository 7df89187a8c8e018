/** What a try to deliver a message came to. Nothing is thrown: a receiver that fails is data. */
export type Delivery =
  /** `receipt`: what the receiver answered, bounded; such as a queue id. */
  | { readonly kind: 'delivered'; readonly receipt: string }
  /** `why`: one bounded line without any secret of ours. `retryAfterMs`: what the receiver asked for. */
  | { readonly kind: 'failed'; readonly why: string; readonly retryAfterMs?: number };

export interface Letter {
  /** The same for every try of one message: hex. */
  readonly id: string;
  readonly subject: string;
  readonly text: string;
  /** What a receiver may read by program; `text` and `subject` among it. */
  readonly fields: Readonly<Record<string, string>>;
}

/** The longest that one try may take, in ms. */
export const attemptMs = 10_000;

const whyCharactersMax = 300;

/** One line of what somebody answered, without the values. */
export function answered(text: string, secrets: readonly string[] = []): string {
  let line = text.replaceAll(/[\s\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  for (const secret of secrets) if (secret !== '') line = line.replaceAll(secret, '***');
  return line.length <= whyCharactersMax ? line : `${line.slice(0, whyCharactersMax - 1)}…`;
}

/** `ECONNREFUSED` and the like in words; anything else as its own first line. */
export function troubleText(error: unknown, secrets: readonly string[] = []): string {
  if (!(error instanceof Error)) return 'it failed';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  // nodemailer gives its own code, and the system's in the message.
  const inner = /\bE[A-Z]{4,}\b/.exec(error.message)?.[0] ?? '';
  const known = [code, inner].flatMap((each) => (Object.hasOwn(words, each) ? [words[each]] : []))[0];
  if (known !== undefined) return known;
  const phrase = phrases.find(([pattern]) => pattern.test(error.message));
  if (phrase !== undefined) return phrase[1];
  const first = error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : undefined;
  if (first !== undefined) return troubleText(first, secrets);
  return answered(
    code === '' || error.message.includes(code) ? error.message : `${error.message} (${code})`,
    secrets,
  );
}

const phrases: readonly (readonly [RegExp, string])[] = [
  [
    /self-signed certificate in certificate chain/i,
    'its certificate leads to an authority that is not trusted here',
  ],
  [/self-signed certificate/i, 'its certificate is signed by itself, and nobody vouches for it'],
  [/unable to (verify|get)/i, 'its certificate leads to no authority that is trusted here'],
  [/altnames/i, 'its certificate is for another name'],
  [/certificate has expired/i, 'its certificate has expired'],
];

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'it closed the connection before it answered',
  EPIPE: 'it closed the connection before it had the message',
  ENOTFOUND: 'its name cannot be resolved',
  EAI_AGAIN: 'its name cannot be resolved now',
  EHOSTUNREACH: 'no route leads to it',
  ENETUNREACH: 'no route leads to it',
  ETIMEDOUT: 'the connection timed out',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself, and nobody vouches for it',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate leads to an authority that is not trusted here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate leads to no authority that is trusted here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate leads to no authority that is trusted here',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
};
