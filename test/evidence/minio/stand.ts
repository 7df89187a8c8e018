/**
 * Where the MinIO runbooks are shown: a real cluster of four nodes behind nginx with a backup target, and a desk from which
 * `belay` is started as people start it. One cluster for the cases of a file; each case leaves it as it found it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { parse, stringify } from 'yaml';
import { MinioLab } from '../../lab/minio/cluster.ts';
import { Desk, idOf, type Going, type Said, type Way } from '../../support/command-line.ts';
import { shownFrom, type Shown } from '../patch/command.ts';
import { readable, readableInFolder, type Canary } from '../secrets/canary.ts';

const runbooks = join(import.meta.dirname, '..', '..', '..', 'runbooks', 'minio');

export type Parameters = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** A step of a document, as far as it is looked at here. */
interface Step {
  readonly name: string;
  readonly action?: string;
  readonly inputs?: { readonly Steps?: Step[] };
}
interface Document {
  readonly mainSteps: Step[];
}

export class Stand {
  readonly minio: MinioLab;
  readonly desk: Desk;
  /** Values that may stand nowhere: search with `expectNowhere`. */
  readonly secrets: Canary[];
  /** In the environment of every `belay` of this stand. */
  readonly env: Record<string, string>;
  readonly #said: Said[] = [];

  private constructor(minio: MinioLab) {
    this.minio = minio;
    this.desk = new Desk();
    const { hosts } = minio.inventory();
    this.desk.write('belay.yaml', { hosts, groups: { minio: [...minio.nodes] } });
    this.env = { MINIO_SECRET: minio.root.secretKey, BACKUP_SECRET: minio.backup.secretKey };
    this.secrets = [minio.root, minio.backup].map(({ secretKey }) => ({
      value: secretKey,
      cores: [secretKey],
    }));
  }

  static async raise(): Promise<Stand> {
    return new Stand(await MinioLab.up());
  }

  async down(): Promise<void> {
    this.desk[Symbol.dispose]();
    await this.minio.down();
  }

  /** What every runbook for this cluster is told. */
  get cluster(): Parameters {
    return { Cluster: 'minio', Nodes: this.minio.nodes, ServerName: 'minio.lab', Ca: this.minio.ca };
  }

  /** A copy of the shipped runbook in which a step that fails comes right behind the one named; in a rolling, on minio03. */
  failingAfter(name: string, place: string): string {
    const document = documentOf(name);
    const [outer, inner] = place.split('/');
    const failing = {
      name: 'FailHere',
      action: 'host:command',
      // Of the turns the third fails: two nodes are done then, one is in its turn, one is untouched.
      inputs:
        inner === undefined
          ? { Host: 'minio03', Command: ['/bin/false'] }
          : { Host: `{{ ${outer}.Target }}`, Script: 'test "$(uname -n)" != minio03' },
      undo: { none: 'it only fails' },
    };
    const rolling = document.mainSteps.find((step) => step.name === outer);
    const list = inner === undefined ? document.mainSteps : (rolling?.inputs?.Steps ?? []);
    const at = list.findIndex((step) => step.name === (inner ?? outer));
    if (at < 0) throw new Error(`${name} has no step ${place}`);
    const { isEnd: _, ...before } = list[at] as Step & { readonly isEnd?: boolean };
    list.splice(at, 1, before, failing as unknown as Step);
    return this.desk.write(`${name}-fails-after-${place.replace('/', '-')}.yaml`, stringify(document));
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

  /** No secret stands in what was said or is kept. */
  expectNowhere(): void {
    const told = this.#said.map(({ stdout, stderr }) => `${stdout}\n${stderr}`).join('\n');
    expect(readable(Buffer.from(told), this.secrets)).toEqual([]);
    expect(readableInFolder(this.desk.state, this.secrets)).toEqual([]);
  }
}

/** The shipped file. */
export const shipped = (name: string): string => join(runbooks, `${name}.yaml`);

const documentOf = (name: string): Document => parse(readFileSync(shipped(name), 'utf8')) as Document;

/** Each place of the shipped runbook at which one more step may fail: behind a step that is no branch. Nested: `Rolling/Step`. */
export const placesIn = (name: string): string[] =>
  documentOf(name)
    .mainSteps.filter(({ action }) => action !== 'aws:branch')
    .flatMap((step) => [
      ...(step.inputs?.Steps ?? []).map((nested) => `${step.name}/${nested.name}`),
      step.name,
    ]);

/** Where a step fails: one place drawn by a seed that is printed, or each in turn with BELAY_FAULTS=all. */
export function drawn(title: string, places: readonly string[]): readonly string[] {
  if (process.env['BELAY_FAULTS'] === 'all') return places;
  const seed = Number(process.env['BELAY_SEED'] ?? Date.now() % 100_000);
  const place = places[seed % places.length] ?? '';
  console.log(`${title}: fails after ${place} (BELAY_SEED=${seed} for the same, BELAY_FAULTS=all for each)`);
  return [place];
}
