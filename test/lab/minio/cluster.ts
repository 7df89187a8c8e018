/**
 * A real MinIO cluster in the lab: four nodes with four drives each, nginx in front of them, a second S3 server for
 * backups, TLS by the lab's own authority, and keys that no other lab has.
 *
 *     const minio = await MinioLab.up();                    // about half a minute, 20 s of it waiting by rule
 *     await minio.s3().put('bucket', 'key', 'value');       // through nginx
 *     await minio.drives.blank('minio02', 3);
 *     await minio.down();
 *
 * MinIO is AGPL-3.0 and stays outside Belay: the tests talk to it over the network.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { registerSecret } from '../../support/secret-search/registry.ts';
import { LabFailure } from '../hosts/command.ts';
import { Lab, type LabInventoryHost } from '../hosts/lab.ts';
import { CertificateAuthority, pairOfKind, type CertificatePair, type PairKind } from './certificates.ts';
import {
  backupEnvironment,
  drivesPerNode,
  minioEnvironment,
  minioNodes,
  nginxConfiguration,
  paths,
  type MinioNode,
} from './configuration.ts';
import { Drives } from './drives.ts';
import { nameOf } from './exchange.ts';
import {
  adminInfo,
  probe,
  untilHealthy,
  untilReady,
  type ClusterView,
  type Health,
  type HealthPath,
  type Server,
} from './health.ts';
import { minioUnavailable, releases, type ReleaseName } from './releases.ts';
import { S3, type KeyPair } from './s3.ts';

export interface MinioOptions {
  /** Other hosts of the lab, beside the six of the cluster. */
  readonly hosts?: readonly string[];
  /**
   * The quiet seconds of the health rule (health.ts); default 20. With 0 a first read or write may fail for 15 s more:
   * for tests that look at the machines only.
   */
  readonly quietSeconds?: number;
}

interface Credentials {
  readonly root: KeyPair;
  readonly backup: KeyPair;
}

export class MinioLab {
  static readonly unavailable = minioUnavailable;
  static readonly hosts = [...minioNodes, 'lb1', 'bk1'] as const;

  /** In a lab of its own. Rejects with LabFailure; then nothing is left. */
  static async up(options: MinioOptions = {}): Promise<MinioLab> {
    const reason = minioUnavailable();
    if (reason !== undefined) throw new LabFailure('Unavailable', reason);
    const lab = await Lab.up({ hosts: [...MinioLab.hosts, ...(options.hosts ?? [])] });
    try {
      return await MinioLab.raise(lab, options);
    } catch (error) {
      await lab.down();
      throw error;
    }
  }

