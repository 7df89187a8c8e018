/** sts: who calls. */
import { reads, type Operations } from './operation.ts';

export const stsOperations: Operations = {
  GetCallerIdentity: reads([], ({ state, callerArn }) => ({
    Account: state.account,
    Arn: callerArn,
    UserId: 'AIDASANDBOX0000000000',
  })),
};
