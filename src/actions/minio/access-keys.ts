/**
 * Access keys of MinIO users: made, enabled, disabled, removed by the admin API, and looked at by what every node answers
 * to a request signed with them. No list is needed and no other secret: a node checks the key before the signature.
 */
import { S3Failure } from '../../transports/s3/failure.ts';
import { isJsonObject, type Json } from '../../json.ts';
import { askAdmin, askAdminBytes } from './admin.ts';
import type { Cluster, KeyInputs, Node } from './cluster.ts';
import { decryptedBody, encryptedBody } from './encrypted-body.ts';

/** `otherSecret`: enabled, and the secret that was given is not its own. */
export type KeyState = 'enabled' | 'otherSecret' | 'disabled' | 'absent';

/** As one node sees it. `SecretKey` may be anything where only the state is asked for. */
export async function keyState(cluster: Cluster, node: Node, key: KeyInputs): Promise<KeyState> {
  try {
    await cluster.s3(node, key).buckets();
    return 'enabled';
  } catch (error) {
    if (!(error instanceof S3Failure)) throw error;
    switch (error.code) {
      case 'AccessDenied':
        return 'enabled';
      case 'SignatureDoesNotMatch':
        return 'otherSecret';
      case 'InvalidAccessKeyId':
        return /disabled/i.test(error.said) ? 'disabled' : 'absent';
      default:
        throw error;
    }
  }
}

/** Whose an access key is. `unknown`: it is no such key, or the answer is not to be read. */
export type KeyOwner =
  | { readonly kind: 'user'; readonly name: string }
  | { readonly kind: 'mayNotLook' }
  | { readonly kind: 'unknown' };

/**
 * Of a key that exists MinIO tells it to whoever has admin:ListServiceAccounts. To anybody it denies the look at a name that is a
 * user and not a key, so a denial alone says nothing of rights: `user` is one whose keys may be listed with the same right.
 */
export async function ownerOf(
  node: Node,
  asker: KeyInputs,
  { accessKey, user }: { readonly accessKey: string; readonly user: string },
  signal: AbortSignal,
): Promise<KeyOwner> {
  const question = { method: 'GET', path: '/info-service-account', query: { accessKey } } as const;
  try {
    const answer = await askAdminBytes(node, asker, question, signal);
    const info = JSON.parse(decryptedBody(asker.SecretKey, answer)?.toString('utf8') ?? 'null') as Json;
    const owner = isJsonObject(info) ? info['parentUser'] : undefined;
    return typeof owner === 'string' ? { kind: 'user', name: owner } : { kind: 'unknown' };
  } catch (error) {
    if (error instanceof SyntaxError || isNoKey(error)) return { kind: 'unknown' };
    if (!isDenied(error)) throw error;
    return { kind: (await mayLook(node, asker, user, signal)) ? 'unknown' : 'mayNotLook' };
  }
}

async function mayLook(node: Node, asker: KeyInputs, user: string, signal: AbortSignal): Promise<boolean> {
  const question = { method: 'GET', path: '/list-service-accounts', query: { user } } as const;
  try {
    await askAdminBytes(node, asker, question, signal);
    return true;
  } catch (error) {
    if (isDenied(error)) return false;
    throw error;
  }
}

const isDenied = (error: unknown): boolean => error instanceof S3Failure && error.code === 'AccessDenied';

/** Under a user of MinIO, whose rights it has. */
export async function addKey(
  node: Node,
  asker: KeyInputs,
  { user, key }: { readonly user: string; readonly key: KeyInputs },
  signal: AbortSignal,
): Promise<void> {
  const asked = {
    targetUser: user,
    accessKey: key.AccessKey,
    secretKey: key.SecretKey,
    description: 'by Belay',
  };
  const body = encryptedBody(asker.SecretKey, Buffer.from(JSON.stringify(asked)));
  await askAdmin(node, asker, { method: 'PUT', path: '/add-service-account', body }, signal);
}

export async function setKeyStatus(
  node: Node,
  asker: KeyInputs,
  accessKey: string,
  status: 'on' | 'off',
  signal: AbortSignal,
): Promise<void> {
  const body = encryptedBody(asker.SecretKey, Buffer.from(JSON.stringify({ newStatus: status })));
  const query = { accessKey };
  await askAdmin(node, asker, { method: 'POST', path: '/update-service-account', query, body }, signal);
}

/** Harmless when it is gone. */
export async function removeKey(
  node: Node,
  asker: KeyInputs,
  accessKey: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await askAdmin(
      node,
      asker,
      { method: 'DELETE', path: '/delete-service-account', query: { accessKey } },
      signal,
    );
  } catch (error) {
    if (!isNoKey(error)) throw error;
  }
}

export const isNoKey = (error: unknown): boolean =>
  error instanceof S3Failure &&
  /^XMinio(?:Admin)?(?:InvalidIAMCredentials|NoSuchAccessKey|NoSuchServiceAccount)|^XMinioInvalidIAMCredentials/.test(
    error.code,
  );
