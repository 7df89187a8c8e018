/**
 * Runs that were killed for ever leave things behind: snapshots, volumes, instances, kept files, a drained server, a frozen file
 * system. `belay doctor` names each with its age and the command that removes it; the commands are typed as they are
 * printed, and afterwards doctor is silent and the world is as it was before.
 */
import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import {
  DescribeInstancesCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isThorough } from '../evidence/sample.ts';
import { Desk, type Said } from '../support/command-line.ts';
import { credentials } from './endpoint/test-bed.ts';
import { MinioLab } from './minio/cluster.ts';
import { labRegion, labWorld, worldMissing, type LabWorldWithAws } from './world.ts';

// lb1's nginx comes with the images of the MinIO cluster.
const reason =
  worldMissing() ??
  MinioLab.unavailable() ??
  (isThorough ? undefined : 'it takes minutes, and npm run lab:faults runs it');
const File = '/etc/nginx/conf.d/app.conf';
const configuration = `upstream app {
  server 127.0.0.2:9000;
  server 127.0.0.3:9000;
}
server { listen 8081; location / { proxy_pass http://app; } }
`;
const nap = { name: 'Nap', action: 'aws:sleep', inputs: { Duration: 'PT1H' } };
const runbook = (...mainSteps: object[]): object => ({
  schemaVersion: '0.3',
  rollback: { when: 'onFailure' },
  mainSteps,
});

interface Finding {
  readonly area: string;
  readonly what: string;
  readonly verdict: string;
  readonly says: string;
  readonly hint?: string;
}

