/** Where a key pair is rotated: hosts behind a bastion that let `ops` in by the old key, and the pair in EC2. */
import { spawnSync } from 'node:child_process';
import { DescribeKeyPairsCommand, EC2Client, ImportKeyPairCommand } from '@aws-sdk/client-ec2';
import { credentials } from '../../lab/endpoint/test-bed.ts';
import { labRegion, labWorld, type LabWorldWithAws } from '../../lab/world.ts';
import { Desk, type Going } from '../../support/command-line.ts';
import { makeKey, type KeyFile } from './key-files.ts';

const options = ['IdentitiesOnly=yes', 'IdentityAgent=none', 'BatchMode=yes', 'StrictHostKeyChecking=yes'];
const path = '/home/ops/.ssh/authorized_keys';

/** All that a run may touch. */
export interface Look {
  /** Of each host: bytes, owner, mode, and what else lies there. */
  readonly files: readonly string[];
  readonly keyPairs: readonly string[];
}

export class Fleet {
  readonly world: LabWorldWithAws;
  readonly desk: Desk;
  readonly hosts: readonly string[];
  readonly old: KeyFile;
  readonly #ec2: EC2Client;
  #keys = 0;

  private constructor(world: LabWorldWithAws, hosts: readonly string[]) {
    this.world = world;
    this.hosts = hosts;
    this.desk = new Desk({ ...world.env });
    this.desk.write('belay.yaml', world.inventory);
    this.old = makeKey(this.desk.folder, 'ops-old');
    this.#ec2 = new EC2Client({
      region: labRegion,
      endpoint: world.endpoint.url,
      credentials,
      maxAttempts: 3,
    });
  }

  /** p1 .. pN. On each the old key has another place, owner's options and comment beside it. */
  static async raise(size: number): Promise<Fleet> {
    const hosts = Array.from({ length: size }, (_, index) => `p${index + 1}`);
    const fleet = new Fleet(await labWorld({ hosts: ['b1', ...hosts], aws: true }), hosts);
    const PublicKeyMaterial = Buffer.from(fleet.old.line);
    await fleet.#ec2.send(new ImportKeyPairCommand({ KeyName: 'ops-v1', PublicKeyMaterial }));
    for (const [index, host] of hosts.entries()) {
      const lines = `# of ${host}\nno-x11-forwarding ${fleet.old.line}\n# the end${index % 2 === 0 ? '\n' : ''}`;
      await fleet.world.lab.exec(host, `cat >>${path}; chmod ${index % 2 === 0 ? 600 : 644} ${path}`, {
        stdin: lines,
      });
    }
    return fleet;
  }

  async down(): Promise<void> {
    this.desk[Symbol.dispose]();
    this.#ec2.destroy();
    await this.world.down();
  }

  newKey(): KeyFile {
    return makeKey(this.desk.folder, `ops-new-${(this.#keys += 1)}`);
  }

  /** On the first so many hosts. */
  start(file: string, fresh: KeyFile, size = this.hosts.length): Going {
    const parameters = {
      Targets: `p{1..${size}}`,
      User: 'ops',
      KeyName: 'ops',
      OldPublicKey: this.old.line,
      NewPublicKey: fresh.line,
    };
    const given = Object.entries(parameters).flatMap(([name, value]) => ['-p', `${name}=${value}`]);
    const secrets = { OldPrivateKey: this.old.file, NewPrivateKey: fresh.file };
    const files = Object.entries(secrets).flatMap(([name, key]) => ['--secret', `${name}=file:${key}`]);
    return this.desk.start(['run', file, '-y', ...given, ...files]);
  }

  async look(): Promise<Look> {
    const { KeyPairs = [] } = await this.#ec2.send(new DescribeKeyPairsCommand({}));
    const script = `cat ${path}; echo; stat -c '%n %U:%G %a' ${path}; ls -A ${path.replace(/[^/]+$/, '')}`;
    return {
      files: await Promise.all(
        this.hosts.map(async (host) => (await this.world.lab.exec(host, script)).stdout),
      ),
      keyPairs: KeyPairs.map(({ KeyName, KeyPairId }) => `${KeyName} ${KeyPairId}`).toSorted(),
    };
  }

  /** From outside, by OpenSSH itself. */
  letsIn(host: string, { file }: KeyFile): boolean {
    const { lab } = this.world;
    const all = [
      ...options,
      `UserKnownHostsFile=${lab.knownHosts}`,
      `ProxyCommand=ssh -F ${lab.sshConfig} -W %h:%p b1`,
    ];
    const words = ['-F', 'none', '-i', file, ...all.flatMap((option) => ['-o', option])];
    return spawnSync('ssh', [...words, `ops@${lab.address(host)}`, 'true']).status === 0;
  }

  /** The sshd of this host alone refuses the key, whatever authorized_keys says. */
  async revoke(host: string, { line }: KeyFile): Promise<void> {
    await this.world.lab.exec(host, 'cat >/etc/ssh/revoked', { stdin: `${line}\n` });
    await this.world.lab.exec(
      host,
      'echo "RevokedKeys /etc/ssh/revoked" >/etc/ssh/sshd_config.d/revoked.conf; systemctl reload ssh',
    );
  }

  async allow(host: string): Promise<void> {
    await this.world.lab.exec(host, 'rm /etc/ssh/sshd_config.d/revoked.conf; systemctl reload ssh');
  }
}
