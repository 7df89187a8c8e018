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
  /** What one of them is. */
  readonly is: string;
  /** What removes the one of that id, as it is typed. */
  readonly removal: (id: string) => string;
  /** What is worth knowing before. */
  readonly advice: string;
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
    is: 'was made by an execution and is still there',
    removal: (id) => `aws ec2 delete-snapshot --snapshot-id ${id}`,
    advice: 'restore points stay on purpose. When nobody needs it any more:',
  },
  {
    ...volumes,
    what: 'volumes',
    tag: tokenTagKey,
    isLeft: isDetached,
    is: 'was made by an execution and is attached nowhere',
    removal: (id) => `aws ec2 delete-volume --volume-id ${id}`,
    advice: 'its tags belay:execution and belay:replaces say for what. When nobody needs it:',
  },
  {
    ...volumes,
    what: 'replaced volumes',
    tag: replacedByTagKey,
    isLeft: isDetached,
    is: 'held the data before a restore put another one into its place, and is kept, detached',
    removal: (id) => `aws ec2 delete-volume --volume-id ${id}`,
    advice: `the tag ${replacedByTagKey} says what is there instead. Once that is known to be right:`,
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
    is: 'was launched by an execution and is still there',
    removal: (id) => `aws ec2 terminate-instances --instance-ids ${id}`,
    advice: 'the rollback of its execution terminates it. Where none is to come:',
  },
];

export async function leftInAws(aws: Aws, now: number): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const kind of kinds) findings.push(...(await leftovers(aws, kind, now)));
  return findings;
}

async function leftovers(aws: Aws, kind: Kind, now: number): Promise<Finding[]> {
  const { what, operation, params = {}, tag, itemsOf, isLeft, is, removal, advice } = kind;
  const about = { area: 'leftovers', what, verdict: 'note' } as const;
  try {
    const reply = await aws.call({
      service: 'ec2',
      operation,
      params: { ...params, Filters: [{ Name: 'tag-key', Values: [tag] }] },
      signal: AbortSignal.timeout(awsTimeoutMs),
    });
    const left = itemsOf(reply).flatMap((item) =>
      isJsonObject(item) && isLeft(item) && idOf(item, kind) !== '' ? [item] : [],
    );
    if (left.length === 0) return [{ ...about, verdict: 'good', says: `none tagged ${tag}` }];
    const named = left.slice(0, namedMax).map((item) => ({
      ...about,
      says: `${textOf(item, kind, now)} ${is}`,
      hint: `${advice}  ${removal(idOf(item, kind))}`,
    }));
    const more = left.length - named.length;
    const isCut = more > 0 || reply['NextToken'] !== undefined;
    return [
      ...named,
      ...(isCut ? [{ ...about, says: `${more > 0 ? `${more} ` : ''}more tagged ${tag}` }] : []),
    ];
  } catch (error) {
    if (!(error instanceof AwsFailure)) throw error;
    return [{ ...about, says: `could not be listed: ${error.code}: ${error.message}` }];
  }
}

/** It is shown to be typed: only such ids as EC2 gives. */
function idOf(item: JsonObject, { id }: Kind): string {
  const value = item[id];
  return typeof value === 'string' && /^[a-z]+-[0-9a-z]+$/.test(value) ? value : '';
}

/** `snap-0a17 (41 days, of 1SH66PGHTM3G)`. */
function textOf(item: JsonObject, kind: Kind, now: number): string {
  const at = item[kind.at];
  const made = typeof at === 'string' ? Date.parse(at) : Number.NaN;
  const of = listIn('Tags')(item).find((tag) => isJsonObject(tag) && tag['Key'] === 'belay:execution');
  const said = [
    ...(Number.isNaN(made) ? [] : [ageText(now - made)]),
    ...(isJsonObject(of) && typeof of['Value'] === 'string' ? [`of ${of['Value']}`] : []),
  ];
  return `${idOf(item, kind)}${said.length === 0 ? '' : ` (${said.join(', ')})`}`;
}