  /** Makes the cluster of hosts that are up in this lab; its owner takes it down. */
  static async raise(lab: Lab, options: MinioOptions = {}): Promise<MinioLab> {
    const folder = join(lab.stateFolder, 'minio');
    const authority = await CertificateAuthority.open(folder, `Belay lab ${lab.id}`);
    await makeCredentials(folder);
    const minio = new MinioLab(lab, authority);
    await Promise.all([
      ...minioNodes.map((node) => minio.#configureNode(node)),
      minio.#configureLoadBalancer(),
      minio.#configureBackup(),
    ]);
    await Promise.all([
      ...minioNodes.map((node) => minio.run(node, 'systemctl enable -q --now minio')),
      minio.run('lb1', 'systemctl enable -q --now nginx'),
      minio.run('bk1', 'systemctl enable -q --now versitygw'),
    ]);
    await minio.untilHealthy({ quietSeconds: options.quietSeconds ?? 20 });
    await minio.#untilServed(minio.s3());
    await minio.#untilServed(minio.s3('backup'));
    return minio;
  }

  /** The cluster that is up in this lab. */
  static async attach(lab: Lab): Promise<MinioLab> {
    const folder = join(lab.stateFolder, 'minio');
    if (!existsSync(join(folder, 'credentials.json')))
      throw new LabFailure(
        'NotUp',
        `lab ${lab.id} has no MinIO cluster; raise it with: npm run lab -- up minio`,
      );
    return new MinioLab(lab, await CertificateAuthority.open(folder, `Belay lab ${lab.id}`));
  }

  readonly lab: Lab;
  readonly nodes: readonly MinioNode[] = minioNodes;
  /** On the controller; gone after `down`. */
  readonly folder: string;
  /** The authority's certificate, in PEM and as a file. */
  readonly ca: string;
  readonly caFile: string;
  /** MinIO's root user. */
  readonly root: KeyPair;
  /** The backup target's only user. */
  readonly backup: KeyPair;
  /** `{ root, backup }` as JSON, readable by its owner only. */
  readonly credentialsFile: string;
  /** Of the load balancer; as all URLs here by address, which the certificates are for too. */
  readonly url: string;
  /** Plain HTTP. */
  readonly backupUrl: string;
  readonly drives: Drives;
  readonly #authority: CertificateAuthority;

  private constructor(lab: Lab, authority: CertificateAuthority) {
    this.lab = lab;
    this.folder = join(lab.stateFolder, 'minio');
    this.#authority = authority;
    this.ca = authority.certificate;
    this.caFile = authority.file;
    this.credentialsFile = join(this.folder, 'credentials.json');
    const { root, backup } = JSON.parse(readFileSync(this.credentialsFile, 'utf8')) as Credentials;
    registerSecret("the root key of the lab's MinIO", [root.secretKey]);
    registerSecret("the root key of the lab's backup target", [backup.secretKey]);
    this.root = root;
    this.backup = backup;
    this.url = `https://${lab.address('lb1')}`;
    this.backupUrl = `http://${lab.address('bk1')}:7070`;
    this.drives = new Drives(this);
  }

  nodeUrl(node: string): string {
    return `https://${this.lab.address(node)}:9000`;
  }

  /** S3 through the load balancer, at one node itself, or at the backup target; as root unless other keys are given. */
  s3(where: 'lb' | 'backup' | MinioNode = 'lb', keys?: KeyPair): S3 {
    if (where === 'backup') return new S3(this.backupUrl, keys ?? this.backup);
    return new S3(where === 'lb' ? this.url : this.nodeUrl(where), keys ?? this.root, this.ca);
  }

  /** belay.yaml as an object: the lab's, with the tags `cluster: minio` and `role: node | load-balancer | backup`. */
  inventory(): {
    readonly hosts: Readonly<
      Record<string, LabInventoryHost & { readonly tags?: Readonly<Record<string, string>> }>
    >;
  } {
    const hosts = Object.entries(this.lab.inventory().hosts).map(([host, entry]) => {
      const role = minioNodes.some((node) => node === host)
        ? 'node'
        : { lb1: 'load-balancer', bk1: 'backup' }[host];
      return [host, role === undefined ? entry : { ...entry, tags: { cluster: 'minio', role } }] as const;
    });
    return { hosts: Object.fromEntries(hosts) };
  }

  /** A fresh pair for a node or lb1, good unless another kind is asked for. Not installed. */
  pair(host: string, kind: PairKind = 'good'): Promise<CertificatePair> {
    const names = [`${host}.lab`, host, 'minio.lab'];
    const subject = { commonName: `${host}.lab`, names, addresses: [this.lab.address(host)] };
    return pairOfKind(this.#authority, join(this.folder, 'foreign'), subject, kind);
  }

  probe(node: string, path: HealthPath, timeoutMs?: number): Promise<Health> {
    return probe(this.nodeUrl(node), this.ca, path, timeoutMs);
  }

  /** All servers as this node sees them. */
  info(node: MinioNode = 'minio01'): Promise<readonly Server[]> {
    return adminInfo(this.s3(node));
  }

  /** Every node 200 and every drive ok; without the quiet time and the canary. */
  untilReady(timeoutSeconds = 120): Promise<void> {
    return untilReady(this.#view(), timeoutSeconds);
  }

  untilHealthy(options?: {
    readonly timeoutSeconds?: number;
    readonly quietSeconds?: number;
  }): Promise<void> {
    return untilHealthy(this.#view(), options);
  }

  /** A command on a host, as root; rejects with LabFailure unless it ends with 0. Returns what it printed, trimmed. */
  async run(host: string, what: readonly string[] | string, stdin?: string): Promise<string> {
    const { code, stdout, stderr } = await this.lab.exec(host, what, stdin === undefined ? {} : { stdin });
    if (code !== 0)
      throw new LabFailure(
        'CommandFailed',
        `on ${host}: "${typeof what === 'string' ? what : what.join(' ')}" ended with ${code}: ${stderr || stdout}`,
      );
    return stdout.trim();
  }

  /** Writes a file whole, with its folders. */
  async putFile(host: string, path: string, text: string, mode = '644', owner = 'root'): Promise<void> {
    const script =
      'umask 077; mkdir -p -m 755 "${1%/*}" && cat >"$1.put" && chown "$3:$3" "$1.put" && chmod "$2" "$1.put" && mv "$1.put" "$1"';
    await this.run(host, ['sh', '-c', script, 'put', path, mode, owner], text);
  }

  /** Ends minio on one node, orderly; the host stays up. */
  async stopMinio(node: MinioNode): Promise<void> {
    await this.run(node, 'systemctl stop minio');
  }

  async startMinio(node: MinioNode): Promise<void> {
    await this.run(node, 'systemctl start minio');
  }

  /** Puts that release in the place of the binary that the unit starts. Not restarted. */
  async useRelease(node: MinioNode, name: ReleaseName): Promise<void> {
    const { pathOnNode } = releases[name];
    await this.run(node, `cp ${pathOnNode} ${paths.binary}.put && mv ${paths.binary}.put ${paths.binary}`);
  }

  /** Lays the new release beside the binary, as an upgrade does before its restart. Returns its path on the nodes. */
  async stageRelease(name: ReleaseName, nodes: readonly MinioNode[] = minioNodes): Promise<string> {
    await Promise.all(
      nodes.map((node) => this.run(node, ['cp', releases[name].pathOnNode, paths.nextBinary])),
    );
    return paths.nextBinary;
  }

  /** belay-demo 1.0 on every node: what a rolling patch upgrades after `lab.publish(node, 'new')`. */
  async installPatchable(nodes: readonly MinioNode[] = minioNodes): Promise<void> {
    const install = 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq belay-demo';
    await Promise.all(nodes.map((node) => this.run(node, install)));
  }

  async down(): Promise<void> {
    await this.lab.down();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
  }

  #view(): ClusterView {
    return {
      nodes: minioNodes.map((name) => ({ name, url: this.nodeUrl(name), s3: this.s3(name) })),
      ca: this.ca,
      driveCount: minioNodes.length * drivesPerNode,
    };
  }

  /** Until it lists its buckets: what stands beside the nodes has no health rule of its own. */
  async #untilServed(s3: S3): Promise<void> {
    const deadline = Date.now() + 15_000;
    for (;;) {
      const status = await s3.request({ path: '/' }).then(
        (answer) => answer.status,
        (error: unknown) => nameOf(error),
      );
      if (status === 200) return;
      if (Date.now() > deadline)
        throw new LabFailure('NotServed', `${s3.url} does not list its buckets: ${status}`);
      await sleep(200);
    }
  }

  async #configureNode(node: MinioNode): Promise<void> {
    const { certificate, privateKey } = await this.pair(node);
    await this.putFile(node, paths.environment, minioEnvironment(this.root), '640');
    await this.putFile(node, paths.certificate, certificate, '644', 'minio-user');
    await this.putFile(node, paths.privateKey, privateKey, '600', 'minio-user');
    await this.putFile(node, paths.authority, this.ca, '644', 'minio-user');
  }

  async #configureLoadBalancer(): Promise<void> {
    const { certificate, privateKey } = await this.pair('lb1');
    await this.putFile('lb1', paths.nginxConfiguration, nginxConfiguration());
    await this.putFile('lb1', paths.nginxCertificate, certificate);
    await this.putFile('lb1', paths.nginxPrivateKey, privateKey, '600');
    await this.putFile('lb1', paths.nginxAuthority, this.ca);
  }

  async #configureBackup(): Promise<void> {
    await this.putFile('bk1', paths.backupEnvironment, backupEnvironment(this.backup), '600');
  }
}

async function makeCredentials(folder: string): Promise<void> {
  const file = join(folder, 'credentials.json');
  if (existsSync(file)) return;
  const keys = (name: string): KeyPair => ({
    accessKey: `${name}${randomBytes(4).toString('hex')}`,
    secretKey: randomBytes(24).toString('base64url'),
  });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(file, JSON.stringify({ root: keys('root'), backup: keys('backup') }, null, 2), {
    mode: 0o600,
  });
}
