/** Who AWS thinks is calling, and what executions left there. Only reads. */
import { AwsFailure, type Aws } from '../../transports/aws.ts';
import { leftInAws } from './aws-leftovers.ts';
import type { Finding } from './finding.ts';

const awsTimeoutMs = 10_000;

/** `isNeeded`: whether a host of the configuration is reached over SSM. */
export async function checkAws(aws: Aws, isNeeded: boolean, now: number): Promise<Finding[]> {
  const signal = AbortSignal.timeout(awsTimeoutMs);
  try {
    const { arn, account, region } = await aws.identity(signal);
    const identity: Finding = {
      area: 'aws',
      what: 'identity',
      verdict: 'good',
      says: `${arn}, account ${account}, region ${region}`,
    };
    return [identity, ...(await leftInAws(aws, now))];
  } catch (error) {
    if (!(error instanceof AwsFailure)) throw error;
    const says = signal.aborted
      ? `AWS did not answer within ${awsTimeoutMs / 1000} s`
      : `${error.code}: ${error.message}`;
    return [
      {
        area: 'aws',
        what: 'identity',
        verdict: isNeeded ? 'bad' : 'note',
        says,
        hint: isNeeded ? 'hosts with transport: ssm cannot be reached' : 'only runbooks that use AWS need it',
      },
    ];
  }
}
