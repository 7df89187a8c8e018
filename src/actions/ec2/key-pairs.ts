/** EC2's key pairs, and what refers to one. */
import { createHash, createPublicKey } from 'node:crypto';
import { AwsFailure } from '../../transports/aws.ts';
import { numberIn, objectIn, objectsIn, pages, textIn } from '../aws/reply.ts';
import type { ActionContext } from '../define-action.ts';
import { parsePublicKey, type PublicKey } from '../public-key.ts';
import { callAws } from '../../transports/aws-calls.ts';

type Ec2Context = Pick<ActionContext, 'aws' | 'signal'>;

export interface KeyPair {
  readonly name: string;
  readonly id: string;
  readonly fingerprint: string;
  /** OpenSSH's line; empty where EC2 does not give it. */
  readonly publicKey: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** How long a new key pair may be missing from EC2's listings. */
export const settleMs = 30_000;

/** `name` with * and ?. DescribeKeyPairs has no pages. */
export async function listKeyPairs(name: string, { aws, signal }: Ec2Context): Promise<readonly KeyPair[]> {
  const reply = await callAws(aws, {
    service: 'ec2',
    operation: 'DescribeKeyPairs',
    params: { Filters: [{ Name: 'key-name', Values: [name] }], IncludePublicKey: true },
    signal,
  });
  return objectsIn(reply, 'KeyPairs').map((pair) => ({
    name: textIn(pair, 'KeyName'),
    id: textIn(pair, 'KeyPairId'),
    fingerprint: textIn(pair, 'KeyFingerprint'),
    publicKey: textIn(pair, 'PublicKey').trim(),
    tags: Object.fromEntries(
      objectsIn(pair, 'Tags').map((tag) => [textIn(tag, 'Key'), textIn(tag, 'Value')] as const),
    ),
  }));
}

export async function keyPairNamed(name: string, context: Ec2Context): Promise<KeyPair | undefined> {
  return (await listKeyPairs(name, context)).find((pair) => pair.name === name);
}

/** Gives the id of the new key pair. */
export async function importKeyPair(
  name: string,
  line: string,
  tags: Readonly<Record<string, string>>,
  { aws, signal }: Ec2Context,
): Promise<string> {
  const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  const params = {
    KeyName: name,
    PublicKeyMaterial: Buffer.from(line).toString('base64'),
    ...(Tags.length === 0 ? {} : { TagSpecifications: [{ ResourceType: 'key-pair', Tags }] }),
  };
  const reply = await callAws(aws, { service: 'ec2', operation: 'ImportKeyPair', params, signal });
  return textIn(reply, 'KeyPairId');
}

/** By id: a key pair that somebody has made anew under the name since is another one. False: it was gone. */
export async function deleteKeyPair(id: string, { aws, signal }: Ec2Context): Promise<boolean> {
  try {
    await callAws(aws, { service: 'ec2', operation: 'DeleteKeyPair', params: { KeyPairId: id }, signal });
    return true;
  } catch (error) {
    if (error instanceof AwsFailure && error.code.startsWith('InvalidKeyPair')) return false;
    throw error;
  }
}

/**
 * By the public key where EC2 gives it, else by the fingerprint of an imported key: SHA-256 of the body for ED25519,
 * MD5 of the DER public key for RSA. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/verify-keys.html
 */
export function isSameKey(pair: KeyPair, key: PublicKey): boolean {
  const own = parsePublicKey(pair.publicKey);
  if (own !== undefined) return own.body === key.body;
  return pair.fingerprint.replace(/=+$/, '') === importedFingerprint(key);
}

export function importedFingerprint({ type, body, fingerprint }: PublicKey): string {
  if (type !== 'ssh-rsa') return fingerprint.replace('SHA256:', '');
  const [, exponent, modulus] = fieldsOf(Buffer.from(body, 'base64'));
  const jwk = { kty: 'RSA', e: base64url(exponent), n: base64url(modulus) };
  const der = createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'der' });
  return (createHash('md5').update(der).digest('hex').match(/../g) ?? []).join(':');
}

/** The length-prefixed fields of a body. RFC 4253, section 6.6. */
function fieldsOf(bytes: Buffer): Buffer[] {
  const fields: Buffer[] = [];
  for (let at = 0; at + 4 <= bytes.length;) {
    const end = at + 4 + bytes.readUInt32BE(at);
    fields.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return fields;
}

/** A leading zero only says that the number is positive. */
const base64url = (bytes: Buffer = Buffer.alloc(0)) =>
  (bytes[0] === 0 ? bytes.subarray(1) : bytes).toString('base64url');

/** Every version of a launch template that names the key pair: `template web version 3`. */
export async function templatesNaming(name: string, context: Ec2Context): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const page of pages('ec2', 'DescribeLaunchTemplates', {}, context)) {
    for (const template of objectsIn(page, 'LaunchTemplates')) {
      const params = { LaunchTemplateId: textIn(template, 'LaunchTemplateId') };
      for await (const versions of pages('ec2', 'DescribeLaunchTemplateVersions', params, context)) {
        for (const version of objectsIn(versions, 'LaunchTemplateVersions')) {
          if (textIn(objectIn(version, 'LaunchTemplateData'), 'KeyName') !== name) continue;
          found.push(
            `launch template ${textIn(template, 'LaunchTemplateName')} version ${numberIn(version, 'VersionNumber') ?? '?'}`,
          );
        }
      }
    }
  }
  return found;
}

export async function instancesNaming(name: string, context: Ec2Context): Promise<readonly string[]> {
  const Filters = [
    { Name: 'key-name', Values: [name] },
    { Name: 'instance-state-name', Values: ['pending', 'running', 'stopping', 'stopped'] },
  ];
  const found: string[] = [];
  for await (const page of pages('ec2', 'DescribeInstances', { Filters }, context)) {
    for (const reservation of objectsIn(page, 'Reservations')) {
      found.push(
        ...objectsIn(reservation, 'Instances').map((one) => `instance ${textIn(one, 'InstanceId')}`),
      );
    }
  }
  return found;
}
