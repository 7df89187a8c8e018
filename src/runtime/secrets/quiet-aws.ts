/** What AWS says in an error to a step that was given a secret is withheld: it was given it, too. Its code stays, and what Belay itself says. */
import { AwsFailure, type Aws } from '../../transports/aws.ts';

export function quietAws(aws: Aws): Aws {
  return {
    identity: (signal) => aws.identity(signal),
    ...(aws.environment === undefined ? {} : { environment: aws.environment.bind(aws) }),
    call: async (call, options) => {
      try {
        return await aws.call(call, options);
      } catch (error) {
        throw error instanceof AwsFailure ? quiet(error, `${call.service} ${call.operation}`) : error;
      }
    },
    assume: (roleArn, region) => quietAws(aws.assume(roleArn, region)),
  };
}

/** Those without a status are Belay's own words. */
function quiet(failure: AwsFailure, call: string): AwsFailure {
  const { code, retryable, effect, httpStatus, requestId, later } = failure;
  if (httpStatus === undefined || code === 'NO_REPLY') return failure;
  const message = `${call} was refused (${code}); what AWS said is withheld, because the step was given a secret`;
  const quieted = new AwsFailure({ code, message, retryable, effect, httpStatus, requestId });
  // What it means for the next try is not in the words.
  return Object.assign(quieted, { later });
}
