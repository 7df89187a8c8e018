/**
 * What the evidence happens on: the lab's MinIO cluster behind nginx, and a desk from which Belay is run as people run it.
 * One stage per test file; `reset` makes it as new for the next case.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MinioLab } from '../../lab/minio/cluster.ts';
import { releases } from '../../lab/minio/releases.ts';
import { paths, type MinioNode } from '../../lab/minio/configuration.ts';
import type { Json } from '../../../src/json.ts';
import { Watch } from './watch.ts';
import { Desk, idOf, type Going, type Said } from '../../support/command-line.ts';

/** `show --json`, as far as the tests read it. */
export interface Shown {
  readonly executionId: string;
  readonly status: string;
  readonly rollbackStatus: string;
  readonly failedStep: string | null;
  readonly steps: readonly ShownStep[];
  readonly rollback: readonly {
    readonly name: string;
    readonly result: string;
    readonly steps: readonly ShownStep[];
  }[];
}
interface ShownStep {
  readonly name: string;
  readonly status: string;
  readonly failure: { readonly code: string; readonly message: string } | null;
}

/** What a run may change, and has to put back when it fails. */
export interface Look {
  /** Of nginx: owner, mode, sha256. */
  readonly nginx: string;
  /** Of each node: the package's version, files with owner, mode and sha256, the unit, what lies beside the binary. */
  readonly nodes: Readonly<Record<string, string>>;
  readonly drives: string;
  readonly versions: readonly string[];
}

const runbooks = new URL('../../../runbooks/minio/', import.meta.url);

export const shippedFile = (name: string): string => new URL(`${name}.yaml`, runbooks).pathname;

/** A binary is compared with the releases: ten times cheaper than its checksum, and there are many looks. */
const bytesOf = (file: string): string => {
  const isOne = Object.values(releases).map(
    ({ pathOnNode }) => `{ cmp -s ${pathOnNode} ${file} && echo = ${pathOnNode}; }`,
  );
  return [...isOne, `sha256sum <${file}`].join(' || ');
};

export class MinioStage {
  static async up(): Promise<MinioStage> {
    const minio = await MinioLab.up();
    try {
      await minio.installPatchable();
      for (const node of minio.nodes) await minio.lab.publish(node, 'new');
      return new MinioStage(minio);
    } catch (error) {
      await minio.down();
      throw error;
    }
  }

  readonly minio: MinioLab;
  /** Whose state folder is empty when a case begins. */
  desk: Desk;
  readonly #going: Going[] = [];
  readonly #watches: Watch[] = [];

  private constructor(minio: MinioLab) {
    this.minio = minio;
    this.desk = this.newDesk();
  }

  /** Another laptop: a state folder of its own. */
  newDesk(): Desk {
    const desk = new Desk({ MINIO_SECRET: this.minio.root.secretKey });
    desk.write('belay.yaml', { hosts: this.minio.inventory().hosts, groups: { minio: ['minio{01..04}'] } });
    return desk;
  }

  /** The words of `belay run` with all parameters that both runbooks share. */
  words(file: string, parameters: Readonly<Record<string, Json>>): string[] {
    const { minio } = this;
    const all = {
      Nodes: [...minio.nodes],
      ServerName: 'minio.lab',
      CaCertificates: minio.ca,
      AccessKey: minio.root.accessKey,
      ...parameters,
    };
    const place = join(this.desk.folder, 'parameters.json');
    writeFileSync(place, JSON.stringify(all));
    return ['run', file, '-y', '--params-file', place, '--secret', 'SecretKey=env:MINIO_SECRET'];
  }

  patchWords(file: string, parameters: Readonly<Record<string, Json>> = {}): string[] {
    return this.words(file, {
      Packages: ['belay-demo'],
      LoadBalancer: 'lb1',
      UpstreamSuffix: '.lab:9000',
      BakeSeconds: 1,
      ...parameters,
    });
  }

  patch(parameters: Readonly<Record<string, Json>> = {}, file = shippedFile('rolling-patch')): Going {
    return this.start(this.patchWords(file, parameters));
  }

  start(words: readonly string[]): Going {
    const going = this.desk.start(words);
    this.#going.push(going);
    return going;
  }

