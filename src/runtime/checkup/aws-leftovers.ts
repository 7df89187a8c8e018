/** What executions made in AWS and is still there, by its tag: how old it is, whose it is, and what removes it. Only reads. */
import { replacedByTagKey, tokenTagKey } from '../../actions/define-action.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { AwsFailure, type Aws } from '../../transports/aws.ts';
import { ageText } from './age.ts';
import type { Finding } from './finding.ts';

const awsTimeoutMs = 10_000;
/** How many are named. */
const namedMax = 10;

interface Kind {
  readonly what: string;
  readonly operation: string;
  readonly params?: JsonObject;
  readonly tag: string;
  readonly itemsOf: (reply: JsonObject) => readonly Json[];
  readonly id: string;
  /** The member that says when it was made. */
  readonly at: string;
  readonly isLeft: (item: JsonObject) => boolean;
  readonly are: string;
  readonly hint: string;
}

const listIn =
  (name: string) =>
  (reply: JsonObject): readonly Json[] => {
    const items = reply[name];
    return Array.isArray(items) ? items : [];
  };

/** One that is attached is somebody's data, whoever made it. */
const isDetached = ({ Attachments, State }: JsonObject): boolean =>
  State !== 'in-use' && (!Array.isArray(Attachments) || Attachments.length === 0);

const isThere = ({ State }: JsonObject): boolean =>
  isJsonObject(State) && State['Name'] !== 'terminated' && State['Name'] !== 'shutting-down';

const volumes = {
  operation: 'DescribeVolumes',
  itemsOf: listIn('Volumes'),
  id: 'VolumeId',
  at: 'CreateTime',
};

const kinds: readonly Kind[] = [
  {
    what: 'snapshots',
    operation: 'DescribeSnapshots',
    params: { OwnerIds: ['self'] },
    tag: tokenTagKey,
    itemsOf: listIn('Snapshots'),
    id: 'SnapshotId',
    at: 'StartTime',
    isLeft: () => true,
    are: 'were made by executions and are still there',
    hint: 'restore points stay on purpose; belay show ID names those of an execution. One that nobody needs goes by  aws ec2 delete-snapshot --snapshot-id ID',
  },
  {
    ...volumes,
    what: 'volumes',
    tag: tokenTagKey,
    isLeft: isDetached,
    are: 'were made by executions and are attached nowhere',
    hint: 'their tags belay:execution and belay:replaces say for what. One that nobody needs goes by  aws ec2 delete-volume --volume-id ID',
  },
  {
    ...volumes,
    what: 'replaced volumes',
    tag: replacedByTagKey,
    isLeft: isDetached,
    are: 'held the data before a restore put others into their places, and are kept, detached',
    hint: `the tag ${replacedByTagKey} says what is there instead; once that is known to be right, a person may delete one by  aws ec2 delete-volume --volume-id ID`,
  },
  {
    what: 'instances',
    operation: 'DescribeInstances',
    tag: tokenTagKey,
    itemsOf: (reply) =>
      listIn('Reservations')(reply).flatMap((each) => (isJsonObject(each) ? listIn('Instances')(each) : [])),
    id: 'InstanceId',
    at: 'LaunchTime',
    isLeft: isThere,
    are: 'were launched by executions and are still there',
    hint: 'belay rollback ID terminates those of an execution that can be taken back; else  aws ec2 terminate-instances --instance-ids ID',
  },
];

export async function leftInAws(aws: Aws, now: number): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const kind of kinds) findings.push(await leftovers(aws, kind, now));
  return findings;
}

async function leftovers(aws: Aws, kind: Kind, now: number): Promise<Finding> {
  const { what, operation, params = {}, tag, itemsOf, isLeft, are, hint } = kind;
  try {
    const reply = await aws.call({
      service: 'ec2',
      operation,
      params: { ...params, Filters: [{ Name: 'tag-key', Values: [tag] }] },
      signal: AbortSignal.timeout(awsTimeoutMs),
    });
    const left = itemsOf(reply).flatMap((item) =>
      isJsonObject(item) && typeof item[kind.id] === 'string' && isLeft(item) ? [item] : [],
    );
    if (left.length === 0) return { area: 'leftovers', what, verdict: 'good', says: `none tagged ${tag}` };
    const named = left
      .slice(0, namedMax)
      .map((item) => textOf(item, kind, now))
      .join(', ');
    const more = left.length > namedMax || reply['NextToken'] !== undefined ? ' and more' : '';
    return { area: 'leftovers', what, verdict: 'note', says: `${named}${more} ${are}`, hint };
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

/** `snap-0a17 (41 days, of 1SH66PGHTM3G)`. */
function textOf(item: JsonObject, { id, at }: Kind, now: number): string {
  const made = typeof item[at] === 'string' ? Date.parse(item[at]) : Number.NaN;
  const of = listIn('Tags')(item).find((tag) => isJsonObject(tag) && tag['Key'] === 'belay:execution');
  const said = [
    ...(Number.isNaN(made) ? [] : [ageText(now - made)]),
    ...(isJsonObject(of) && typeof of['Value'] === 'string' ? [`of ${of['Value']}`] : []),
  ];
  return `${typeof item[id] === 'string' ? item[id] : ''}${said.length === 0 ? '' : ` (${said.join(', ')})`}`;
}
