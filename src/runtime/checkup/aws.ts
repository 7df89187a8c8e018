/** Who AWS thinks is calling, and what executions left there. Only reads. */
import { tokenTagKey } from '../../actions/define-action.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { AwsFailure, type Aws } from '../../transports/aws.ts';
import type { Finding } from './finding.ts';

const awsTimeoutMs = 10_000;
/** How many leftovers are named. */
const namedMax = 10;

/** `isNeeded`: whether a host of the configuration is reached over SSM. */
export async function checkAws(aws: Aws, isNeeded: boolean): Promise<Finding[]> {
  const signal = AbortSignal.timeout(awsTimeoutMs);
  try {
    const { arn, account, region } = await aws.identity(signal);
    const identity: Finding = {
      area: 'aws',
      what: 'identity',
      verdict: 'good',
      says: `${arn}, account ${account}, region ${region}`,
    };
    return [
      identity,
      await leftovers(aws, {
        operation: 'DescribeSnapshots',
        params: { OwnerIds: ['self'] },
        list: 'Snapshots',
        id: 'SnapshotId',
      }),
      await leftovers(aws, { operation: 'DescribeVolumes', params: {}, list: 'Volumes', id: 'VolumeId' }),
    ];
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

interface Kind {
  readonly operation: string;
  readonly params: JsonObject;
  readonly list: string;
  readonly id: string;
}

/** Everything that carries the tag of a token: a restore point that was kept on purpose is among it. */
async function leftovers(aws: Aws, { operation, params, list, id }: Kind): Promise<Finding> {
  const what = list.toLowerCase();
  try {
    const reply = await aws.call({
      service: 'ec2',
      operation,
      params: { ...params, Filters: [{ Name: 'tag-key', Values: [tokenTagKey] }] },
      signal: AbortSignal.timeout(awsTimeoutMs),
    });
    const items: readonly Json[] = Array.isArray(reply[list]) ? reply[list] : [];
    const ids = items.flatMap((item) =>
      isJsonObject(item) && typeof item[id] === 'string' ? [item[id]] : [],
    );
    if (ids.length === 0)
      return { area: 'leftovers', what, verdict: 'good', says: `none tagged ${tokenTagKey}` };
    const named = ids.slice(0, namedMax).join(', ');
    const more = ids.length > namedMax || reply['NextToken'] !== undefined ? ' and more' : '';
    return {
      area: 'leftovers',
      what,
      verdict: 'note',
      says: `${named}${more} were made by executions and are still there`,
      hint: 'restore points stay on purpose; belay show ID names those of an execution',
    };
  } catch (error) {
    if (!(error instanceof AwsFailure)) throw error;
    return {
      area: 'leftovers',
      what,
      verdict: 'note',
      says: `could not be listed: ${error.code}: ${error.message}`,
    };
  }
}
