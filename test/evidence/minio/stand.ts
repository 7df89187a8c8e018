/**
 * Where the MinIO runbooks are shown: a real cluster of four nodes behind nginx with a backup target, and a desk from which
 * `belay` is started as people start it. One cluster for the cases of a file; each case leaves it as it found it.
 */
import { expect } from 'vitest';
import { MinioLab } from '../../lab/minio/cluster.ts';
import { Desk, idOf, type Going, type Said, type Way } from '../../support/command-line.ts';
import { accidentOn, failingAfter, placesIn, shippedFile } from '../failing-step.ts';
import { shownFrom, type Shown } from '../patch/command.ts';
import { readable, readableInFolder, type Canary } from '../secrets/canary.ts';
import { Watch } from './watch.ts';

export type Parameters = Readonly<Record<string, string | number | boolean | readonly string[]>>;

export class Stand {
  readonly minio: MinioLab;
  /** Another one after a test that failed: `ended`. */
  desk: Desk;
  /** Values that may stand nowhere: search with `expectNowhere`. */
  readonly secrets: Canary[];
  /** In the environment of every `belay` of this stand. */
  readonly env: Record<string, string>;
  readonly #said: Said[] = [];
  readonly #watches: Watch[] = [];

  private constructor(minio: MinioLab) {
    this.minio = minio;
    this.desk = this.#newDesk();
    this.env = { MINIO_SECRET: minio.root.secretKey, BACKUP_SECRET: minio.backup.secretKey };
    this.secrets = [minio.root, minio.backup].map(({ secretKey }) => ({
      value: secretKey,
      cores: [secretKey],
    }));
  }

  static async raise(): Promise<Stand> {
    return new Stand(await MinioLab.up());
  }

  #newDesk(): Desk {
    const desk = new Desk();
    const { hosts } = this.minio.inventory();
    desk.write('belay.yaml', { hosts, groups: { minio: [...this.minio.nodes] } });
    return desk;
  }

  async down(): Promise<void> {
    await this.#endWatches();
    this.desk[Symbol.dispose]();
    await this.minio.down();
  }

  /** A load through nginx and an observer, from now on. */
  async watch(): Promise<Watch> {
    const watch = await Watch.begin(this.minio);
    this.#watches.push(watch);
    return watch;
  }

  async #endWatches(): Promise<void> {
    for (const watch of this.#watches.splice(0)) await watch.abandon();
  }

  /** After each test. What one that failed, or took too long, leaves going ends with it, and the next one finds no lock of it. */
  async ended(hasFailed: boolean): Promise<void> {
    await this.#endWatches();
    if (!hasFailed) return;
    await this.desk.endAll();
    this.desk[Symbol.dispose]();
    this.desk = this.#newDesk();
    const hosts = [...this.minio.nodes, 'lb1', 'bk1'];
    await Promise.all(hosts.map((host) => this.minio.run(host, 'rm -rf /var/tmp/belay-lock*')));
  }

  /** What every runbook for this cluster is told. */
  get cluster(): Parameters {
    return { Cluster: 'minio', Nodes: this.minio.nodes, ServerName: 'minio.lab', Ca: this.minio.ca };
  }

  /** A copy of the shipped runbook that fails behind the place: of the turns the third, so two nodes are done and one is untouched. */
  failingAfter(name: string, place: string): string {
    const document = failingAfter(`minio/${name}`, place, accidentOn('minio03'));
    return this.desk.write(`${name}-fails-after-${place.replace('/', '-')}.yaml`, document);
  }

  /** Starts a run; parameters go by a file, as lists and certificates do. */
  start(file: string, parameters: Parameters, secrets: Readonly<Record<string, string>>): Going {
    const given = this.desk.write('parameters.yaml', parameters);
    const words = Object.entries(secrets).flatMap(([name, from]) => ['--secret', `${name}=${from}`]);
    return this.desk.start(['run', file, '--params-file', given, ...words, '--yes', '--no-wait'], {
      env: this.env,
    });
  }

  async run(file: string, parameters: Parameters, secrets: Readonly<Record<string, string>>): Promise<Said> {
    return this.heard(await this.start(file, parameters, secrets).said);
  }

  async belay(words: readonly string[], way: Way = {}): Promise<Said> {
    return this.heard(await this.desk.belay(words, { ...way, env: { ...this.env, ...way.env } }));
  }

  /** Remembers what was said, for `expectNowhere`. */
  heard(said: Said): Said {
    this.#said.push(said);
    return said;
  }

  async show(said: Said): Promise<Shown> {
    const { stdout } = await this.belay(['show', idOf(said), '--json']);
    return shownFrom(stdout);
  }

  /** No secret is in what was said or is kept. */
  expectNowhere(): void {
    const told = this.#said.map(({ stdout, stderr }) => `${stdout}\n${stderr}`).join('\n');
    expect(readable(Buffer.from(told), this.secrets)).toEqual([]);
    expect(readableInFolder(this.desk.state, this.secrets)).toEqual([]);
  }
}

/** The shipped file. */
export const shipped = (name: string): string => shippedFile(`minio/${name}`);

/** Each place of the shipped runbook at which one more step may fail. */
export const placesOf = (name: string): string[] => placesIn(`minio/${name}`);
