/** A user of the lab's MinIO who may do this and no more. */
import { randomBytes } from 'node:crypto';
import { encryptedBody } from '../../../src/actions/minio/encrypted-body.ts';
import type { MinioLab } from '../../lab/minio/cluster.ts';
import { S3Refusal, type KeyPair } from '../../lab/minio/s3.ts';
import { registerSecret } from '../../support/secret-search/registry.ts';

export interface Statement {
  readonly Action: readonly string[];
  /** Absent: of the admin API. */
  readonly Resource?: readonly string[];
}

/** Of a name that was never there. */
export async function limitedUser(minio: MinioLab, statements: readonly Statement[]): Promise<KeyPair> {
  const admin = async (path: string, query: Record<string, string>, body: Buffer): Promise<void> => {
    const whole = `/minio/admin/v3/${path}`;
    const answer = await minio.s3('minio01').request({ method: 'PUT', path: whole, query, body });
    if (answer.status >= 300) throw new S3Refusal(path, answer);
  };
  const name = `limited-${randomBytes(4).toString('hex')}`;
  const secretKey = randomBytes(20).toString('hex');
  registerSecret(`the key of ${name}`, [secretKey]);
  const policy = {
    Version: '2012-10-17',
    Statement: statements.map((statement) => ({ Effect: 'Allow', ...statement })),
  };
  const asked = Buffer.from(JSON.stringify({ secretKey, status: 'enabled' }));
  await admin('add-canned-policy', { name }, Buffer.from(JSON.stringify(policy)));
  await admin('add-user', { accessKey: name }, encryptedBody(minio.root.secretKey, asked));
  const mapping = { policyName: name, userOrGroup: name, isGroup: 'false' };
  await admin('set-user-or-group-policy', mapping, Buffer.alloc(0));
  return { accessKey: name, secretKey };
}
