/** Who AWS thinks is calling, and what executions left there. Only reads. */
import { replacedByTagKey, tokenTagKey } from '../../actions/define-action.ts';
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
        what: 'snapshots',
        operation: 'DescribeSnapshots',
        params: { OwnerIds: ['self'] },
        tag: tokenTagKey,
        list: 'Snapshots',
        id: 'SnapshotId',
        isLeft: () => true,
        are: 'were made by executions and are still there',
        hint: 'restore points stay on purpose; belay show ID names those of an execution',
      }),
      await leftovers(aws, {
        what: 'volumes',
        operation: 'DescribeVolumes',
        params: {},
        tag: tokenTagKey,
        list: 'Volumes',
        id: 'VolumeId',
        // One that is attached is somebody's data, whoever made it.
        isLeft: ({ Attachments, State }) =>
          State !== 'in-use' && (!Array.isArray(Attachments) || Attachments.length === 0),
        are: 'were made by executions and are attached nowhere',
        hint: 'their tags belay:execution and belay:replaces say for what',
      }),
      await leftovers(aws, {
        what: 'replaced volumes',
        operation: 'DescribeVolumes',
        params: {},
        tag: replacedByTagKey,
        list: 'Volumes',
        id: 'VolumeId',
        isLeft: ({ Attachments, State }) =>
          State !== 'in-use' && (!Array.isArray(Attachments) || Attachments.length === 0),
        are: 'held the data before a restore put others into their places, and are kept, detached',
        hint: `the tag ${replacedByTagKey} says what is there instead; once that is known to be right, a person may delete them`,
      }),
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
  readonly what: string;
  readonly tag: string;
  readonly isLeft: (item: JsonObject) => boolean;
  readonly are: string;
  readonly hint: string;
  readonly operation: string;
  readonly params: JsonObject;
  readonly list: string;
  readonly id: string;
}

/** Everything that carries the tag and is in nobody's use: a restore point that was kept on purpose is among it. */
async function leftovers(aws: Aws, kind: Kind): Promise<Finding> {
  const { what, operation, params, tag, list, id, isLeft, are, hint } = kind;
  try {
    const reply = await aws.call({
      service: 'ec2',
      operation,
      params: { ...params, Filters: [{ Name: 'tag-key', Values: [tag] }] },
      signal: AbortSignal.timeout(awsTimeoutMs),
    });
    const items: readonly Json[] = Array.isArray(reply[list]) ? reply[list] : [];
    const ids = items.flatMap((item) =>
      isJsonObject(item) && typeof item[id] === 'string' && isLeft(item) ? [item[id]] : [],
    );
    if (ids.length === 0) return { area: 'leftovers', what, verdict: 'good', says: `none tagged ${tag}` };
    const named = ids.slice(0, namedMax).join(', ');
    const more = ids.length > namedMax || reply['NextToken'] !== undefined ? ' and more' : '';
    return {
      area: 'leftovers',
      what,
      verdict: 'note',
      says: `${named}${more} ${are}`,
      hint,
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
