/** secretsmanager: reading what was seeded. */
import { iso, reads, type Operations } from './operation.ts';
import { AwsRefusal } from './refusal.ts';

export const secretsManagerOperations: Operations = {
  GetSecretValue: reads(
    ['SecretId', 'VersionId', 'VersionStage'],
    ({ state, params }) => {
      const id = params.needText('SecretId');
      const secret = Object.values(state.secrets).find(({ name, arn }) => name === id || arn === id);
      const version = params.text('VersionId');
      const stage = params.text('VersionStage') ?? 'AWSCURRENT';
      if (!secret || stage !== 'AWSCURRENT' || (version !== undefined && version !== secret.versionId))
        throw new AwsRefusal('ResourceNotFoundException', `Secrets Manager can't find the specified secret.`);
      return {
        ARN: secret.arn,
        Name: secret.name,
        VersionId: secret.versionId,
        SecretString: secret.value,
        VersionStages: ['AWSCURRENT'],
        CreatedDate: iso(secret.created),
      };
    },
    { sensitive: ['SecretString'] },
  ),
};
