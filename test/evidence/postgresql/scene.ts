/** db1 with its WAL and a tablespace on volumes of their own, mounts below and beside the data, and a writer that says what was acknowledged. */
import {
  AttachVolumeCommand,
  CreateVolumeCommand,
  DeleteVolumeCommand,
  DescribeVolumesCommand,
  DetachVolumeCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import { setTimeout as delay } from 'node:timers/promises';
import { labRegion } from '../../lab/world.ts';
import { raiseStage, unit, type Stage } from '../patch/stage.ts';

export const dataDirectory = '/var/lib/postgresql/15/main';

export interface Scene {
  readonly stage: Stage;
  readonly ec2: EC2Client;
  sql(text: string, port?: number): Promise<string>;
  /** A new volume with a file system, mounted at the place. */
  disk(mount: string, device: string): Promise<string>;
  /** Rows of everything that was written, as `table count digest` lines. */
  rows(): Promise<string>;
  down(): Promise<void>;
}

export async function raiseScene(): Promise<Scene> {
  const stage = await raiseStage();
  const { world } = stage;
  const ec2 = new EC2Client({
    region: labRegion,
    endpoint: world.endpoint.url,
    credentials: { accessKeyId: 'lab', secretAccessKey: 'lab' },
  });
  const sql = async (text: string, port = 5432): Promise<string> => {
    const done = await world.lab.exec(
      'db1',
      `cd / && runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -p ${port}`,
      { stdin: text },
    );
    if (done.code !== 0) throw new Error(`${text} ended with ${done.code}: ${done.stderr}`);
    return done.stdout.trim();
  };
  return {
    stage,
    ec2,
    sql,
    disk: async (mount, device) => {
      const made = await ec2.send(new CreateVolumeCommand({ Size: 1, AvailabilityZone: `${labRegion}a` }));
      const VolumeId = made.VolumeId ?? '';
      await until(async () => {
        const { Volumes } = await ec2.send(new DescribeVolumesCommand({ VolumeIds: [VolumeId] }));
        return Volumes?.[0]?.State === 'available';
      });
      const place = device.replace('/dev/xvd', '/dev/sd');
      await ec2.send(
        new AttachVolumeCommand({ VolumeId, InstanceId: world.instanceId('db1'), Device: place }),
      );
      await until(async () => (await world.lab.exec('db1', `test -b ${device}`)).code === 0);
      await stage.onHost(
        `mkfs.ext4 -q ${device} && mkdir -p ${mount} && echo "UUID=$(blkid -s UUID -o value ${device}) ${mount} ext4 defaults,nofail 0 2" >>/etc/fstab && mount ${device} ${mount} && chown postgres:postgres ${mount}`,
      );
      return VolumeId;
    },
    rows: async () =>
      (
        await Promise.all(
          ['accounts', 'elsewhere'].map((table) =>
            sql(
              `select '${table}', count(*), md5(string_agg(md5(t::text), '' order by md5(t::text))) from ${table} t`,
            ),
          ),
        )
      ).join('\n'),
    down: () => stage.down(),
  };
}

/** The WAL behind a link on a disk of its own, a tablespace on a third, memory below the data directory, a bind mount beside. */
export async function spreadOut(scene: Scene): Promise<readonly string[]> {
  const { stage } = scene;
  const wal = await scene.disk('/srv/wal', '/dev/xvdh');
  const space = await scene.disk('/srv/space', '/dev/xvdi');
  await stage.onHost(
    `systemctl stop ${unit}
     mv ${dataDirectory}/pg_wal /srv/wal/pg_wal && ln -s /srv/wal/pg_wal ${dataDirectory}/pg_wal
     install -d -o postgres -g postgres -m 700 /srv/space/ts
     install -d -o postgres -g postgres /var/lib/postgresql/memory && mount -t tmpfs -o size=1m tmpfs /var/lib/postgresql/memory
     mkdir -p /mnt/beside && mount --bind /var/lib/postgresql/15 /mnt/beside
     systemctl start ${unit}`,
  );
  await scene.sql(`create tablespace apart location '/srv/space/ts'`);
  await scene.sql(
    `create table elsewhere tablespace apart as select id, md5(id::text) v from generate_series(1, 20000) id; checkpoint`,
  );
  return [wal, space];
}

export async function removeVolume({ ec2, stage }: Scene, VolumeId: string, mount: string): Promise<void> {
  await stage.onHost(`umount ${mount}; sed -i '\\# ${mount} #d' /etc/fstab`);
  await ec2.send(new DetachVolumeCommand({ VolumeId }));
  await until(async () => {
    const { Volumes } = await ec2.send(new DescribeVolumesCommand({ VolumeIds: [VolumeId] }));
    return Volumes?.[0]?.State === 'available';
  });
  await ec2.send(new DeleteVolumeCommand({ VolumeId }));
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 150; tries += 1) {
    if (await holds()) return;
    await delay(200);
  }
  throw new Error('it did not come about within 30 s');
}
