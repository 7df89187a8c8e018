/**
 * From an API operation, as actions name what they call, to the IAM action that allows it. Most have the same name; the
 * table holds those that differ (Service Authorization Reference). Where a call needs a second permission because of
 * what it is given, `iamActionsOfCall` adds it.
 */
import { own, type JsonObject } from '../json.ts';

/** boto3 client names whose IAM prefix is another. */
const prefixes: Readonly<Record<string, string>> = {
  accessanalyzer: 'access-analyzer',
  amp: 'aps',
  cloudcontrol: 'cloudformation',
  docdb: 'rds',
  efs: 'elasticfilesystem',
  elb: 'elasticloadbalancing',
  elbv2: 'elasticloadbalancing',
  emr: 'elasticmapreduce',
  msk: 'kafka',
  neptune: 'rds',
  opensearch: 'es',
  resourcegroupstaggingapi: 'tag',
  sesv2: 'ses',
  'sso-admin': 'sso',
  stepfunctions: 'states',
  'service-quotas': 'servicequotas',
  'lex-models': 'lex',
};

/** Operations whose IAM action is named otherwise, with the IAM prefix already in place. */
const operations: Readonly<Record<string, string>> = {
  'lambda:Invoke': 'lambda:InvokeFunction',
  'lambda:InvokeAsync': 'lambda:InvokeFunction',
  's3:CreateMultipartUpload': 's3:PutObject',
  's3:CompleteMultipartUpload': 's3:PutObject',
  's3:UploadPart': 's3:PutObject',
  's3:CopyObject': 's3:PutObject',
  's3:DeleteBucketEncryption': 's3:PutEncryptionConfiguration',
  's3:DeleteBucketLifecycle': 's3:PutLifecycleConfiguration',
  's3:DeleteObjects': 's3:DeleteObject',
  's3:DeletePublicAccessBlock': 's3:PutBucketPublicAccessBlock',
  's3:GetBucketEncryption': 's3:GetEncryptionConfiguration',
  's3:GetBucketLifecycleConfiguration': 's3:GetLifecycleConfiguration',
  's3:GetBucketNotificationConfiguration': 's3:GetBucketNotification',
  's3:GetBucketReplication': 's3:GetReplicationConfiguration',
  's3:GetPublicAccessBlock': 's3:GetBucketPublicAccessBlock',
  's3:HeadBucket': 's3:ListBucket',
  's3:HeadObject': 's3:GetObject',
  's3:ListBuckets': 's3:ListAllMyBuckets',
  's3:ListMultipartUploads': 's3:ListBucketMultipartUploads',
  's3:ListObjectVersions': 's3:ListBucketVersions',
  's3:ListObjects': 's3:ListBucket',
  's3:ListObjectsV2': 's3:ListBucket',
  's3:ListParts': 's3:ListMultipartUploadParts',
  's3:PutBucketEncryption': 's3:PutEncryptionConfiguration',
  's3:PutBucketLifecycleConfiguration': 's3:PutLifecycleConfiguration',
  's3:PutBucketNotificationConfiguration': 's3:PutBucketNotification',
  's3:PutBucketReplication': 's3:PutReplicationConfiguration',
  's3:PutPublicAccessBlock': 's3:PutBucketPublicAccessBlock',
  'dynamodb:TransactGetItems': 'dynamodb:GetItem',
  'dynamodb:TransactWriteItems': 'dynamodb:PutItem',
};

/** The IAM action for `service:Operation`; service and operation in any accepted spelling. */
export function iamAction(permission: string): string {
  const [service = '', operation = ''] = permission.split(':');
  const prefix = own(prefixes, service.toLowerCase()) ?? service.toLowerCase();
  const name = `${prefix}:${asPascalCase(operation)}`;
  return own(operations, name) ?? name;
}

/** Sorted, each once. */
export function iamActions(permissions: Iterable<string>): readonly string[] {
  return [...new Set([...permissions].map(iamAction))].sort();
}

/** What one call needs: its own action, and that for tags which are given while creating. */
export function iamActionsOfCall(service: string, operation: string, params: JsonObject): readonly string[] {
  const own = iamAction(`${service}:${operation}`);
  const tagsWhileCreating =
    own.startsWith('ec2:') && own !== 'ec2:CreateTags' && params['TagSpecifications'] !== undefined;
  return tagsWhileCreating ? [own, 'ec2:CreateTags'] : [own];
}

function asPascalCase(operation: string): string {
  return operation
    .split(/[-_]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}
