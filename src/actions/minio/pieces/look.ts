/**
 * Looks at the pieces of all objects on all drives, past MinIO, and finds those of which too few are left. MinIO is not
 * asked, because its heal removes what is left of them, and a read may, too.
 *
 * The list of files tells almost all: an object whose files are alike on every drive of its set is whole. Of the others
 * each xl.meta is read. What then looks torn is looked at again, since a write or a deletion under way looks the same.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ActionContext } from '../../define-action.ts';
import type { Cluster, KeyedInputs } from '../cluster.ts';
import { layoutOf, type Layout, type LocalDrive } from './drives.ts';
import { objectsIn, recordsIn, fetchListing, type PieceRecord } from './listing.ts';
import { judgePieces, type Verdict } from './judge.ts';
import { readPieces } from './heads.ts';
import { shownObject } from './names.ts';

/** Objects of which every xl.meta is read together. */
const batchObjects = 40;
/** A write that is under way has ended by then, or its pieces have changed, in ms. */
const againMs = 1_500;
const looksMax = 4;
const namesKept = 1_000;
const noticeEvery = 10_000;

export interface Found {
  /** `bucket/key` and, where it has one, the version; why; for people. The first thousand. */
  readonly names: readonly string[];
  readonly count: number;
}

export interface LookedAt {
  readonly objects: number;
  readonly drives: number;
  /** Pieces on several hosts, and too few: pieces were lost. */
  readonly torn: Found;
  /** On drives of one host only, as a deletion leaves them while that host is away. */
  readonly remains: Found;
}

type Records = readonly (PieceRecord & { readonly from: number })[];
interface Suspect {
  readonly object: string;
  readonly set: string;
}

export async function lookAtPieces(
  cluster: Cluster,
  inputs: KeyedInputs,
  context: ActionContext,
): Promise<LookedAt> {
  const layout = await layoutOf(cluster, inputs, context);
  const folder = await mkdtemp(join(tmpdir(), 'belay-pieces-'));
  try {
    return await new Look(layout, context).through(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

class Look {
  readonly #layout: Layout;
  readonly #context: ActionContext;
  readonly #hosts: readonly { readonly name: string; readonly drives: readonly LocalDrive[] }[];
  readonly #torn = new Names();
  readonly #remains = new Names();
  #objects = 0;

  constructor(layout: Layout, context: ActionContext) {
    this.#layout = layout;
    this.#context = context;
    this.#hosts = [...Map.groupBy(layout.drives, ({ host }) => host)].map(([name, drives]) => ({
      name,
      drives,
    }));
  }

  async through(folder: string): Promise<LookedAt> {
    const { signal, token } = this.#context;
    this.#context.notice(`listing the pieces on ${this.#layout.drives.length} drives`);
    const files = await Promise.all(
      this.#hosts.map(async ({ name, drives }, index) => {
        const file = join(folder, String(index));
        const paths = drives.map(({ path }) => path);
        const own = `${token.slice(0, 40)}-${Math.random().toString(36).slice(2, 10)}-pieces`;
        await fetchListing(this.#context.host(name), paths, file, { token: own, signal });
        return file;
      }),
    );
    let batch: Suspect[] = [];
    for await (const { object, records } of objectsIn(files.map(recordsIn))) {
      this.#objects += 1;
      if (this.#objects % noticeEvery === 0) {
        signal.throwIfAborted();
        this.#context.notice(`${this.#objects} objects compared on the drives`);
      }
      batch.push(...this.#suspects(object, records));
      if (batch.length < batchObjects) continue;
      await this.#judge(batch);
      batch = [];
    }
    await this.#judge(batch);
    return {
      objects: this.#objects,
      drives: this.#layout.drives.length,
      torn: this.#torn.found,
      remains: this.#remains.found,
    };
  }

  /** In which sets the object's files are not alike on all drives. */
  #suspects(object: string, records: Records): Suspect[] {
    const bySet = Map.groupBy(records, (record) => this.#driveOf(record).set);
    return [...bySet].flatMap(([set, of]) => (this.#isUniform(set, of) ? [] : [{ object, set }]));
  }

  #isUniform(set: string, records: Records): boolean {
    const drives = this.#layout.drives.filter((drive) => drive.set === set).length;
    const places = Map.groupBy(records, ({ place }) => place);
    if (!places.has('xl.meta')) return true;
    return [...places.values()].every(
      (of) => of.length === drives && of.every(({ bytes }) => bytes === of[0]?.bytes),
    );
  }

  #driveOf({ from, drive }: Records[number]): LocalDrive {
    const found = this.#hosts[from]?.drives[drive];
    if (found === undefined) throw new Error('a list names a drive that was not listed');
    return found;
  }

  async #judge(suspects: readonly Suspect[]): Promise<void> {
    let open = suspects.map((suspect) => ({ suspect, verdicts: new Map<string, Verdict>() }));
    for (let look = 1; open.length > 0; look += 1) {
      if (look > 1) await sleep(againMs, undefined, { signal: this.#context.signal });
      const pieces = await readPieces(
        open.map(({ suspect }) => suspect),
        this.#hosts,
        this.#context,
      );
      const next: typeof open = [];
      for (const [index, { suspect, verdicts }] of open.entries()) {
        const now = judgePieces(pieces[index] ?? [], this.#sizeOf(suspect.set));
        const isSame =
          now.length === verdicts.size && now.every((one) => verdicts.get(one.version)?.print === one.print);
        if (now.length === 0) continue;
        // What goes on changing is being written: MinIO's own heal waits for it.
        if (isSame) this.#keep(suspect, now);
        else if (look < looksMax)
          next.push({ suspect, verdicts: new Map(now.map((verdict) => [verdict.version, verdict])) });
      }
      open = next;
    }
  }

  #sizeOf(set: string) {
    const size = this.#layout.sets.get(set) ?? { drives: 0, parity: 0 };
    const seen = this.#layout.drives.filter((drive) => drive.set === set).length;
    return { ...size, unseen: Math.max(0, size.drives - seen) };
  }

  #keep({ object }: Suspect, verdicts: readonly Verdict[]): void {
    for (const { version, kind, has, needs } of verdicts) {
      const name = shownObject(object, version);
      if (kind === 'torn') this.#torn.add(`${name} (${has} drives hold it, ${needs} are needed)`);
      else this.#remains.add(name);
    }
  }
}

class Names {
  readonly #names: string[] = [];
  #count = 0;

  get found(): Found {
    return { names: this.#names, count: this.#count };
  }

  add(name: string): void {
    this.#count += 1;
    if (this.#names.length < namesKept) this.#names.push(name);
  }
}
