/** The AWS service models alone, for what is done without calling AWS. */
import type { AwsModels } from '../transports/aws.ts';
import { createAwsModels } from '../transports/aws/models.ts';

export function offlineModels(): AwsModels {
  return createAwsModels();
}
