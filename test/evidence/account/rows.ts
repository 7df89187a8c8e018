/** The rows of the tables of the account: an action, how its step ends, what its undo is; and one row driven to its end. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import type { JsonObject } from '../../../src/json.ts';
import { Belay } from '../../../src/runtime/belay.ts';
import type { Transports, TransportsOptions } from '../../../src/runtime/transports.ts';
import type { Host } from '../../../src/transports/host.ts';
import { withFault, type FaultKind } from '../../../src/world/faults.ts';
import { isThorough, seed } from '../sample.ts';
import { expectClaimsHold } from './claims.ts';
import { difference } from './footprint.ts';
import type { Places } from './sentences.ts';

const endings = ['done', 'refused', 'lostReply', 'timedOut', 'cancelled', 'mismatch', 'killed'] as const;
const undos = ['auto', 'list', 'none'] as const;
type EndsAs = (typeof endings)[number];

export interface Row {
  /** What acts: a name of the table. */
  readonly name: string;
  readonly ends: EndsAs;
  readonly undo: (typeof undos)[number];
}

/** A part of the rows by the seed; each is run by BELAY_FAULTS=all. */
export function sampledRows(names: readonly string[], rowsInCi: number): readonly Row[] {
  const rows = names.flatMap((name) =>
    endings.flatMap((ends) => undos.map((undo) => ({ name, ends, undo }))),
  );
  if (isThorough) return rows;
  const rank = ({ name, ends, undo }: Row): number => {
    let hash = seed | 0;
    for (const letter of `${name} ${ends} ${undo}`)
      hash = Math.imul(hash ^ letter.charCodeAt(0), 0x5bd1e995) >>> 1;
    return hash;
  };
  return rows.toSorted((left, right) => rank(left) - rank(right)).slice(0, rowsInCi);
}

/** Where a row is driven. */
export interface Setting {
  /** A folder of its own; a belay.yaml may lie in it. */
  readonly dir: string;
  readonly action: string;
  readonly inputs: JsonObject;
  readonly isSandbox: boolean;
  readonly open: (options: TransportsOptions) => Promise<Transports>;
  /** The world's own state: lines as those of `footprint`, and where the things are that they name. */
  readonly look: (of: {
    readonly stateDir: string;
    readonly id: string;
  }) => Promise<{ readonly lines: readonly string[]; readonly places: Places }>;
}

class Killed extends Error {}

/** The world with one thing going wrong at its first effect. */
function going(transports: Transports, ends: EndsAs, meanwhile: { cancel(): void }): Transports {
  const kind: FaultKind | null = ends === 'refused' || ends === 'lostReply' ? ends : null;
  const ports = { aws: transports.aws, host: (name: string): Host | undefined => transports.host(name) };
  const faulty = kind === null ? ports : withFault(ports, { effect: 1, kind });
  let isFirst = true;
  const wrapped = (host: Host): Host => ({
    ...host,
    start: async (token, script, options) => {
      await host.start(token, script, options);
      if (!isFirst) return;
      isFirst = false;
      if (ends === 'cancelled') meanwhile.cancel();
      if (ends === 'killed') throw new Killed();
    },
    poll: async (token, options) => {
      const state = await host.poll(token, options);
      if (ends !== 'timedOut' || isOver) return state;
      await delay(200);
      return { kind: 'running', next: options.from };
    },
    stop: async (token, options) => {
      isOver = true;
      await host.stop(token, options);
    },
  });
  let isOver = false;
  return {
    ...transports,
    aws: faulty.aws,
    host: (name) => {
      const host = faulty.host(name);
      if (host === undefined) throw new Error(`there is no ${name}`);
      return wrapped(host);
    },
  };
}

/** Every claim that is made when it has ended, and when it was rolled back, is compared with the world. */
export async function expectRowHolds({ name, ends, undo }: Row, setting: Setting): Promise<void> {
  const { dir, action, inputs, isSandbox, open, look } = setting;
  let fault: EndsAs = ends;
  let id = '';
  const belay = new Belay({
    state: join(dir, 'state'),
    cwd: dir,
    env: {},
    stdin: () => Promise.resolve(''),
    openTransports: async (options) =>
      going(await open(options), fault, { cancel: () => void belay.cancel(id) }),
  });
  try {
    const step = {
      name: 'Act',
      action,
      inputs,
      ...(ends === 'timedOut' ? { timeoutSeconds: 1 } : {}),
      ...(ends === 'mismatch' ? { outputs: [{ Name: 'V', Selector: '$.Nothing', Type: 'Integer' }] } : {}),
      ...(undo === 'none' ? { undo: { none: 'nothing needs it' } } : {}),
      ...(undo === 'list'
        ? { undo: [{ name: 'Back', action: 'aws:sleep', inputs: { Duration: 'PT0S' } }] }
        : {}),
    };
    const file = join(dir, 'row.json');
    writeFileSync(
      file,
      JSON.stringify({ schemaVersion: '0.3', rollback: { when: 'never' }, mainSteps: [step] }),
    );
    ({ id } = await belay.start({ file, texts: {}, values: {}, secrets: {}, sandbox: isSandbox }));
    const of = { stateDir: belay.stateDir, id };
    const before = await look(of);
    const expectHolds = async (about: string): Promise<void> => {
      const { lines, places } = await look(of);
      expectClaimsHold(await belay.view(id), { changed: difference(before.lines, lines), places }, about);
    };
    const ran = await belay.run(id, { onWait: 'leave' }).catch((error: unknown) => {
      if (!(error instanceof Killed)) throw error;
      return null;
    });
    if (ran === null) {
      fault = 'done';
      await belay.run(id, { onWait: 'leave' });
    }
    const about = `${name} ${ends} ${undo}`;
    if ((await belay.view(id)).endedAt === null) {
      // It asks a person whether it happened, and claims nothing until then.
      expect((await belay.view(id)).waiting, about).toMatchObject({ kind: 'unknownOutcome' });
      return;
    }
    await expectHolds(about);
    fault = 'done';
    await belay.requestRollback(id, { force: false });
    await belay.run(id, { onWait: 'leave' });
    // An undo list of these tables takes nothing back: that is its author's word.
    if (undo === 'auto') await expectHolds(`${about}, rolled back`);
  } finally {
    belay.close();
  }
}