  /** A load through nginx and an observer, from now on. */
  async watch(): Promise<Watch> {
    const watch = await Watch.begin(this.minio);
    this.#watches.push(watch);
    return watch;
  }

  /** What a test that failed half-way leaves running ends with it. */
  async endAll(): Promise<void> {
    for (const watch of this.#watches.splice(0)) await watch.abandon();
    for (const going of this.#going.splice(0)) {
      if (going.process.exitCode === null) going.process.kill('SIGKILL');
      await going.said;
    }
  }

  async show(said: Said): Promise<Shown> {
    const { stdout } = await this.desk.belay(['show', idOf(said), '--json']);
    return JSON.parse(stdout) as Shown;
  }

  packageVersion(node: MinioNode): Promise<string> {
    return this.minio.run(node, "dpkg-query -W -f '${Version}' belay-demo");
  }

  async look(): Promise<Look> {
    const { minio } = this;
    const files = [paths.environment, paths.binary, `${paths.binary}.new`, `${paths.binary}.old`];
    const facts = [
      "dpkg-query -W -f '${Version} ${db:Status-Abbrev}\\n' belay-demo",
      'systemctl is-active minio; systemctl is-enabled minio',
      `for f in ${files.join(' ')}; do [ -e "$f" ] || continue; stat -c '%n %U:%G %a' "$f"; ${bytesOf('"$f"')}; done`,
      'findmnt -rno TARGET,FSTYPE | grep /stg/data | sort',
    ].join('; ');
    const nodes = await Promise.all(
      minio.nodes.map(async (node) => [node, await minio.run(node, facts)] as const),
    );
    const servers = await minio.info();
    const drives = servers.flatMap((server) => server.drives);
    return {
      nginx: await minio.run(
        'lb1',
        `stat -c '%U:%G %a' ${paths.nginxConfiguration}; sha256sum <${paths.nginxConfiguration}; ls -A /etc/nginx/conf.d; systemctl is-active nginx`,
      ),
      nodes: Object.fromEntries(nodes),
      drives: `${drives.filter(({ state, healing }) => state === 'ok' && !healing).length} of ${drives.length} ok`,
      versions: [...new Set(servers.map(({ version }) => version))],
    };
  }

  /** An empty desk, the old package on every node, every node serving and in nginx, and no lock that a failed case left. */
  async reset(): Promise<void> {
    await this.endAll();
    this.desk[Symbol.dispose]();
    this.desk = this.newDesk();
    const hosts = [...this.minio.nodes, 'lb1'];
    await Promise.all(hosts.map((host) => this.minio.lab.thaw(host)));
    await Promise.all(hosts.map((host) => this.minio.run(host, 'rm -rf /var/tmp/belay-lock*')));
    const install =
      'export DEBIAN_FRONTEND=noninteractive; [ "$(dpkg-query -W -f \'${Version}\' belay-demo)" = 1.0 ] || apt-get install -y -qq --allow-downgrades belay-demo=1.0 >/dev/null';
    await Promise.all(this.minio.nodes.map((node) => this.minio.run(node, install)));
    if (await this.#mended()) await this.minio.untilHealthy();
  }

  /** Whether a case that failed half-way had left something: drives that are full, a server that stands still or is stopped, a node out of nginx. */
  async #mended(): Promise<boolean> {
    const { minio } = this;
    const node = [
      'for f in /stg/data/data*/full; do [ ! -e "$f" ] || { rm -f "$f"; echo full; }; done',
      'systemctl is-active -q minio || { systemctl start minio; echo stopped; }',
      'systemctl kill -s CONT minio',
    ].join('; ');
    const file = paths.nginxConfiguration;
    const nginx = `grep -q ' down;' ${file} || exit 0; sed -i 's/ down;/;/' ${file}; systemctl reload nginx; echo drained`;
    const found = await Promise.all([
      ...minio.nodes.map((name) => minio.run(name, node)),
      minio.run('lb1', nginx),
    ]);
    return found.some((said) => said !== '');
  }

  async down(): Promise<void> {
    await this.endAll();
    this.desk[Symbol.dispose]();
    await this.minio.down();
  }
}
