/** Signatures of SNS messages: version 2 (RSA, SHA-256) over the members that the SNS guide names, by a key of this process. */
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

let pair: { readonly publicKey: KeyObject; readonly privateKey: KeyObject } | undefined;
const keys = (): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } =>
  (pair ??= generateKeyPairSync('rsa', { modulusLength: 2048 }));

/** The public key; SNS has a certificate at this place. */
export function signingKeyPem(): string {
  return keys().publicKey.export({ type: 'spki', format: 'pem' });
}

/** In this order; absent ones are left out (SNS guide, "Verifying the signatures of Amazon SNS messages"). */
const signedMembers = [
  'Message',
  'MessageId',
  'SubscribeURL',
  'Subject',
  'Timestamp',
  'Token',
  'TopicArn',
  'Type',
];

export function stringToSign(message: Readonly<Record<string, unknown>>): string {
  return signedMembers
    .filter((name) => typeof message[name] === 'string')
    .map((name) => `${name}\n${String(message[name])}\n`)
    .join('');
}

export function signatureOf(message: Readonly<Record<string, unknown>>): string {
  return sign('sha256', Buffer.from(stringToSign(message)), keys().privateKey).toString('base64');
}
