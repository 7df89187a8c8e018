import { describe, expect, it } from 'vitest';
import { iamAction, iamActions, iamActionsOfCall } from '../../src/actions/permissions.ts';

describe('iamAction', () => {
  it.each([
    ['ec2:DescribeInstances', 'ec2:DescribeInstances'],
    ['EC2:describe-instances', 'ec2:DescribeInstances'],
    ['s3:ListObjectsV2', 's3:ListBucket'],
    ['s3:get_bucket_encryption', 's3:GetEncryptionConfiguration'],
    ['lambda:Invoke', 'lambda:InvokeFunction'],
    ['stepfunctions:StartExecution', 'states:StartExecution'],
    ['elbv2:DescribeTargetHealth', 'elasticloadbalancing:DescribeTargetHealth'],
  ])('%s needs %s', (permission, action) => {
    expect(iamAction(permission)).toBe(action);
  });

  it('says each once, sorted', () => {
    expect(iamActions(['s3:ListObjects', 'ec2:RunInstances', 's3:ListObjectsV2'])).toEqual([
      'ec2:RunInstances',
      's3:ListBucket',
    ]);
  });

  it('asks for CreateTags where something is tagged while it is created', () => {
    const tags = { TagSpecifications: [] };
    expect(iamActionsOfCall('ec2', 'CreateSnapshot', tags)).toEqual(['ec2:CreateSnapshot', 'ec2:CreateTags']);
    expect(iamActionsOfCall('ec2', 'CreateSnapshot', {})).toEqual(['ec2:CreateSnapshot']);
  });
});