describe.skipIf(reason)(
  `what runs that were killed for ever leave${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    let world: LabWorldWithAws;
    let desk: Desk;
    let ec2: EC2Client;
    const sh = async (host: string, text: string, stdin = ''): Promise<string> => {
      const { stdout, stderr, code } = await world.lab.exec(host, text, { stdin });
      return code === 0 ? stdout.trim() : `exit ${code}: ${stderr.trim()}`;
    };

    beforeAll(async () => {
      world = await labWorld({ hosts: ['h1', 'v1', 'lb1'], aws: true });
      desk = new Desk({ ...world.env });
      desk.write('belay.yaml', world.inventory);
      ec2 = new EC2Client({ region: labRegion, endpoint: world.endpoint.url, credentials, maxAttempts: 3 });
      await sh(
        'lb1',
        `cat >${File}; rm -f /etc/nginx/conf.d/minio.conf; systemctl start nginx`,
        configuration,
      );
      await sh('h1', 'echo before >/etc/belay-left');
      await sh('v1', 'echo sound >/srv/data/state; sync');
    }, 360_000);
    afterAll(async () => {
      ec2?.destroy();
      // Where the test failed in between: what is frozen cannot be taken down.
      await world?.lab.exec('h1', 'fsfreeze -u /srv/data 2>/dev/null; true');
      desk?.[Symbol.dispose]();
      await world?.down();
    }, 60_000);

    /** All that a run may have left, by AWS's own word and that of root on each host. */
    const look = async (): Promise<object> => {
      const [volumes, instances, snapshots] = await Promise.all([
        ec2.send(new DescribeVolumesCommand({})),
        ec2.send(new DescribeInstancesCommand({})),
        ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ['self'] })),
      ]);
      return {
        volumes: volumes.Volumes?.map(({ VolumeId, State }) => `${VolumeId} ${State}`).toSorted(),
        instances: instances.Reservations?.flatMap(({ Instances = [] }) => Instances)
          .filter(({ State }) => State?.Name !== 'terminated' && State?.Name !== 'shutting-down')
          .map(({ InstanceId }) => InstanceId)
          .toSorted(),
        snapshots: snapshots.Snapshots?.map(({ SnapshotId }) => SnapshotId).toSorted(),
        file: await sh('h1', 'cat /etc/belay-left'),
        drained: await sh('lb1', `grep -c ' down;' ${File}; nginx -T 2>/dev/null | grep -c 127.0.0.3`),
        data: await sh('v1', 'cat /srv/data/state; findmnt -n -o TARGET,OPTIONS /srv/data'),
        kept: await sh('h1', 'find /var/lib/belay -type f 2>/dev/null | wc -l'),
      };
    };
    /** Runs it as far as it says so, and kills its runner, which nobody will take up. */
    const killed = async (name: string, document: object, when?: () => Promise<void>): Promise<void> => {
      desk.write(`${name}.yaml`, document);
      const going = desk.start(['run', `${name}.yaml`, '-y']);
      await (when === undefined ? going.writes(/▸ Nap/) : Promise.all([going.writes(/▸/), when()]));
      going.process.kill('SIGKILL');
      await going.said;
    };
    const called = async (operation: string): Promise<void> => {
      while (world.endpoint.journal.calls(operation).length === 0) await delay(50);
    };
    const doctor = async (): Promise<Finding[]> => {
      const { stdout } = await desk.belay(['doctor', '--json']);
      const { findings } = JSON.parse(stdout) as { findings: Finding[] };
      return findings.filter(({ area, verdict }) => area === 'leftovers' && verdict !== 'good');
    };
    /** As a person types it: here, or on the host that the line names. */
    const type = async (command: string, host?: string): Promise<Said> => {
      if (host !== undefined) {
        const { code, stdout, stderr } = await world.lab.exec(host, command);
        return { code, stdout, stderr };
      }
      const [program = '', ...words] = command.split(' ');
      if (program === 'belay') return desk.belay(words);
      const env = { ...process.env, ...world.env };
      return new Promise((resolve) => {
        execFile(program, words, { env }, (error, stdout, stderr) =>
          resolve({ code: error === null ? 0 : 1, stdout, stderr }),
        );
      });
    };

    test('is named by doctor with its age and the command that removes it, each works, and all is as before', async () => {
      const before = await look();
      const { faults } = world.endpoint;
      faults.add({ match: { op: 'DetachVolume' }, do: 'throttle' });
      for (const op of ['CreateSnapshot', 'CreateSnapshots'])
        faults.add({ match: { op, contains: 'while it is frozen' }, do: { delayMs: 3_600_000 } });
      const isDetaching = (): Promise<void> => called('DetachVolume');
      await Promise.all([
        killed(
          'instance',
          runbook({ name: 'Launch', action: 'aws:runInstances', inputs: { ImageId: image } }, nap),
        ),
        killed(
          'snapshot',
          runbook(
            {
              name: 'Snap',
              action: 'aws:createSnapshot',
              inputs: { VolumeId: world.volumeId('h1', '/srv/data') },
            },
            nap,
          ),
        ),
        killed(
          'volume',
          runbook(
            { name: 'Snap', action: 'ebs:snapshot', inputs: { Host: 'v1', Mounts: ['/srv/data'] } },
            {
              name: 'Restore',
              action: 'ebs:restore',
              inputs: { Host: 'v1', SnapshotIds: '{{ Snap.SnapshotIds }}' },
            },
          ),
          isDetaching,
        ),
        killed(
          'file',
          runbook(
            {
              name: 'Write',
              action: 'host:file',
              inputs: { Host: 'h1', Path: '/etc/belay-left', Content: 'after' },
            },
            nap,
          ),
        ),
        killed(
          'drain',
          runbook(
            {
              name: 'Drain',
              action: 'nginx:drain',
              inputs: { Host: 'lb1', File, Server: '127.0.0.3:9000', Upstream: 'app', QuietSeconds: 0 },
            },
            nap,
          ),
        ),
      ]);
      await killed(
        'freeze',
        runbook({
          name: 'Freeze',
          action: 'ebs:snapshot',
          inputs: {
            Host: 'h1',
            Mounts: ['/srv/data'],
            Quiesce: true,
            QuiesceSecondsMax: 120,
            Description: 'while it is frozen',
          },
        }),
        async () => {
          while (!(await sh('h1', 'cat /var/lib/belay/*/stdout 2>/dev/null; true')).includes('ready=yes'))
            await delay(100);
        },
      );
      const first = await doctor();
      const said = first.map(({ what, says, hint }) => `${what}: ${says} | ${hint ?? ''}`);
      const age = String.raw`\(less than an hour, of [0-9A-Z]{12}\)`;
      for (const pattern of [
        String.raw`^executions: [0-9A-Z]{12} \(freeze, begun less than an hour ago\) is not over, .*belay cancel [0-9A-Z]{12}`,
        String.raw`^instances: i-\w+ ${age} .*aws ec2 terminate-instances --instance-ids i-\w+$`,
        String.raw`^snapshots: snap-\w+ ${age} .*aws ec2 delete-snapshot --snapshot-id snap-\w+$`,
        String.raw`^volumes: vol-\w+ ${age} was made by .*aws ec2 delete-volume --volume-id vol-\w+$`,
        String.raw`^h1: \/srv\/data was frozen \d+ s ago .*, on h1:  fsfreeze -u \/srv\/data$`,
        String.raw`^h1: keeps what undos need of [0-9A-Z]{12} \(not over, begun`,
        String.raw`^lb1: 127\.0\.0\.3:9000 (?:is|may be) drained since less than an hour by [0-9A-Z]{12}.*belay cancel [0-9A-Z]{12} puts it back$`,
      ])
        expect(
          said.some((line) => new RegExp(pattern).test(line)),
          `${pattern}\n${said.join('\n')}`,
        ).toBe(true);

      faults.clear();
      const typed: string[] = [];
      let left = first;
      for (let round = 1; left.length > 0 && round <= 4; round += 1) {
        const commands = new Map(left.flatMap((finding) => commandsIn(finding)));
        // What thaws and what AWS removes comes first, as a person would have it.
        for (const word of order) {
          const now = [...commands].filter(([command]) => command.startsWith(word));
          const said = await Promise.all(now.map(([command, host]) => type(command, host)));
          for (const [index, { code, stdout, stderr }] of said.entries()) {
            const command = now[index]?.[0] ?? '';
            typed.push(command);
            // Cancelled: 3 with something taken back, 1 with nothing that was there.
            const good = word === 'belay cancel' ? [1, 3] : [0];
            expect(good, `${command}\n${stdout}\n${stderr}`).toContain(code);
            expect(stderr).not.toMatch(/PARTIAL|FAILED/);
          }
          if (word === 'fsfreeze' && now.length > 0)
            expect(
              await sh('h1', 'timeout 20 sh -c "echo x >/srv/data/thawed && sync -f /srv/data/thawed"'),
            ).toBe('');
        }
        left = await doctor();
      }
      expect(left, typed.join('\n')).toEqual([]);
      for (const word of ['terminate-instances', 'delete-snapshot', 'delete-volume', 'fsfreeze', 'cancel'])
        expect(typed.join('\n')).toContain(word);
      await sh('h1', 'rm /srv/data/thawed');
      expect(await look()).toEqual(before);
    }, 600_000);
  },
);

/** What moto has from the start. */
const image = 'ami-12c6146b';

/** What a finding says is to be typed, and on which host; with no host: here. */
function commandsIn({ what, hint = '' }: Finding): (readonly [command: string, host: string | undefined])[] {
  const there = /, on \S+: {2}(fsfreeze -u \S+|rm -r [^;]+)$/.exec(hint)?.[1];
  if (there !== undefined) return [[there, what]];
  const aws = /: {2}(aws ec2 .+)$/.exec(hint)?.[1];
  if (aws !== undefined) return [[aws, undefined]];
  return [...hint.matchAll(/belay cancel [0-9A-Z]{12}|belay prune -y/g)].map(([command]) => [
    command,
    undefined,
  ]);
}

const order = ['fsfreeze', 'aws', 'belay cancel', 'rm', 'belay prune'] as const;
