/**
 * Where a lost key is recovered: e1, whose whole root file system is a volume and to which nobody has a key; p1, the helper in
 * the same zone; and an endpoint that really moves the volume between them.
 */
import {
  DescribeInstancesCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import { credentials } from '../../lab/endpoint/test-bed.ts';
import { labRegion, labWorld, type LabWorldWithAws } from '../../lab/world.ts';
import { Desk, type Going } from '../../support/command-line.ts';
import { makeKey, type KeyFile } from './key-files.ts';

const path = '/home/ops/.ssh/authorized_keys';

/** All that a run may touch. */
export interface Look {
  /** Bytes, owner, mode, and what else lies there. */
  readonly keys: string;
  readonly state: string | undefined;
  /** What is attached to both: where, as what, deleted with it or not, tags. */
  readonly volumes: string;
  /** Of the root volume. */
  readonly snapshots: string;
  /** Of the helper: mount point, device, locks. */
  readonly helper: string;
}

export class Recovery {
  readonly world: LabWorldWithAws;
  /** Whose state folder is lost by `loseDesk`. */
  desk: Desk;
  readonly #ec2: EC2Client;
  readonly #rootId: string;
  #keys = 0;

  private constructor(world: LabWorldWithAws) {
    this.world = world;
    this.#rootId = world.volumeId('e1', '/dev/xvda');
    this.desk = this.#newDesk();
    this.#ec2 = new EC2Client({
      region: labRegion,
      endpoint: world.endpoint.url,
      credentials,
      maxAttempts: 3,
    });
  }

  static async raise(): Promise<Recovery> {
    const recovery = new Recovery(await labWorld({ hosts: ['b1', 'e1', 'p1'], aws: true }));
    // From here on nobody has a key to e1.
    await recovery.world.lab.exec('e1', `cat >${path}`, { stdin: `${recovery.makeKey('lost').line}\n` });
    return recovery;
  }

  async down(): Promise<void> {
    this.desk[Symbol.dispose]();
    this.#ec2.destroy();
    await this.world.down();
  }

  makeKey(name: string): KeyFile {
    return makeKey(this.desk.folder, `${name}-${(this.#keys += 1)}`);
  }

  /** How often the endpoint has done it so far. */
  count(effect: 'volumeAttached' | 'volumeDetached' | 'hostStopped' | 'hostStarted'): number {
    return this.world.endpoint.journal.effects(effect).length;
  }

  /** Another person's laptop: nothing is known there of any run. */
  loseDesk(): void {
    this.desk[Symbol.dispose]();
    this.desk = this.#newDesk();
  }

  start(file: string, key: KeyFile, privateFile = key.file): Going {
    const parameters = {
      InstanceId: this.world.instanceId('e1'),
      Host: 'e1',
      Helper: 'p1',
      HelperInstanceId: this.world.instanceId('p1'),
      User: 'ops',
      PublicKey: key.line,
    };
    const given = Object.entries(parameters).flatMap(([name, value]) => ['-p', `${name}=${value}`]);
    return this.desk.start(['run', file, '-y', ...given, '--secret', `PrivateKey=file:${privateFile}`]);
  }

  async look(): Promise<Look> {
    const [e1, p1] = [this.world.instanceId('e1'), this.world.instanceId('p1')];
    const { Reservations } = await this.#ec2.send(new DescribeInstancesCommand({ InstanceIds: [e1] }));
    const instance = Reservations?.[0]?.Instances?.[0];
    const Filters = [{ Name: 'attachment.instance-id', Values: [e1, p1] }];
    const { Volumes = [] } = await this.#ec2.send(new DescribeVolumesCommand({ Filters }));
    const ofRoot = [{ Name: 'volume-id', Values: [this.#rootId] }];
    const { Snapshots = [] } = await this.#ec2.send(new DescribeSnapshotsCommand({ Filters: ofRoot }));
    const state = instance?.State?.Name;
    const volumes = Volumes.map(({ VolumeId, Attachments: [at] = [], Tags = [] }) => {
      const tags = Tags.map(({ Key, Value }) => `${Key}=${Value}`).toSorted();
      const holder = at?.InstanceId === e1 ? 'e1' : 'p1';
      return `${VolumeId} ${holder} ${at?.Device} ${at?.State} ${at?.DeleteOnTermination} ${tags.join(' ')}`;
    });
    return {
      keys:
        state === 'running'
          ? await this.#on(
              'e1',
              `cat ${path}; stat -c '%n %u:%g %a' ${path}*; ls -A ${path.replace(/[^/]+$/, '')}`,
            )
          : 'not to be seen',
      state,
      volumes: volumes.toSorted().join('\n'),
      snapshots: Snapshots.map(({ SnapshotId = '' }) => SnapshotId)
        .toSorted((a, b) => (a < b ? -1 : 1))
        .join(' '),
      helper: await this.#on(
        'p1',
        'ls -d /mnt/belay-recover /dev/xvdh /var/tmp/belay-lock* 2>/dev/null; true',
      ),
    };
  }

  async #on(host: string, script: string): Promise<string> {
    return (await this.world.lab.exec(host, script)).stdout;
  }

  #newDesk(): Desk {
    const desk = new Desk({ ...this.world.env });
    desk.write('belay.yaml', this.world.inventory);
    return desk;
  }
}
