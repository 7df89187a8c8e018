/** Every AWS operation that the sandbox models, by service. */
import { cloudFormationOperations } from './cloudformation.ts';
import { ec2Operations } from './ec2/operations.ts';
import type { Operations } from './operation.ts';
import { secretsManagerOperations } from './secretsmanager.ts';
import { snsOperations } from './sns.ts';
import { ssmOperations } from './ssm.ts';
import { stsOperations } from './sts.ts';

export const services: Readonly<Record<string, Operations>> = {
  ec2: ec2Operations,
  cloudformation: cloudFormationOperations,
  ssm: ssmOperations,
  sns: snsOperations,
  sts: stsOperations,
  secretsmanager: secretsManagerOperations,
};
