/** How a client of AWS is opened. */
import type { AwsCredentialIdentityProvider } from '@smithy/types';
import type { ModelStore } from './model-store.ts';
import type { RetryPolicy } from './retry.ts';

export interface AwsOptions {
  /** Where to act when a call does not say; else the SDK's chain: AWS_REGION, the profile, the instance. */
  readonly region?: string;
  /** One endpoint for every service, before AWS_ENDPOINT_URL and the profile's. */
  readonly endpoint?: string;
  /** Else the SDK's chain: environment, AWS_PROFILE (keys, SSO, role, process), web identity, container, instance. */
  readonly credentials?: AwsCredentialIdentityProvider;
  /** In the place of AWS_PROFILE; empty: as if that were not set. */
  readonly profile?: string;
  /** How the sessions of assumed roles are named in CloudTrail; `belay` when absent. */
  readonly sessionName?: string;
  /** How often a call is sent at most. */
  readonly attempts?: number;
  readonly connectTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
  readonly sleep?: RetryPolicy['sleep'];
  readonly random?: RetryPolicy['random'];
  readonly models?: ModelStore;
}
