/** The three managed rules that the lab really judges, by what moto and the endpoint show of buckets, volumes and databases. */
import { readCall } from '../api-call.ts';
import type { Caller } from '../api-call.ts';
import type { Cell } from '../cell.ts';
import { describeVolumes } from '../ec2/volumes.ts';
import { ec2Answer } from '../moto.ts';
import { child, items, parseXml, textAt, type Element } from '../xml.ts';

export interface Judged {
  readonly type: string;
  readonly id: string;
  readonly isCompliant: boolean;
  readonly annotation: string;
}

export type Judge = (caller: Caller, cell: Cell) => Promise<Judged[]>;

const form = 'application/x-www-form-urlencoded';

/** By source identifier (Config guide, "List of AWS Config Managed Rules"). */
export const judges: Readonly<Record<string, Judge>> = {
  S3_BUCKET_SERVER_SIDE_ENCRYPTION_ENABLED: async (caller, cell) => {
    const ask = (path: string) => cell.moto.ask(caller, 's3', { method: 'GET', path });
    const { body } = await ask('/');
    const buckets = child(parseXml(body.toString('utf8').trim()), 'Buckets')?.children ?? [];
    return await Promise.all(
      buckets.map(async (bucket) => {
        const id = textAt(bucket, 'Name');
        const isCompliant = (await ask(`/${id}?encryption`)).status === 200;
        const annotation = isCompliant ? '' : 'The bucket has no default encryption.';
        return { type: 'AWS::S3::Bucket', id, isCompliant, annotation };
      }),
    );
  },

  /** Attached volumes only, as the rule does; a volume that nobody uses is not judged. */
  ENCRYPTED_VOLUMES: async (caller, cell) => {
    const body = Buffer.from(
      new URLSearchParams({ Action: 'DescribeVolumes', Version: '2016-11-15' }).toString(),
    );
    const scope = `AWS4-HMAC-SHA256 Credential=${caller.accessKey}/20260101/${caller.region}/ec2/aws4_request, SignedHeaders=host, Signature=0`;
    const rawHeaders = [
      'Host',
      `ec2.${caller.region}.amazonaws.com`,
      'Authorization',
      scope,
      'Content-Type',
      form,
    ];
    const headers = { authorization: scope, 'content-type': form };
    const call = readCall({ method: 'POST', path: '/', headers, rawHeaders, body });
    const shown = ec2Answer('DescribeVolumes', (await describeVolumes(call, cell)).body);
    return items(shown, 'volumeSet')
      .filter((volume) => items(volume, 'attachmentSet').length > 0)
      .map((volume) =>
        judgeFlag('AWS::EC2::Volume', textAt(volume, 'volumeId'), textAt(volume, 'encrypted')),
      );
  },

  RDS_STORAGE_ENCRYPTED: async (caller, cell) => {
    const body = new URLSearchParams({ Action: 'DescribeDBInstances', Version: '2014-10-31' }).toString();
    const question = { method: 'POST' as const, path: '/', headers: ['Content-Type', form], body };
    const answer = await cell.moto.ask(caller, 'rds', question);
    const root = parseXml(answer.body.toString('utf8').trim());
    const databases: readonly Element[] =
      child(root, 'DescribeDBInstancesResult', 'DBInstances')?.children ?? [];
    return databases.map((database) =>
      judgeFlag(
        'AWS::RDS::DBInstance',
        textAt(database, 'DbiResourceId') || textAt(database, 'DBInstanceIdentifier'),
        textAt(database, 'StorageEncrypted'),
      ),
    );
  },
};

function judgeFlag(type: string, id: string, flag: string): Judged {
  const isCompliant = flag === 'true';
  return { type, id, isCompliant, annotation: '' };
}
