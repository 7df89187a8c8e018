/** The parts of a presigned request of an identity, as they are handed over. Loads nothing of AWS. */

/** What is handed over. None of it is a secret; it proves one digest, and for 15 minutes. */
export interface CallerProof {
  readonly region: string;
  readonly accessKeyId: string;
  /** `20261130T101500Z`. */
  readonly date: string;
  /** Hex. */
  readonly signature: string;
  /** Of temporary credentials. */
  readonly sessionToken?: string;
}

export const proofPatterns: { readonly [K in keyof Required<CallerProof>]: RegExp } = {
  region: /^[a-z]{2,4}(?:-[a-z]+){1,2}-\d{1,2}$/,
  accessKeyId: /^[A-Z0-9]{16,128}$/,
  date: /^\d{8}T\d{6}Z$/,
  signature: /^[0-9a-f]{64}$/,
  sessionToken: /^[A-Za-z0-9+/=_-]{1,8192}$/,
};

/** Undefined: it is none. */
export function readProof(value: object): CallerProof | undefined {
  const given: Partial<Record<keyof CallerProof, string>> = {};
  for (const [name, pattern] of Object.entries(proofPatterns) as [keyof CallerProof, RegExp][]) {
    const part: unknown = Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
    if (part === undefined && name === 'sessionToken') continue;
    if (typeof part !== 'string' || !pattern.test(part)) return undefined;
    given[name] = part;
  }
  const { region = '', accessKeyId = '', date = '', signature = '', sessionToken } = given;
  const proof = { region, accessKeyId, date, signature };
  return sessionToken === undefined ? proof : { ...proof, sessionToken };
}
